"""Luma's Dream Machine, for tests: strict about its fields, and able to fail."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import ThreadingHTTPServer
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from servers.replicate import Talk, film

TOKEN = "luma-TheTokenOfTheLab"
FIELDS: dict[str, Any] = {
    "generation_type": ("video",),
    "model": ("ray-2", "ray-flash-2"),
    "resolution": ("540p", "720p", "1080p", "4k"),
    "duration": ("5s", "9s"),
    "aspect_ratio": ("1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21"),
    "loop": (True, False),
    "prompt": None,
    "keyframes": None,
    "callback_url": None,
}


@dataclass
class Generation:
    """One generation."""

    body: dict[str, Any]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat())
    begun: float = field(default_factory=time.monotonic)


class LumaServer(ThreadingHTTPServer):
    """``seconds``: how long one takes.  ``fails``: why each fails.  ``gone``: results are not
    there any more.  ``loud``: it writes its states in capitals, as some services do."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Api)
        self.seconds, self.fails, self.gone, self.loud = 0.5, "", False, False
        self.generations: dict[str, Generation] = {}
        self.tokens: list[str | None] = []
        self.folder = Path(mkdtemp(prefix="luma-"))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/dream-machine/v1"

    def told(self, one: Generation) -> dict[str, Any]:
        age = time.monotonic() - one.begun
        state = "queued" if age < self.seconds / 2 else "dreaming"
        body: dict[str, Any] = {
            "id": one.id, "created_at": one.created, "model": one.body["model"],
            "generation_type": "video", "failure_reason": None, "assets": None,
            "request": one.body,
        }  # fmt: skip
        if age >= self.seconds and self.fails:
            state, body["failure_reason"] = "failed", self.fails
        elif age >= self.seconds:
            link = f"http://localhost:{self.server_address[1]}/cdn/{one.id}.mp4"
            state, body["assets"] = "completed", {"video": link, "image": link}
        return {**body, "state": state.upper() if self.loud else state}


class Api(Talk):
    """One connection; ``/cdn`` stands for the host where results lie."""

    server: LumaServer

    def do_GET(self) -> None:
        if self.path.startswith("/cdn/"):
            self._result()
        elif not self._known():
            self.answer(403, {"detail": "Not authenticated"})
        elif self.path.endswith("/credits"):
            self.answer(200, {"credit_balance": 1200.0})
        else:
            one = self.server.generations.get(self.path.rpartition("/")[2])
            self.answer(*((200, self.server.told(one)) if one else (404, {"detail": "Not found"})))

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not self._known():
            self.answer(403, {"detail": "Not authenticated"})
        elif not self.path.endswith("/dream-machine/v1/generations/video"):
            self.answer(404, {"detail": "Not found"})
        elif wrong := faults(json.loads(data)):
            self.answer(422, {"detail": wrong})
        else:
            one = Generation(json.loads(data))
            self.server.generations[one.id] = one
            film(self.server.folder / f"{one.id}.mp4", one.body)
            self.answer(201, self.server.told(one))

    def _known(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _result(self) -> None:
        self.server.tokens.append(self.headers.get("Authorization"))
        if self.server.gone:
            self.answer(403, b"<Error><Code>AccessDenied</Code></Error>", "application/xml")
            return
        self.answer(200, (self.server.folder / self.path.split("/")[2]).read_bytes(), "video/mp4")


def faults(body: dict[str, Any]) -> list[dict[str, Any]]:
    """What is wrong with a request, as FastAPI says it."""
    wrong = [{"loc": ["body", key], "msg": "extra fields not permitted"}
             for key in body if key not in FIELDS]  # fmt: skip
    wrong += [{"loc": ["body", key], "msg": "unexpected value"} for key, values in FIELDS.items()
              if values and key in body and body[key] not in values]  # fmt: skip
    for name, frame in body.get("keyframes", {}).items():
        good = set(frame) == {"type", "url"} and frame["type"] == "image"
        if name not in ("frame0", "frame1") or not good or not frame["url"].startswith("https://"):
            wrong.append({"loc": ["body", "keyframes", name], "msg": "no frame"})
    if "model" not in body or not body.get("prompt"):
        wrong.append({"loc": ["body"], "msg": "model and prompt are needed"})
    return wrong


@contextmanager
def luma_server() -> Iterator[LumaServer]:
    """The server, until the end of the test."""
    with LumaServer() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
