"""vLLM-Omni's and SGLang's videos API with Cosmos 3 behind it, for tests: strict, and able to fail.

``python tests/lab/servers/videos.py --port 8000`` runs it alone, as in the lab's image.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # when it is run alone

from servers.forms import Form, Upload, parse
from servers.videos_rules import BLOCKED, Broken, Flavour, Refused, check, hints

MODEL = "nvidia/Cosmos3-Nano"


@dataclass
class Job:
    """One generation."""

    id: str
    values: dict[str, Any]
    status: str = "queued"
    error: dict[str, Any] | None = None
    created: int = field(default_factory=lambda: int(time.time()))
    frames: int = 0
    file: Path | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)


@dataclass
class Behaviour:
    """How the server is: a test changes it while it runs.

    ``seconds``: how long a job takes.  ``cancelling``: seconds a cancelled job is still there.
    ``token``: what must be sent, if any.  ``down``: every call is answered with 503.
    ``fails``: the next job ends with this code and message.  ``once``: what goes wrong one time:
    "lost_answer", "truncated", "wrong_type", "not_yet", "look_502".
    """

    flavour: Flavour = field(default_factory=Flavour)
    seconds: float = 0.2
    cancelling: float = 0.0
    token: str = ""
    down: bool = False
    fails: tuple[int, str] | None = None
    once: set[str] = field(default_factory=set)

    def happens(self, what: str) -> bool:
        """Whether it goes wrong now; it will not again."""
        try:
            self.once.remove(what)
        except KeyError:
            return False
        return True


class VideosServer(ThreadingHTTPServer):
    """The server: its jobs are in memory, and ``restart`` loses them."""

    daemon_threads = True

    def __init__(self, port: int = 0, host: str = "127.0.0.1", model: str = MODEL) -> None:
        super().__init__((host, port), Talk)
        self.model = model
        self.be = Behaviour()
        self.jobs: dict[str, Job] = {}
        self.requests: list[tuple[str, str]] = []
        self.folder = Path(tempfile.mkdtemp(prefix="videos-"))
        self._gpu = threading.Lock()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def restart(self) -> None:
        """As a crash looks: every job is forgotten."""
        for job in self.jobs.values():
            job.cancelled.set()
        self.jobs = {}

    def begin(self, values: dict[str, Any]) -> Job:
        """Take a job."""
        prefix = "video_gen_" if self.be.flavour.name == "omni" else ""
        job = Job(f"{prefix}{uuid.uuid4().hex}", values)
        self.jobs[job.id] = job
        threading.Thread(target=self._work, args=(job,), daemon=True).start()
        return job

    def _work(self, job: Job) -> None:
        with self._gpu:
            job.status = "in_progress"
            try:
                self._generate(job)
                if not job.cancelled.is_set():
                    job.status = "completed"
            except Broken as broken:
                sglang = self.be.flavour.name == "sglang"
                job.error = {"message": broken.message} | ({} if sglang else {"code": broken.code})
                job.status = "failed"

    def _generate(self, job: Job) -> None:
        flavour, values = self.be.flavour, job.values
        if BLOCKED in f"{values['prompt']} {values.get('negative_prompt', '')}".lower() and (
            values["extra_params"].get("guardrails") is not False
        ):
            newer = flavour.version >= (0, 28)
            said = (
                "Input was blocked by Cosmos3 guardrails." if newer else "Guardrail blocked prompt"
            )
            raise Broken(500, said)
        found = hints(values, flavour, self.folder) if flavour.name == "omni" else {}
        extra = values["extra_params"]
        if found and not {"max_frames", "num_video_frames_per_chunk"} <= set(extra):
            job.cancelled.wait(3600)  # the server stalls
        if job.cancelled.wait(self.be.seconds):
            return
        if self.be.fails:
            code, message = self.be.fails
            self.be.fails = None
            raise Broken(code, message)
        job.frames = self._frames(values, found)
        job.file = self.folder / f"{job.id}.mp4"
        film(job.file, values, job.frames, found)

    def _frames(self, values: Mapping[str, Any], found: Mapping[str, Path | None]) -> int:
        asked = int(values.get("num_frames", 1))
        first = next((path for path in found.values() if path), None)
        reference = values.get("input_reference") or values.get("video_reference")
        moving = isinstance(reference, Upload) and reference.media_type.startswith("video/")
        if found and first is None:
            assert isinstance(reference, Upload)
            first = self.folder / f"{uuid.uuid4().hex}.mp4"
            first.write_bytes(reference.data)
        if found and first is not None:
            return min(asked, count_frames(first))
        if moving and (asked - 1) // 4 < 1:
            raise Broken(
                500, "condition_frame_indexes_vision outside latent video: latent_frames=1"
            )
        return asked


def count_frames(path: Path) -> int:
    """Frames of a video.  Raises Broken for what is none."""
    done = subprocess.run(
        ["ffprobe", "-v", "error", "-select_streams", "v:0", "-count_packets", "-show_entries",
         "stream=nb_read_packets", "-of", "csv=p=0", str(path)],
        capture_output=True, text=True,
    )  # fmt: skip
    if not done.stdout.strip().isdigit():
        raise Broken(500, f"Cosmos3 transfer control_path produced no frames: {path}")
    return int(done.stdout)


def told(
    values: Mapping[str, Any], found: Mapping[str, Path | None] | None = None
) -> dict[str, Any]:
    """What a request asked for, with files by their content."""
    facts = {
        key: hashlib.sha256(value.data).hexdigest() if isinstance(value, Upload) else value
        for key, value in values.items()
    }
    files = {key: path for key, path in (found or {}).items() if path}
    return facts | {
        "controls": {key: hashlib.sha256(path.read_bytes()).hexdigest()
                     for key, path in files.items()}
    }  # fmt: skip


def film(
    path: Path, values: Mapping[str, Any], frames: int, found: Mapping[str, Path | None]
) -> None:
    """A video, a quarter of the size, in a colour of its own; the request is in its comment."""
    text = json.dumps(told(values, found), sort_keys=True)
    colour = hashlib.sha256(text.encode()).hexdigest()[:6]
    wide, high = (int(part) // 8 * 2 for part in values.get("size", "1280x720").split("x"))
    part = path.with_suffix(".part.mp4")
    subprocess.run(
        ["ffmpeg", "-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i",
         f"color=c=0x{colour}:s={wide}x{high}:r={values.get('fps', 24)}", "-frames:v", str(frames),
         "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-threads", "1",
         "-metadata", f"comment={text}", "-movflags", "+faststart", str(part)],
        check=True,
    )  # fmt: skip
    part.replace(path)


class Talk(BaseHTTPRequestHandler):
    """One connection."""

    server: VideosServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """uvicorn's access log, for who runs it alone."""

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    # -- answers -------------------------------------------------------------------------------

    def _json(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _detail(self, status: int, detail: Any) -> None:
        self._json(status, {"detail": detail})

    def _open(self) -> bool:
        """Note the call; False when it was answered already: not up yet, or not allowed."""
        self.server.requests.append((self.command, self.path))
        if self.server.be.down:
            self._detail(503, "Service Unavailable")
            return False
        token, given = self.server.be.token, self.headers.get("Authorization")
        if token and self.path.startswith("/v1/") and given != f"Bearer {token}":
            self._json(401, {"error": "Unauthorized"})
            return False
        return True

    def _job(self, job: Job) -> dict[str, Any]:
        values, newer = job.values, self.server.be.flavour.version >= (0, 26)
        omni = self.server.be.flavour.name == "omni"
        fps = int(values.get("fps", 24))
        done = job.status == "completed"
        body: dict[str, Any] = {
            "id": job.id, "object": "video", "model": self.server.model, "status": job.status,
            "progress": 100 if done else 0, "size": values.get("size"),
            "seconds": str(max(1, int(values.get("num_frames", 1)) // fps)),
            "quality": "default", "created_at": job.created, "error": job.error,
        }  # fmt: skip
        if omni:
            body |= {"prompt": values["prompt"], "media_type": "video/mp4"}
        if done and omni:
            body |= {"inference_time_s": self.server.be.seconds, "peak_memory_mb": 1024.0}
        if done and newer and omni:
            body |= {"fps": float(fps), "num_frames": job.frames, "duration_s": job.frames / fps}
        return body

    # -- calls ---------------------------------------------------------------------------------

    def do_GET(self) -> None:
        if not self._open():
            return
        path, _, query = self.path.partition("?")
        if path == "/health":
            self._json(200, {})
        elif path == "/v1/models":
            owner = "sglang" if self.server.be.flavour.name == "sglang" else "vllm"
            row = {"id": self.server.model, "object": "model", "root": self.server.model,
                   "owned_by": owner}  # fmt: skip
            self._json(200, {"object": "list", "data": [row]})
        elif path in ("/version", "/openapi.json") and self.server.be.flavour.name == "omni":
            self._describe(path)
        elif path == "/v1/videos":
            self._list(query)
        elif found := re.fullmatch(r"/v1/videos/([^/]+)(/content)?", path):
            self._one(found[1], content=bool(found[2]))
        else:
            self._detail(404, "Not Found")

    def _describe(self, path: str) -> None:
        flavour = self.server.be.flavour
        if path == "/version":
            self._json(200, {"version": ".".join(map(str, (*flavour.version, 1)))})
            return
        properties = {key: {"title": key} for key in sorted(flavour.fields)}
        schema = {"Body_create_video_v1_videos_post": {"type": "object", "properties": properties}}
        self._json(200, {"openapi": "3.1.0", "paths": {}, "components": {"schemas": schema}})

    def _list(self, query: str) -> None:
        asked = dict(part.split("=", 1) for part in query.split("&") if "=" in part)
        limit = int(asked.get("limit", 20))
        if not 0 <= limit <= 100 or asked.get("order", "desc") not in ("asc", "desc"):
            self._detail(422, [{"type": "value", "loc": ["query", "limit"], "msg": "out of range"}])
            return
        jobs = sorted(self.server.jobs.values(), key=lambda job: job.created)
        rows = [self._job(job) for job in reversed(jobs)][:limit]
        ends = {"first_id": rows[0]["id"], "last_id": rows[-1]["id"]} if rows else {}
        self._json(200, {"object": "list", "data": rows, "has_more": False, **ends})

    def _one(self, name: str, *, content: bool) -> None:
        job = self.server.jobs.get(name)
        if self.server.be.happens("look_502"):
            self._detail(502, "Bad Gateway")
        elif job is None:
            self._detail(404, "Video not found")
        elif content:
            self._content(job)
        else:
            code = (job.error or {}).get("code", 200)
            self._json(code, self._job(job))

    def _content(self, job: Job) -> None:
        if job.status == "failed":
            self._detail(422, "Video generation failed")
            return
        if job.file is None or job.status != "completed" or self.server.be.happens("not_yet"):
            self._detail(404, "Generation is still in-progress")
            return
        data = job.file.read_bytes()
        tag, start = f'"{hashlib.md5(data).hexdigest()}"', 0
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if found and self.headers.get("If-Range", tag) == tag:
            start = int(found[1])
        self.send_response(206 if start else 200)
        kind = "text/html" if self.server.be.happens("wrong_type") else "video/mp4"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data) - start))
        self.send_header("ETag", tag)
        self.send_header("Accept-Ranges", "bytes")
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        if self.server.be.happens("truncated"):
            self.wfile.write(data[: len(data) // 2])
            self.close_connection = True
            return
        self.wfile.write(data[start:])

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self._open():
            return
        if self.path != "/v1/videos":
            self._detail(404, "Not Found")
            return
        try:
            form: Form = parse(self.headers.get("Content-Type", ""), body)
            values = check(form, self.server.be.flavour, self.server.model)
        except ValueError as error:
            self._detail(400, str(error))
            return
        except Refused as refused:
            self._detail(refused.status, refused.detail)
            return
        job = self.server.begin(values)
        if self.server.be.happens("lost_answer"):
            self.close_connection = True
            return
        self._json(200, self._job(job) | {"status": "queued"})

    def do_DELETE(self) -> None:
        if not self._open():
            return
        found = re.fullmatch(r"/v1/videos/([^/]+)", self.path)
        job = self.server.jobs.get(found[1]) if found else None
        if job is None:
            self._detail(404, "Video not found")
            return
        if job.cancelled.is_set():
            self._detail(409, "Cancellation in progress. Please try again later.")
            return
        job.cancelled.set()
        if self.server.be.flavour.name == "sglang":
            self.server.jobs.pop(job.id)
            self._json(200, self._job(job) | {"status": "deleted"})
            return
        wait = self.server.be.cancelling
        if wait:
            threading.Timer(wait, self.server.jobs.pop, (job.id, None)).start()
            self._detail(409, "Cancellation in progress. Please try again later.")
            return
        self.server.jobs.pop(job.id)
        self._json(200, {"id": job.id, "deleted": True, "object": "video.deleted"})


@contextmanager
def videos_server(**behaviour: Any) -> Iterator[VideosServer]:
    """A server on a free port of loopback, ended with the block."""
    server = VideosServer()
    server.be = Behaviour(**behaviour)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def serve(
    host: str,
    port: int,
    model: str,
    flavour: str = "omni",
    version: str = "0.28",
    seconds: float = 0.2,
) -> None:
    """Serve until it is ended, and say so as uvicorn does."""
    server = VideosServer(port, host, model)
    major, minor = (int(part) for part in version.split(".")[:2])
    server.be = Behaviour(Flavour(flavour, (major, minor)), seconds=seconds)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"INFO: Started server process on port {server.port}", flush=True)
    print("INFO:     Application startup complete.", flush=True)
    server.serve_forever()


def main() -> int:
    """Serve alone."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--port", type=int, default=8000)
    arguments.add_argument("--host", default="127.0.0.1")
    arguments.add_argument("--model", default=MODEL)
    arguments.add_argument("--flavour", choices=["omni", "sglang"], default="omni")
    arguments.add_argument("--version", default="0.28")
    arguments.add_argument("--seconds", type=float, default=0.2)
    serve(**vars(arguments.parse_args()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
