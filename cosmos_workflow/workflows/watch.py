"""A hot folder: every shot that is rendered below it is taken once, when it is complete."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import CosmosError, JobError, MediaError, MissingExtra, SpecError
from cosmos_workflow.houdini.arrivals import Arrivals, Look, Note, Rules
from cosmos_workflow.houdini.arrivals_look import Eye, first_cut, look, watched
from cosmos_workflow.houdini.arrivals_notices import Asked, NoNotices, Notices, Told, on_share
from cosmos_workflow.houdini.metadata import ShotMetadata
from cosmos_workflow.prompts.spec import portable, resolve
from cosmos_workflow.workflows import assemble
from cosmos_workflow.workflows.prepare import prepare
from cosmos_workflow.workflows.watch_desk import ONCE, PAGE, Desk
from cosmos_workflow.workflows.watch_journal import Entry, Journal, State
from cosmos_workflow.workflows.watch_orders import Orders, Voice, check, mark_of, wishes_for
from cosmos_workflow.workflows.watch_then import Line, Template

GLANCE, GLANCE_SHARE = 0.5, 4.0
"""Seconds between two looks that must agree; a network share remembers sizes for three."""

_PATROL_EVERY = 5.0
_PATROL_SHARE, _PATROL_SHARE_TOLD = 0.002, 0.001
"""The slow round: how often, and which share of the time it may take."""

_AWAY = 2.0
"""Seconds between two looks whether the folder itself is there."""

_MOST_PAUSE = 5.0

_MOST_TRIES = 5
DIED = "Died"
"""The kind of a shot that is not tried again unless it changes: it ends the process."""


def watch(
    settings: Settings, orders: Orders, voice: Voice, ask: Callable[[str], str] | None = None
) -> None:
    """Watch until Ctrl-C; with ``orders.once``, take what is complete and return.

    Raises MediaError for a folder that is not there, SpecError for a template that is none,
    WatchInUse, and with ``once`` MediaError when a shot is broken, else JobError when what follows
    one failed.
    """
    folder = Path(os.path.abspath(orders.folder))  # noqa: PTH100  (without the ..)
    if not folder.is_dir():
        raise MediaError(f"there is no folder {folder}", hint="name the folder of all shots")
    check(orders)
    if orders.then and not orders.template:
        raise SpecError(
            f"--then {orders.then} needs a template",
            hint="--spec-template with a RunSpec or PromptSpec: its words and settings are used",
        )
    template = Template.read(settings, orders.template) if orders.then else None
    if orders.then == "run":  # a name that is none is told now, not after the first render
        assemble.target(settings, orders.target or settings.default_target).close()
    journal = Journal.of(settings, folder)
    with journal.held(folder):
        _Watch(settings, replace(orders, folder=folder), voice, template, journal, ask).run()


@dataclass
class _Watch:
    """One watch, from its first look to its end."""

    settings: Settings
    orders: Orders
    voice: Voice
    template: Template | None
    journal: Journal
    ask: Callable[[str], str] | None

    def __post_init__(self) -> None:
        orders, settings = self.orders, self.settings
        self.root = orders.folder
        self.eye = Eye.made(self.root, orders.marker, settings.passes)
        share = on_share(self.root)
        self.poll = "as asked" if orders.poll else f"a network share, {share}" if share else ""
        frames = orders.wishes.reading.frames
        glance = GLANCE_SHARE if self.poll and not orders.once else GLANCE
        self.rules = Rules(settle=orders.settle, glance=glance, frames=frames)
        self.asked = mark_of(orders.wishes, settings)
        self.entries = self.journal.entries()
        self.desk = Desk(self.root, self.journal.beside, self.voice.say)
        self.line = Line(
            settings, orders.target, orders.how, orders.detach, self.journal.record, self.ask
        )
        self.ready: deque[tuple[str, str]] = deque()
        self.broken = 0
        self.failed = 0
        self.notices: Notices | None = None
        self.fresh: set[str] = set()
        self.said: set[str] = set()
        self._begin()

    # -- beginning and end -------------------------------------------------------------------------

    def _begin(self) -> None:
        """All that was taken is known; what was not finished is gone on with when it is seen."""
        self.arrivals = Arrivals(self.rules)
        self.arrivals.taken = {shot: entry.signature for shot, entry in self.entries.items()}
        self.unfinished = {s: e.signature for s, e in self.entries.items() if self._again(e)}
        for shot in self.unfinished:
            self.arrivals.taken[shot] = ""
        self.arrivals.touch("", time.monotonic())
        self.identity = self._identity()
        self.looked_at, self.patrolled_at = time.monotonic(), time.monotonic()

    def _again(self, entry: Entry) -> bool:
        """Whether a shot is taken again as it is: half done, or perhaps no longer broken."""
        if entry.state is State.TAKING:
            return True
        if entry.state is State.BROKEN or (entry.state is State.FAILED and not entry.run):
            ours = entry.kind == MediaError.__name__
            if entry.kind == DIED and entry.asked == self.asked:
                return False
            return not self.orders.once or entry.asked != self.asked or not ours
        return False

    def run(self) -> None:
        """Until Ctrl-C, or with ``once`` until nothing is left to do."""
        try:
            self._listen()
            self.desk.flush()
            self.skew = self.desk.skew()
            self._follow_begun()
            while not (self.orders.once and self._nothing_left()):
                self._round()
        finally:
            if self.notices is not None:
                self.notices.close()
            self.desk.flush(ended=True)
        if self.broken:
            shots = "1 shot is" if self.broken == 1 else f"{self.broken} shots are"
            raise MediaError(f"{shots} broken", hint="the _cosmos_error.json beside each says why")
        if self.failed:
            shots = "1 shot" if self.failed == 1 else f"{self.failed} shots"
            raise JobError(
                f"what follows {shots} failed", hint="the _cosmos_status.json beside each says why"
            )

    def _nothing_left(self) -> bool:
        now = time.monotonic()
        return not (self.ready or self.line.busy or self.arrivals.confirming(now))

    def _listen(self) -> None:
        """Open the ear that fits, and tell which it is."""
        if self.orders.once:
            self.desk.how = ONCE
            return
        if not self.poll:
            try:
                self.notices = Told(self.root)
            except NoNotices as error:
                self.poll = str(error)
            except MissingExtra as error:
                self.poll = f"{error.message}: {error.hint}"
        if self.poll:
            self.notices = Asked(self.root, lambda: list(self.arrivals.known))
        how = f"asking every folder ({self.poll})" if self.poll else "changes are noticed at once"
        self.desk.how = how
        self.voice.say(f"watching {self.root}: {how}")
        self.voice.say(f"status: {self.root / PAGE}")

    def _follow_begun(self) -> None:
        """Runs that an earlier watch began or decided on."""
        for entry in self.entries.values():
            begun = entry.state in (State.CREATED, State.STARTING, State.RUNNING)
            left = entry.state is State.RUNNING and self.orders.detach
            if begun and entry.then == "run" == self.orders.then and not left:
                self.line.put(entry)

    # -- one round ---------------------------------------------------------------------------------

    def _round(self) -> None:
        if not self._present():
            return
        now = time.monotonic()
        for folder in self.arrivals.due(now):
            self._look(folder)
        self._patrol(now)
        if not self.looked_at:
            return
        if self.ready:
            self._take(*self.ready.popleft())
        self._hear()
        self.desk.flush()
        most = 0.2 if self.orders.once else _MOST_PAUSE
        self._wait(0.0 if self.ready else self.arrivals.pause(time.monotonic(), most))

    def _wait(self, pause: float) -> None:
        if self.notices is None:
            time.sleep(pause)
            return
        try:
            if self.fresh:
                self.notices.check(self.fresh, len(self.arrivals.known))
                self.fresh = set()
            changed = self.notices.wait(pause)
        except NoNotices as error:
            self.notices.close()
            self.poll = str(error)
            self._listen()
            return
        now = time.monotonic()
        for folder in changed:
            if watched(folder) or not folder:
                self.arrivals.touch(folder, now)

    def _hear(self) -> None:
        for entry in self.line.news():
            self.failed += self.orders.once and entry.state is State.FAILED
            self.entries[entry.shot] = entry
            self.desk.show(entry)
            self.desk.flush(now=True)
            self.voice.shot(entry)

    def _patrol(self, now: float) -> None:
        """A few folders of a slow round: what nobody told us of is found in the end."""
        if now - self.patrolled_at < _PATROL_EVERY or self.orders.once:
            return
        share = _PATROL_SHARE if self.poll else _PATROL_SHARE_TOLD
        until = now + (now - self.patrolled_at) * share
        self.patrolled_at = now
        while time.monotonic() < until:
            folders = self.arrivals.patrol(1)
            if not folders:
                return
            self._look(folders[0])

    def _identity(self) -> tuple[int, int]:
        try:
            stat = self.root.stat()
        except OSError:
            return 0, 0
        return stat.st_dev, stat.st_ino

    def _present(self) -> bool:
        """Whether the folder is there; one that was away, or is another one now, is begun anew."""
        now = time.monotonic()
        if now - self.looked_at < _AWAY:
            return True
        self.looked_at = now
        if self._identity() == self.identity:
            return True
        if self.orders.once:
            raise MediaError(f"{self.root} is not there any more", hint="is it mounted?")
        if self.notices is not None:
            self.notices.close()
            self.notices = None
        if self.identity != (0, 0):
            self.voice.say(f"{self.root} is not there any more (unmounted?): waiting for it")
        self.identity = (0, 0)
        if not self._filled():
            time.sleep(_AWAY)
            return False
        self.voice.say(f"{self.root} is there again")
        self.ready.clear()
        self._begin()
        self._listen()
        return True

    def _filled(self) -> bool:
        """Whether the folder is there with something in it: where a share was mounted, there is an
        empty folder without it."""
        try:
            names = os.listdir(self.root)  # noqa: PTH208  (names)
        except OSError:
            return False
        return not self.entries or any(name[0] not in "._" for name in names)

    # -- looking -----------------------------------------------------------------------------------

    def _look(self, folder: str) -> None:
        seen = self._glimpse(folder)
        if seen is None:
            self.arrivals.gone(folder)
            self.desk.drop(folder)
            self.looked_at = 0.0  # perhaps all of them are
            return
        if folder not in self.arrivals.known:
            self.fresh.add(folder)
        entry, now = self.entries.get(folder), time.monotonic()
        age = time.time() + self.skew - seen.newest
        if self.unfinished.get(folder, "") == seen.signature != "":
            del self.unfinished[folder]
            self.arrivals.saw(seen, now, age)
            self.ready.append((folder, seen.signature))
            return
        verdict = self.arrivals.saw(seen, now, age)
        if verdict is None:
            self._taken_already(entry, seen)
        elif verdict.complete:
            self._complete(folder, seen, told=verdict.told)
        elif seen.strips and folder not in dict(self.ready):
            self.desk.waiting(entry, folder, seen.frames, verdict.reason)

    def _glimpse(self, folder: str) -> Look | None:
        """What lies in a folder; None when it is gone."""
        try:
            seen = look(self.eye, folder)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self.desk.waiting(None, folder, 0, f"the folder cannot be read: {error.strerror}")
            return Look(folder, newest=time.time())
        if not folder and seen.strips:
            if "" not in self.arrivals.known:
                self.voice.say(f"frames in {self.root} itself are no shot: each has a folder")
            return replace(seen, strips=(), signature="")
        return seen

    def _complete(self, folder: str, seen: Look, *, told: bool) -> None:
        if folder in dict(self.ready):
            return
        try:
            cut = "" if told else first_cut(self.eye, folder)
        except OSError as error:
            cut = f"{error.filename} cannot be read: {error.strerror}"
        if cut:
            self.arrivals.doubt(folder, time.monotonic())
            self.desk.waiting(self.entries.get(folder), folder, seen.frames, cut)
            return
        self.ready.append((folder, seen.signature))

    def _taken_already(self, entry: Entry | None, seen: Look) -> None:
        """The state in which it was left; if only specs were missing, they are made now."""
        if entry is None:
            return
        self.desk.place(entry)
        if entry.state is State.PREPARED and entry.then and self.template is not None:
            self._then(entry, seen.note)

    # -- taking ------------------------------------------------------------------------------------

    def _take(self, folder: str, signature: str) -> None:
        """Prepare a shot, if it is still as it was when it was found complete."""
        seen = self._glimpse(folder)
        if seen is None or seen.signature != signature:
            self.arrivals.touch(folder, time.monotonic())
            return
        before = self.entries.get(folder, Entry(folder))
        same = before.signature == signature
        tries = before.tries if same and before.state is State.TAKING else 0
        self.arrivals.taken[folder] = signature
        if tries >= _MOST_TRIES:
            why = f"the watch died {tries} times while it prepared this shot"
            self._break(before, DIED, why, "cosmos prepare-inference with its folder says more")
            return
        taking = Entry(
            shot=folder, state=State.TAKING, time=time.time(), signature=signature,
            take=before.take if same else before.take + 1, tries=tries + 1,
            asked=self.asked, then=self.orders.then, frames=seen.frames,
        )  # fmt: skip
        self._enter(taking)
        self._make(taking, seen)

    def _make(self, taking: Entry, seen: Look) -> None:
        """Prepare what is being taken; what came of it is recorded."""
        folder, start = taking.shot, time.monotonic()
        try:
            wishes = wishes_for(self.orders.wishes, folder, seen.note)
            made = prepare(
                self.settings, self.root / folder, wishes,
                report=self.voice.report, say=self._say,
            )  # fmt: skip
            shot = ShotMetadata.load(made)
        except CosmosError as error:
            if not self._overtaken(taking):
                self._break(taking, type(error).__name__, error.message, error.hint)
            return
        except OSError as error:
            if not self._overtaken(taking):
                self._break(taking, MediaError.__name__, f"{error.filename}: {error.strerror}", "")
            return
        if not self._overtaken(taking):
            self._prepared(taking, made, shot, time.monotonic() - start, seen.note)

    def _overtaken(self, taking: Entry) -> bool:
        """Whether the frames changed while they were read: what was made of them is not used."""
        after = self._glimpse(taking.shot)
        if after is None or after.signature == taking.signature:
            return False
        why = "frames changed while they were read; it is taken again when complete"
        self._enter(taking.next(State.CHANGED, time.time(), message=why))
        self.arrivals.touch(taking.shot, time.monotonic())
        return True

    def _prepared(
        self, taking: Entry, made: Path, shot: ShotMetadata, seconds: float, note: Note
    ) -> None:
        entry = taking.next(
            State.PREPARED, time.time(), frames=shot.frame_count, seconds=round(seconds, 2),
            prepared=portable(made, self.settings),
        )  # fmt: skip
        self.journal.record(entry)
        with suppress(CosmosError, OSError):  # a picture for the page: the shot does without
            self.desk.picture(entry.shot, resolve(shot.video_path, self.settings))
        self._tell(entry)
        self._then(entry, note)

    def _then(self, entry: Entry, note: Note) -> None:
        """Specs, and a place in the line of runs."""
        if self.template is None:
            return
        try:
            folder = resolve(entry.prepared, self.settings)
            made = self.template.create(self.settings, folder, note)
        except CosmosError as error:
            self.failed += self.orders.once
            self._enter(_failed(entry, error))
            return
        created = entry.next(State.CREATED, time.time(), spec=made.run.id, then=self.orders.then)
        self._enter(created)
        if self.orders.then == "run":
            self.line.put(created)

    def _break(self, taking: Entry, kind: str, message: str, hint: str) -> None:
        self.broken += self.orders.once
        entry = taking.next(State.BROKEN, time.time(), kind=kind, message=message, hint=hint)
        self._enter(entry)

    def _say(self, text: str) -> None:
        """What prepare has to say: the same thing once, not for every shot."""
        if text not in self.said:
            self.said.add(text)
            self.voice.say(text)

    def _enter(self, entry: Entry) -> None:
        """Recorded, then told."""
        self.journal.record(entry)
        self._tell(entry)

    def _tell(self, entry: Entry) -> None:
        self.entries[entry.shot] = entry
        self.desk.show(entry)
        self.desk.flush(now=True)
        self.voice.shot(entry)


def _failed(entry: Entry, error: CosmosError) -> Entry:
    kind = type(error).__name__
    return entry.next(State.FAILED, time.time(), kind=kind, message=error.message, hint=error.hint)
