"""What an artist sees of a watch: status and error files beside the frames, and one page."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from cosmos_workflow.errors import CosmosError
from cosmos_workflow.video.frames import stills
from cosmos_workflow.video.landing import landing
from cosmos_workflow.video.probe import probe
from cosmos_workflow.workflows.watch_journal import Entry, State
from cosmos_workflow.workflows.watch_page import Row, page

STATUS = "_cosmos_status.json"
ERROR = "_cosmos_error.json"
PAGE = "_cosmos_watch.html"

ONCE = "looked once"
"""How a watch that does not stay is told."""

_THUMB = 160
_BETWEEN_PAGES = 5.0
_MOST_ROWS = 300


def problems(message: str) -> list[str]:
    """The faults that a message lists, one a line."""
    return [line[4:] for line in message.split("\n") if line.startswith("  - ")]


@dataclass
class Desk:
    """Files for people.  ``aside``: a folder of the project for what cannot lie on the share.

    ``say`` gets a line once when the share cannot be written.
    """

    root: Path
    aside: Path
    say: Callable[[str], None]
    how: str = ""
    rows: dict[str, Row] = field(default_factory=dict)
    _pictures: dict[str, str] = field(default_factory=dict)
    _stale: bool = True
    _written: float = 0.0
    _refused: bool = False

    def show(self, entry: Entry) -> None:
        """A shot's state: in its folder, and on the page at the next ``flush``."""
        self.place(entry)
        self._put(entry.shot, STATUS, _status(entry))
        if entry.state is State.BROKEN:
            head, *_ = entry.message.split("\n")
            told = {
                "message": head.removesuffix(":"),
                "hint": entry.hint,
                "problems": problems(entry.message),
            }
            self._put(entry.shot, ERROR, {**told, "time": _iso(entry.time)})
        elif entry.state is not State.TAKING:
            self._remove(entry.shot, ERROR)

    def place(self, entry: Entry) -> None:
        """The shot on the page alone: its own files say this already."""
        row = Row(entry, self._picture(entry.shot))
        if self.rows.get(entry.shot) != row:
            self.rows[entry.shot] = row
            self._stale = True

    def waiting(self, before: Entry | None, shot: str, frames: int, reason: str) -> None:
        """A shot that is not complete, on the page alone: it changes with every frame."""
        entry = replace(
            before or Entry(shot), state=State.WAITING, frames=frames, message=reason, hint="",
            time=self.rows[shot].entry.time if shot in self.rows else time.time(),
        )  # fmt: skip
        self.place(entry)

    def drop(self, shot: str) -> None:
        """The folder is gone."""
        self._stale |= self.rows.pop(shot, None) is not None

    def picture(self, shot: str, video: Path) -> None:
        """Keep the middle frame of the prepared video for the page."""
        import cv2

        media = probe(video)
        height = max(2, round(_THUMB * media.height / media.width))
        (frame,) = stills(video, [media.frames // 2], _THUMB, height)
        done, data = cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 72])
        if done:
            file = self.aside / f"{_key(shot)}.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            with landing(file) as part:
                part.write_bytes(data.tobytes())
            self._pictures.pop(shot, None)

    def flush(self, *, now: bool = False, ended: bool = False) -> None:
        """Write the page, if something changed and, unless ``now``, the last one is some seconds
        old: every frame of a render changes it."""
        young = not now and time.monotonic() - self._written < _BETWEEN_PAGES
        if not ended and (young or not self._stale):
            return
        self._stale, self._written = False, time.monotonic()
        rows = sorted(self.rows.values(), key=lambda row: -row.entry.time)
        how = "not watching any more" if ended and self.how != ONCE else self.how
        text = page(str(self.root), how, rows[:_MOST_ROWS], [row.entry.state for row in rows])
        self._write("", PAGE, text)

    def skew(self) -> float:
        """How far the clock of the share is ahead of ours, in seconds, by the page's own time."""
        with suppress(OSError):
            if not self._refused:
                written = (self.root / PAGE).stat().st_mtime
                return written - time.time() if abs(written - time.time()) > 2 else 0.0
        return 0.0

    def _picture(self, shot: str) -> str:
        if shot not in self._pictures:
            self._pictures[shot] = ""
            with suppress(OSError):
                data = (self.aside / f"{_key(shot)}.jpg").read_bytes()
                self._pictures[shot] = "data:image/jpeg;base64," + base64.b64encode(data).decode()
        return self._pictures[shot]

    def _put(self, shot: str, name: str, values: dict[str, Any]) -> None:
        self._write(shot, name, json.dumps(values, indent=2) + "\n")

    def _write(self, shot: str, name: str, text: str) -> None:
        """Beside the frames, or in the project where that cannot be."""
        data = text.encode("utf-8", "replace")
        if not (self.root / shot).is_dir():
            return  # the folder is gone: nobody is there to read it, and it is not made again
        if not self._refused:
            try:
                _landed(self.root / shot / name, data)
                return
            except (OSError, CosmosError) as error:
                self._refused = True
                why = getattr(error, "strerror", None) or str(error)
                self.say(f"{self.root} cannot be written ({why}); what is told there is in "
                         f"{self.aside}")  # fmt: skip
        _landed(self.aside / (f"{_key(shot)}{name}" if shot else name), data)

    def _remove(self, shot: str, name: str) -> None:
        for file in (self.root / shot / name, self.aside / f"{_key(shot)}{name}"):
            with suppress(OSError):
                file.unlink(missing_ok=True)


def _landed(file: Path, data: bytes) -> None:
    with suppress(OSError):
        if file.read_bytes() == data:
            return
    with landing(file) as part:
        part.write_bytes(data)


def _key(shot: str) -> str:
    return hashlib.sha256(os.fsencode(shot)).hexdigest()[:16]


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="seconds")


def _status(entry: Entry) -> dict[str, Any]:
    kept = ("take", "frames", "seconds", "prepared", "spec", "run", "result", "message", "hint")
    values = {key: getattr(entry, key) for key in kept if getattr(entry, key)}
    return {"shot": entry.shot, "state": entry.state, "time": _iso(entry.time), **values}
