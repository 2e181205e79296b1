"""Cosmos NIMs for tests, of one's own and hosted: strict, and able to fail in every way.

``python tests/lab/servers/nim.py --kind cosmos3 --port 8000`` runs one alone.
"""

from __future__ import annotations

import argparse
import base64
import json
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # when it is run alone

from servers.nim_rules import MODELS, Film, Refused, check

Answer = tuple[int, Any]


@dataclass
class Behaviour:
    """How the server is: a test changes it while it runs.

    ``kind``: which NIM.  ``seconds``: how long a generation takes.  ``token``: what must be sent.
    ``hosted``: longer requests are answered with 202, and asked after, so many times.
    ``health``: "ready", "loading", "html", "no_status".  ``fault``: what goes wrong with each
    generation, see ``FAULTS``; ``once``: the same, one time.  ``ballast``: bytes more in the video.
    """

    kind: str = "text2world"
    seconds: float = 0.1
    token: str = ""
    hosted: int = 0
    health: str = "ready"
    metadata: bool = True
    fault: str = ""
    once: str = ""
    ballast: int = 0
    more: dict[str, Any] = field(default_factory=dict)


FAULTS = (
    "bad_base64", "cut_base64", "empty_video", "no_video", "null_video", "artifacts", "address",
    "failed", "rejected", "not_json", "list", "truncated", "cut_json", "no_answer", "hang", "500",
    "503", "500_text", "no_mp4",
)  # fmt: skip


class NimServer(ThreadingHTTPServer):
    """The server.  ``asked``: every body that came to ``/v1/infer``."""

    daemon_threads = True

    def __init__(self, port: int = 0, host: str = "127.0.0.1") -> None:
        super().__init__((host, port), Talk)
        self.be = Behaviour()
        self.calls: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.asked: list[dict[str, Any]] = []
        self.waiting: dict[str, list[Any]] = {}
        self.began = threading.Event()
        self.over = threading.Event()
        self.gone = threading.Event()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answered(self, film: Film, body: dict[str, Any]) -> Answer:
        """The answer to a good request, or what goes wrong with it."""
        fault, self.be.once = self.be.once or self.be.fault, ""
        data = video(film, body["prompt"])
        data += bytes(-len(data) % 3 if self.be.ballast else 0)
        text = base64.b64encode(data).decode()
        good: dict[str, Any] = {"b64_video": text, "seed": body.get("seed", 0), **self.be.more}
        if self.be.kind.endswith("2world"):
            good["upsampled_prompt"] = f"In detail: {body['prompt']}"
        bad: dict[str, Any] = {
            "bad_base64": good | {"b64_video": text[:400] + "*" + text[401:]},
            "cut_base64": good | {"b64_video": text[:401]},
            "empty_video": good | {"b64_video": ""},
            "no_video": {"seed": 1},
            "null_video": {"b64_video": None},
            "artifacts": {"artifacts": [{"url": "https://cdn.example.com/a.mp4?sig=s3cr3t"}]},
            "address": {"video_url": "https://cdn.example.com/a.mp4"},
            "failed": {"status": "failed", "error": {"message": "CUDA out of memory"}},
            "rejected": good | {"status": "rejected", "detail": "not today"},
            "list": [good],
            "no_mp4": good | {"b64_video": base64.b64encode(b"no video at all").decode()},
        }
        if fault in ("500", "503", "500_text"):
            return int(fault[:3]), {"detail": f"Triton request failed ({fault})"}
        return 200, bad.get(fault, good)


def video(film: Film, words: str) -> bytes:
    """A real MP4, an eighth of the size."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "video.mp4"
        size = f"{max(16, film.width // 16 * 2)}x{max(16, film.height // 16 * 2)}"
        subprocess.run(
            ["ffmpeg", "-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i",
             f"testsrc2=s={size}:r={film.fps:g}", "-frames:v", str(film.frames), "-c:v", "libx264",
             "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-threads", "1",
             "-metadata", f"comment={words}", str(path)],
            check=True,
        )  # fmt: skip
        return path.read_bytes()


class Talk(BaseHTTPRequestHandler):
    """One connection."""

    server: NimServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed."""

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def _json(self, status: int, body: Any, **headers: str) -> None:
        self._send(status, json.dumps(body).encode(), "application/json", **headers)

    def _send(self, status: int, data: bytes, media: str, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(data)))
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def _open(self) -> bool:
        self.server.calls.append((self.command, self.path))
        self.server.headers.append({key.lower(): value for key, value in self.headers.items()})
        token, given = self.server.be.token, self.headers.get("Authorization")
        if token and given != f"Bearer {token}":
            self._json(401, {"title": "Unauthorized", "detail": "Invalid API key"})
            return False
        return True

    def do_GET(self) -> None:
        if not self._open():
            return
        be = self.server.be
        model = f"{MODELS[be.kind]}:hf-1a2b3c"
        if self.path == "/v1/health/ready":
            self._health()
        elif self.path == "/v1/metadata" and be.metadata:
            self._json(200, {"version": "1.0.0", "modelInfo": [{"shortName": model,
                             "modelUrl": f"ngc://nim/nvidia/{model}"}]})  # fmt: skip
        elif self.path.startswith("/v2/nvcf/pexec/status/"):
            self._poll(self.path.rpartition("/")[2])
        else:
            self._json(404, {"detail": "Not Found"})

    def _health(self) -> None:
        match self.server.be.health:
            case "ready":
                self._json(200, {"description": "Triton readiness check", "status": "ready"})
            case "html":
                self._send(200, b"<html>It works!</html>", "text/html")
            case "no_status":
                self._json(200, {"description": "Triton readiness check", "status": True})
            case _:
                self._json(503, {"description": "Triton readiness check", "status": "not ready"})

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if not self._open():
            return
        if self.path != "/v1/infer":
            self._json(404, {"detail": "Not Found"})
            return
        try:
            body = json.loads(data)
            self.server.asked.append(body)
            self.server.began.set()
            film = check(self.server.be.kind, body)
        except Refused as refused:
            self._json(refused.status, refused.body)
            return
        except ValueError as error:
            self._json(422, {"detail": [{"loc": ["body"], "msg": f"JSON decode error: {error}"}]})
            return
        self._generate(film, body)

    def _generate(self, film: Film, body: dict[str, Any]) -> None:
        be = self.server.be
        fault = be.once or be.fault
        if fault == "hang" or be.seconds > 1:
            self._wait(3600 if fault == "hang" else be.seconds)
        status, answer = self.server.answered(film, body)
        if be.hosted and status == 200:
            ref = str(uuid.uuid4())
            self.server.waiting[ref] = [be.hosted, answer]
            self._json(202, {"reqId": ref, "status": "pending-evaluation"}, NVCF_REQID=ref)
            return
        self._finish(status, answer, fault)

    def _wait(self, seconds: float) -> None:
        """As long as it takes, or until the other side is gone."""
        end = time.monotonic() + seconds
        self.connection.settimeout(0.05)
        while time.monotonic() < end and not self.server.over.is_set():
            try:
                if not self.connection.recv(1):
                    self.server.gone.set()
                    raise ConnectionAbortedError
            except TimeoutError:
                continue
        self.connection.settimeout(None)

    def _finish(self, status: int, answer: Any, fault: str) -> None:
        data = json.dumps(answer).encode()
        if self.server.be.ballast and not fault:
            self._heavy(data)
        elif fault == "not_json":
            self._send(200, b"<html>Bad gateway</html>", "text/html")
        elif fault == "500_text":
            self._send(500, b"Internal Server Error", "text/plain")
        elif fault == "no_answer":
            self.close_connection = True
        elif fault == "cut_json":
            self._send(200, data[: len(data) // 2], "application/json")
        elif fault == "truncated":
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2])
            self.close_connection = True
        else:
            self._send(status, data, "application/json")

    def _heavy(self, data: bytes) -> None:
        """Zeros after the video, never all of them in memory."""
        head, quote, rest = data.partition(b'", "seed"')
        pieces = self.server.be.ballast // 3072
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data) + 4096 * pieces))
        self.end_headers()
        self.wfile.write(head)
        for _ in range(pieces):
            self.wfile.write(b"A" * 4096)
        self.wfile.write(quote + rest)

    def _poll(self, ref: str) -> None:
        row = self.server.waiting.get(ref)
        if row is None:
            self._json(404, {"detail": f"Not found: no request {ref}"})
        elif row[0] > 0:
            row[0] -= 1
            self._json(202, {"reqId": ref, "status": "pending-evaluation"}, NVCF_REQID=ref)
        else:
            self._json(200, row[1])


@contextmanager
def nim_server(port: int = 0, host: str = "127.0.0.1") -> Iterator[NimServer]:
    """A server that listens."""
    server = NimServer(port, host)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def main() -> None:
    """Run one alone until Ctrl-C."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kind", choices=list(MODELS), default="text2world")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--fault", choices=FAULTS, default="")
    args = parser.parse_args()
    with nim_server(args.port, args.host) as server:
        server.be.kind, server.be.fault = args.kind, args.fault
        print(server.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
