"""A hub of models on this machine: the few answers of it that fetching a model needs."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "c0ffee" + "0" * 34


@dataclass
class Hub:
    """``models``: folder by id.  ``revisions``: those that there are.  ``cut``: files that break
    off in the middle.  ``closed``: ids whose owner lets nobody in.  ``asked``: paths so far."""

    models: dict[str, Path]
    url: str = ""
    revisions: tuple[str, ...] = ("main", "no_timm")
    cut: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)


@contextmanager
def hub(models: dict[str, Path]) -> Iterator[Hub]:
    """It answers at ``url`` until the block is left."""
    served = Hub(models)

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.answer(with_body=False)

        def do_GET(self) -> None:
            self.answer(with_body=True)

        def answer(self, with_body: bool) -> None:
            path = self.path.partition("?")[0]
            served.asked.append(path)
            info = re.fullmatch(r"/api/models/([^/]+/[^/]+)/revision/(\w+)", path)
            file = re.fullmatch(r"/([^/]+/[^/]+)/resolve/(\w+)/(.+)", path)
            info = info or re.fullmatch(r"/api/models/([^/]+/[^/]+)()", path)
            found = info or file
            if not found or found[1] not in served.models:
                return self.refuse(401, "RepoNotFound")
            if found[1] in served.closed:
                return self.refuse(403, "GatedRepo")
            if (found[2] or "main") not in (*served.revisions, COMMIT):
                return self.refuse(404, "RevisionNotFound")
            if info:
                return self.say(self.facts(found[1]), {}, with_body)
            at = served.models[found[1]] / found[3]
            if not at.is_file():
                return self.refuse(404, "EntryNotFound")
            data = at.read_bytes()
            tags = {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": COMMIT}
            self.say(data, tags, with_body, cut=at.name in served.cut)

        def facts(self, name: str) -> bytes:
            folder = served.models[name]
            files = [{"rfilename": p.name, "size": p.stat().st_size} for p in folder.iterdir()]
            return json.dumps({"id": name, "sha": COMMIT, "siblings": files}).encode()

        def refuse(self, status: int, code: str) -> None:
            self.send_response(status)
            self.send_header("X-Error-Code", code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def say(
            self, data: bytes, tags: dict[str, str], with_body: bool, cut: bool = False
        ) -> None:
            self.send_response(200)
            for key, value in {**tags, "Content-Length": str(len(data))}.items():
                self.send_header(key, value)
            self.end_headers()
            if with_body:
                self.wfile.write(data[: len(data) // 2] if cut else data)
            if cut:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    served.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
