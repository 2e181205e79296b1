"""What follows a prepared shot: specs after a template, and runs in a line of their own."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import CosmosError
from cosmos_workflow.events import ExecutionStatus
from cosmos_workflow.houdini.arrivals import Note
from cosmos_workflow.houdini.metadata import ShotMetadata
from cosmos_workflow.prompts import library
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.prompts.spec import portable
from cosmos_workflow.runs.store import RunFolder
from cosmos_workflow.workflows import assemble, collect, mirror
from cosmos_workflow.workflows import run as line
from cosmos_workflow.workflows.assemble import Bench
from cosmos_workflow.workflows.compose_runs import Knobs, Made, make_runs
from cosmos_workflow.workflows.compose_specs import Words, make_prompt
from cosmos_workflow.workflows.request import How, prompt_of
from cosmos_workflow.workflows.watch_journal import Entry, State

PAUSES = (60.0, 120.0, 300.0, 600.0)
"""Seconds until a run is tried again whose target could not be reached; the last one repeats."""


@dataclass(frozen=True)
class Template:
    """The words, and everything of a RunSpec but its prompt and the rate of its frames."""

    prompt: str
    negative_prompt: str
    knobs: Knobs

    @classmethod
    def read(cls, settings: Settings, text: str) -> Template:
        """From a RunSpec or PromptSpec: a file, an id, the start of one, or a name.

        Raises SpecError.
        """
        if _is_prompt(settings, text):
            prompt = PromptSpec.load(library.find(settings, "prompt", text))
            return cls(prompt.prompt, prompt.negative_prompt, Knobs())
        run = RunSpec.load(library.find(settings, "run", text))
        prompt = prompt_of(settings, run)
        parameters = run.parameters.model_dump(mode="json", exclude_none=True)
        parameters.pop("fps", None)  # the shot's own: the result plays as long as it does
        weights = [f"{key}={value}" for key, value in run.control_weights.items()]
        options = [f"{key}={_text(value)}" for key, value in run.options.items()]
        knobs = Knobs(run.engine, None, weights, parameters, options)
        return cls(prompt.prompt, prompt.negative_prompt, knobs)

    def create(self, settings: Settings, folder: Path, note: Note) -> Made:
        """The saved RunSpec of a prepared shot; the same shot again gives the same one.

        Raises SpecError, ConfigError or MediaError.
        """
        shot = ShotMetadata.load(folder)
        words = Words(
            name=shot.name,
            prompt=note.prompt or self.prompt,
            negative_prompt=note.negative_prompt or self.negative_prompt,
            prepared=str(folder),
        )
        _, path = make_prompt(settings, words)
        return make_runs(settings, [str(path)], self.knobs)[0]


def _is_prompt(settings: Settings, text: str) -> bool:
    """Whether a PromptSpec is meant; RunSpecs come first where a name fits both."""
    for path in (Path(text).expanduser(), settings.root / text):
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        return isinstance(data, dict) and "prompt_spec_id" not in data
    return not library.fits(settings, "run", text) and library.fits(settings, "prompt", text)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@dataclass
class Line:
    """Runs, one after the other, in a thread: shots go on being prepared meanwhile.

    The thread may die with the process at any instant: a run lives on its target, and what was
    decided is recorded before it is done.  ``detach``: a run is left once it runs on its own.
    """

    settings: Settings
    target: str
    how: How
    detach: bool
    record: Callable[[Entry], None]
    ask: Callable[[str], str] | None = None
    _waiting: deque[Entry] = field(default_factory=deque)
    _news: deque[Entry | BaseException] = field(default_factory=deque)
    _wake: threading.Condition = field(default_factory=threading.Condition)
    _thread: threading.Thread | None = None
    _current: Entry | None = None

    def put(self, entry: Entry) -> None:
        """Run the shot's RunSpec after those before it."""
        with self._wake:
            self._waiting.append(entry)
            self._wake.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="runs", daemon=True)
            self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether a run is going on or waiting."""
        with self._wake:
            return bool(self._waiting or self._current or self._news)

    @property
    def current(self) -> Entry | None:
        """The shot whose run is followed now."""
        return self._current

    def news(self) -> Iterator[Entry]:
        """What happened since the last call.  Raises what ended the thread, if something did."""
        while self._news:
            told = self._news.popleft()
            if isinstance(told, BaseException):
                raise told
            yield told

    def _work(self) -> None:
        try:
            with self._place() as place:
                while True:
                    with self._wake:
                        self._wake.wait_for(lambda: self._waiting)
                        self._current = self._waiting.popleft()
                    self._last(self._current, place)
                    with self._wake:
                        self._current = None
        except Exception as error:  # it is raised again in the thread that listens
            self._news.append(error)

    @contextmanager
    def _place(self) -> Iterator[Any]:
        name = self.target or self.settings.default_target
        place = assemble.target(self.settings, name, self.ask)
        try:
            yield place
        finally:
            place.close()

    def _last(self, entry: Entry, place: Any) -> None:
        """See one run to its end, however long its target is away."""
        for pause in _pauses():
            try:
                self._run(entry, place)
                return
            except CosmosError as error:
                kind, message, hint = type(error).__name__, error.message, error.hint
                entry = self._current or entry
                if not error.transient:
                    self._say(entry, State.FAILED, kind=kind, message=message, hint=hint)
                    return
                later = f"{message}; trying again in {pause:.0f} s"
                self._say(entry, entry.state, kind=kind, message=later, hint=hint)
                time.sleep(pause)

    def _run(self, entry: Entry, place: Any) -> None:
        spec, prompt = collect.specs(self.settings, entry.spec)
        store = assemble.store(self.settings)
        bench = Bench(self.settings, assemble.engine(spec.engine), place, store)
        folder = self._begun(bench, entry)
        if folder is None:
            attempts = len(store.attempts(spec.id))
            entry = self._say(entry, State.STARTING, attempts=attempts)
            started = line.start(bench, spec, prompt, self.how, say=lambda text: None)
            folder = started.folder
        entry = self._say(entry, State.RUNNING, run=folder.id)
        follow = line.carry_on(bench, folder, detach=True) if self.detach else mirror.follow(
            bench, folder
        )  # fmt: skip
        for _ in () if folder.run().status.final else follow:
            pass
        self._conclude(entry, folder)

    def _begun(self, bench: Bench, entry: Entry) -> RunFolder | None:
        """The run that was begun for this take before, perhaps by a process that then died."""
        if entry.run:
            return bench.store.find(entry.run)
        attempts = bench.store.attempts(entry.spec)
        begun = entry.state is State.STARTING and len(attempts) > entry.attempts
        return attempts[-1] if begun else None

    def _conclude(self, entry: Entry, folder: RunFolder) -> None:
        run = folder.run()
        if run.status is ExecutionStatus.SUCCESS:
            result = collect.main_output(folder)
            self._say(entry, State.DONE, result=portable(result, self.settings) if result else "")
        elif run.status.final:
            told = f"{run.id} {run.status.lower()}: {run.message}"
            self._say(entry, State.FAILED, kind=run.cause, message=told, hint=run.hint)

    def _say(self, entry: Entry, state: State, **changes: Any) -> Entry:
        after = entry.next(state, time.time(), **changes)
        if replace(after, time=0) == replace(entry, time=0):
            return entry
        self.record(after)
        self._current = after
        self._news.append(after)
        return after


def _pauses() -> Iterator[float]:
    yield from PAUSES
    while True:
        yield PAUSES[-1]
