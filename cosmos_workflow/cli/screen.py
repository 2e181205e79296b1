"""Where a command speaks: a terminal, plain lines in a pipe, or JSON lines for a program."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TextIO

from cosmos_workflow.cli.pace import Pace
from cosmos_workflow.cli.words import (
    clean,
    grid,
    is_terminal,
    log_line,
    nearby,
    one_line,
    painted,
    screen_width,
    size,
)
from cosmos_workflow.events import (
    Blocked,
    Cancelled,
    Disconnected,
    Event,
    Exchanged,
    Failed,
    JobEnded,
    Log,
    Output,
    Planned,
    Progress,
    Staged,
    Submitted,
    Succeeded,
    Transferring,
    to_json,
)


class Screen(Protocol):
    """Use as a context manager, so that a live line is left tidy.

    ``say``, ``table`` and ``picture`` are for people and silent in JSON; ``data`` is for programs
    and silent for people; ``show`` is for both.
    """

    json: bool

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def say(self, text: str = "", style: str = "") -> None:
        """Lines for a person, in a style of ``words.CODES``."""

    def warn(self, text: str) -> None:
        """Something that is not as it should be, and does not stop the command."""

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Rows under a head, in as many columns as the screen has."""

    def picture(self, path: Path, caption: str) -> None:
        """Where a picture or a video is; a link where the terminal knows links."""

    def data(self, value: Mapping[str, Any]) -> None:
        """One JSON object on a line of its own."""

    def step(self, stage: str, fraction: float | None = None) -> None:
        """How far work on this machine is, 0..1."""

    def clear(self) -> None:
        """Take a moving line away; nothing moves any more."""

    def begin(self, title: str) -> None:
        """The events that follow belong to ``title`` (a run id); the clock starts."""

    def show(self, event: Event) -> None:
        """Show what happened."""

    def events(self, events: Iterable[Event]) -> Event | None:
        """Show each event; the last one is returned."""


class JsonScreen:
    """JSON lines on standard output and nothing else."""

    json = True

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self.title = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.out.flush()

    def say(self, text: str = "", style: str = "") -> None:
        """Silent."""

    def warn(self, text: str) -> None:
        """``{"warning": text}``."""
        self.data({"warning": text})

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Silent: the same facts come as ``data``."""

    def picture(self, path: Path, caption: str) -> None:
        """Silent: the path comes as ``data``."""

    def data(self, value: Mapping[str, Any]) -> None:
        """One object, one line, at once."""
        print(json.dumps(value, ensure_ascii=False, default=str), file=self.out, flush=True)

    def step(self, stage: str, fraction: float | None = None) -> None:
        """Silent: the result says it all."""

    def clear(self) -> None:
        """Nothing moves here."""

    def begin(self, title: str) -> None:
        """Each event from here carries ``"run": title``."""
        self.title = title

    def show(self, event: Event) -> None:
        """The event as its own JSON object, with the run it belongs to."""
        run = {"run": self.title} if self.title else {}
        self.data({**run, **to_json(event, time.time())})

    def events(self, events: Iterable[Event]) -> Event | None:
        """Show each event; the last one is returned."""
        return _each(self, events)


class LineScreen:
    """Plain lines, for pipes, files and terminals that cannot redraw; progress is throttled."""

    json = False

    def __init__(
        self,
        out: TextIO,
        err: TextIO,
        *,
        verbose: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.out, self.err, self.verbose = out, err, verbose
        self.pace = Pace(clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.out.flush()

    def say(self, text: str = "", style: str = "") -> None:
        """Lines on standard output."""
        for line in clean(text).split("\n"):
            self.line(painted(line, style, self.out) if style else line)

    def line(self, text: str) -> None:
        """One finished line, at once: whoever reads a pipe wants it now."""
        print(text, file=self.out, flush=True)

    def warn(self, text: str) -> None:
        """``warning: text`` on standard error."""
        print(painted("warning: ", "yellow", self.err) + clean(text), file=self.err, flush=True)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Aligned columns, wrapped to the screen's width."""
        head, *lines = grid(columns, rows, screen_width())
        self.line(painted(head, "bold", self.out))
        if lines:
            self.line("\n".join(lines))

    def picture(self, path: Path, caption: str) -> None:
        """``caption: path``."""
        text = one_line(nearby(path))
        if is_terminal(self.out):
            text = f"\x1b]8;;{path.absolute().as_uri()}\x1b\\{text}\x1b]8;;\x1b\\"
        self.line(f"{clean(caption)}: {text}")

    def data(self, value: Mapping[str, Any]) -> None:
        """Silent."""

    def step(self, stage: str, fraction: float | None = None) -> None:
        """A line when the stage changes, when it is done, and every few seconds."""
        self.progress(stage, fraction, "")

    def begin(self, title: str) -> None:
        """Name the run, start its clock."""
        self.pace.begin(title)

    def progress(self, stage: str, fraction: float | None, detail: str) -> None:
        """Where the work is now."""
        if self.pace.move(stage, fraction, detail):
            self.line(self.pace.words())

    def clear(self) -> None:
        """Nothing moves any more."""

    def show(self, event: Event) -> None:
        """One line for what matters; progress is throttled; logs only with ``verbose``."""
        match event:
            case Transferring():
                word = "uploading" if event.direction == "up" else "downloading"
                self.progress(word, event.done / max(event.total, 1), _amount(event))
            case Progress():
                self.progress(event.stage, event.fraction, event.detail)
            case Log():
                if self.verbose:
                    for line in event.text.rstrip("\n").split("\n"):
                        self.line(painted("  " + log_line(line), "dim", self.out))
            case _:
                if event.status is not None and event.status.final:
                    self.clear()
                for text, style in told(event):
                    self.say(text, style)
                if isinstance(event, Submitted):
                    self.progress("waiting for the job's first words", None, "")

    def events(self, events: Iterable[Event]) -> Event | None:
        """Show each event; the last one is returned."""
        return _each(self, events)


def told(event: Event) -> list[tuple[str, str]]:
    """What an event that is no mere progress says: lines and their styles.

    Why a run did not succeed is told by the error that the command ends with.
    """
    match event:
        case Planned():
            return [(f"{event.run_id}: {event.engine} on {event.target}", "bold")]
        case Staged(total=0):
            return []  # all goes with the request
        case Staged():
            here = f", {size(event.total - event.sent)} there already"
            same = here if event.total > event.sent else ""
            return [(f"inputs in place: {size(event.sent)} sent{same}", "")]
        case Submitted():
            return [("submitted: the run goes on by itself from here", "")]
        case Exchanged(phase="repeated", http_status=429):
            return [(f"the service has us wait: {one_line(event.reason)}", "yellow")]
        case Disconnected():
            again = f"what came is kept; trying again in {event.retry_in:.0f} s"
            return [(f"{one_line(event.reason).rstrip('.')}; {again}", "yellow")]
        case JobEnded():
            code = "" if event.exit_code in (None, 0) else f" with exit code {event.exit_code}"
            how = (
                "has ended"
                if event.reason == "exited"
                else f"is over: {event.reason.replace('_', ' ')}"
            )
            return [(f"the job {how}{code}", "")]
        case Output():
            return [(f"output: {one_line(event.path)} ({size(event.size)})", "")]
        case Succeeded():
            return [("SUCCESS", "green")]
        case Blocked():
            return [(f"BLOCKED by {event.by}: {event.what}", "yellow")]
        case Failed():
            return [(f"FAILED ({event.cause})", "red")]
        case Cancelled():
            return [("CANCELLED", "yellow")]
    return []


def _amount(event: Transferring) -> str:
    if not event.total:
        return ""
    speed = f", {size(event.speed)}/s" if event.speed else ""
    return f"{size(event.done)} of {size(event.total)}{speed}"


def _each(screen: Screen, events: Iterable[Event]) -> Event | None:
    last = None
    for event in events:
        last = event
        screen.show(event)
    return last


def open_screen(*, json: bool = False, verbose: bool = False) -> Screen:
    """The screen that fits: JSON lines if asked for, a live one in a terminal, else plain lines."""
    if json:
        return JsonScreen(sys.stdout)
    if is_terminal(sys.stdout):
        from cosmos_workflow.cli.live import LiveScreen

        return LiveScreen(sys.stdout, sys.stderr, verbose=verbose)
    return LineScreen(sys.stdout, sys.stderr, verbose=verbose)
