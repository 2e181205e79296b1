"""A service with no time to compute, in a process of its own: it takes films and gives one.

``python -m benchmarks.http_server FILM LOOKS RATE``: prints its port.  A job is done after LOOKS
looks; RATE: bytes a second that pass each way, 0 for as many as can.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Server(ThreadingHTTPServer):
    """``looks`` by job."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, film: Path, looks: int, rate: float) -> None:
        super().__init__(("127.0.0.1", 0), Talk)
        self.film, self.looks, self.rate = film, looks, rate
        self.jobs: dict[str, int] = {}


class Talk(BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""

    def do_POST(self) -> None:
        size = left = int(self.headers["Content-Length"])
        began = time.monotonic()
        while left:
            left -= len(self.rfile.read1(min(left, 1 << 18)))
            self._pace(began, size - left)
        name = str(len(self.server.jobs))
        self.server.jobs[name] = self.server.looks
        self._json({"id": name})

    def do_GET(self) -> None:
        _, what, name, *_more = f"{self.path}//".split("/")
        if what == "film":
            self._film()
            return
        self.server.jobs[name] -= 1
        done = self.server.jobs[name] <= 0
        output = f"http://127.0.0.1:{self.server.server_address[1]}/film"
        self._json({"status": "done", "output": output} if done else {"status": "queued"})

    def _pace(self, began: float, done: int) -> None:
        """Be no quicker than the line is to be."""
        if self.server.rate:
            ahead = done / self.server.rate - (time.monotonic() - began)
            if ahead > 0.002:
                time.sleep(ahead)

    def _json(self, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _film(self) -> None:
        size = self.server.film.stat().st_size
        self.send_response(200)
        for key, value in (("Content-Type", "video/mp4"), ("Content-Length", str(size)),
                           ("Accept-Ranges", "bytes"), ("ETag", '"1"')):  # fmt: skip
            self.send_header(key, value)
        self.end_headers()
        self.wfile.flush()
        with self.server.film.open("rb") as file:
            sent, began = 0, time.monotonic()
            while sent < size:
                most = min(size - sent, 1 << 18 if self.server.rate else size)
                sent += os.sendfile(self.connection.fileno(), file.fileno(), sent, most)
                self._pace(began, sent)


@contextmanager
def served(film: Path, looks: int, rate: float = 0) -> Iterator[str]:
    """Its address, while it runs."""
    argv = [sys.executable, "-m", "benchmarks.http_server", str(film), str(looks), str(rate)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


if __name__ == "__main__":
    server = Server(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
    print(server.server_address[1], flush=True)
    server.serve_forever()
