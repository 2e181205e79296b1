"""Replicate, for tests: strict by its reference and its models' schemas, and able to fail.

Results lie on a second server, as they do there: whoever sends it our token is told so.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from servers.forms import Upload, parse
from servers.replicate_rules import (
    DEPLOYMENTS,
    MODELS,
    URIS,
    Refused,
    check_body,
    check_headers,
    check_input,
)

TOKEN = "r8_TheTokenOfTheLab0123456789"
SECRET = "whsec_" + base64.b64encode(b"the lab's webhook secret").decode()
OVER = ("succeeded", "failed", "canceled", "aborted")


def now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


@dataclass
class Behaviour:
    """How the service is; a test changes it while it runs.

    ``seconds``: how long a prediction takes.  ``queue``: seconds before it begins.  ``fails``: the
    error of every prediction.  ``down``: every call is a 503.  ``throttled``: so many creations
    are refused first, asking for ``reset`` seconds.  ``lists_input``: whether its list tells the
    input.  ``removed``: results are gone as soon as they are asked for.  ``once``: what goes wrong
    one time: "lost_answer", "never_arrived", "create_500", "look_502", "truncated", "wrong_type",
    "redirect", "gone".  ``poor``: every creation is a 402.
    """

    seconds: float = 0.2
    queue: float = 0.0
    fails: str = ""
    down: bool = False
    throttled: int = 0
    reset: int = 1
    lists_input: bool = True
    removed: bool = False
    poor: bool = False
    once: set[str] = field(default_factory=set)
    hooks: dict[str, str] = field(default_factory=dict)
    """From a public https address to the one that its reverse proxy leads to."""

    def happens(self, what: str) -> bool:
        try:
            self.once.remove(what)
        except KeyError:
            return False
        return True


@dataclass
class Prediction:
    """One generation, as it is told."""

    model: str
    body: dict[str, Any]
    deployment: str | None = None
    deadline: float | None = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:26])
    status: str = "starting"
    error: str | None = None
    logs: str = ""
    created: str = field(default_factory=now)
    completed: str | None = None
    output: Any = None
    stop: threading.Event = field(default_factory=threading.Event)


class ReplicateServer(ThreadingHTTPServer):
    """The API; ``delivery`` is where results lie."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Api)
        self.be = Behaviour()
        self.predictions: dict[str, Prediction] = {}
        self.files: dict[str, Upload] = {}
        self.requests: list[tuple[str, str]] = []
        self.creations: list[float] = []
        self.delivered: list[int] = []
        self.folder = Path(tempfile.mkdtemp(prefix="replicate-"))
        self.delivery = Delivery(self)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def begin(self, one: Prediction) -> None:
        self.predictions[one.id] = one
        threading.Thread(target=self._work, args=(one,), daemon=True).start()

    def _work(self, one: Prediction) -> None:
        if self._waits(one, self.be.queue):
            self._over(one, "canceled" if one.stop.is_set() else "aborted")
            return
        one.status = "processing"
        for step in range(1, 5):
            if self._waits(one, self.be.seconds / 4):
                self._over(one, "canceled")
                return
            one.logs += f" {step * 25}%|{'#' * step}{' ' * (4 - step)}| {step}/4 [00:01, 4it/s]\n"
        if self.be.fails:
            one.error, one.logs = self.be.fails, one.logs + "Traceback (most recent call last):\n"
            self._over(one, "failed")
            return
        link = f"{self.delivery.url}/{one.id}/output.mp4"
        film(self.folder / f"{one.id}.mp4", one.body["input"])
        schemas = MODELS[one.model]["schema"]["components"]["schemas"]
        one.output = [link] if schemas["Output"] == URIS else link
        self._over(one, "succeeded")

    def _waits(self, one: Prediction, seconds: float) -> bool:
        """Whether it was ended meanwhile, by somebody or by its deadline."""
        left = one.deadline - time.time() if one.deadline else seconds
        return one.stop.wait(max(0.0, min(seconds, left))) or left < seconds

    def _over(self, one: Prediction, status: str) -> None:
        one.completed, one.status = now(), status
        hook = one.body.get("webhook")
        if hook and "completed" in one.body.get("webhook_events_filter", ["completed"]):
            self.notify(one, self.be.hooks[hook])

    def notify(self, one: Prediction, address: str) -> None:
        """A signed call, again with the same id until it is answered well."""
        name = f"msg_{uuid.uuid4().hex}"
        for _ in range(3):
            status = send(address, json.dumps(told(one)).encode(), name)
            self.delivered.append(status)
            if 200 <= status < 300:
                return


def told(one: Prediction, *, brief: bool = False) -> dict[str, Any]:
    """The prediction as JSON; ``brief`` as a list has it without its data."""
    gone = brief
    deadline = datetime.fromtimestamp(one.deadline, UTC) if one.deadline else None
    return {
        "id": one.id, "model": one.model, "version": MODELS[one.model]["version"],
        "status": one.status, "input": {} if gone else one.body["input"],
        "output": None if gone else one.output, "error": one.error, "logs": one.logs,
        "created_at": one.created, "started_at": None, "completed_at": one.completed,
        "deployment": one.deployment, "data_removed": gone,
        "deadline": deadline.isoformat().replace("+00:00", "Z") if deadline else None,
        "metrics": {"predict_time": 1.5} if one.completed else {},
        "urls": {"get": f"https://api.replicate.com/v1/predictions/{one.id}"},
    }  # fmt: skip


def sign(body: bytes, name: str, at: int, secret: str = SECRET) -> dict[str, str]:
    """Headers of Standard Webhooks; the first signature is one of a key that was rotated out."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = b".".join((name.encode(), str(at).encode(), body))
    made = base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
    old = base64.b64encode(hmac.new(b"old", text, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": name,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{old} v1,{made}",
        "Content-Type": "application/json",
    }


def send(address: str, body: bytes, name: str, **more: Any) -> int:
    """One signed call; the status of its answer, 0 for none.  ``more``: at, secret, headers."""
    headers = sign(body, name, int(more.get("at", time.time())), more.get("secret", SECRET))
    headers |= more.get("headers", {})
    asked = urllib.request.Request(address, body, headers, method=more.get("method", "POST"))
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def film(path: Path, given: dict[str, Any]) -> None:
    """A small video of as many frames as were asked for."""
    colour = hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()[:6]
    subprocess.run(
        ["ffmpeg", "-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i",
         f"color=c=0x{colour}:s=176x96:r=8", "-frames:v", str(min(given.get("num_frames", 9), 200)),
         "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-threads", "1",
         str(path)],
        check=True,
    )  # fmt: skip


class Talk(BaseHTTPRequestHandler):
    """What both servers do."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def answer(self, status: int, body: Any, kind: str = "application/json") -> None:
        data = json.dumps(body).encode() if not isinstance(body, bytes) else body
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def hang_up(self) -> None:
        """No answer at all."""
        self.close_connection = True
        self.connection.shutdown(2)


class Api(Talk):
    """One connection to the API."""

    server: ReplicateServer

    def do_GET(self) -> None:
        self._do({"predictions": self._get, "models": self._model, "account": self._account,
                  "webhooks": self._secret, "files": self._file})  # fmt: skip

    def do_POST(self) -> None:
        self._do({"predictions": self._post, "models": self._official, "files": self._upload,
                  "deployments": self._deployed})  # fmt: skip

    def _do(self, calls: dict[str, Any]) -> None:
        self.data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        self.server.requests.append((self.command, path))
        self.parts = path.removeprefix("/v1/").split("/")
        try:
            if self.server.be.down:
                raise Refused(503, "Service Unavailable", "try again later")
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                raise Refused(
                    401, "Unauthenticated", "You did not pass a valid authentication token"
                )
            if not path.startswith("/v1/") or self.parts[0] not in calls:
                raise Refused(404, "Not found", "The requested resource could not be found.")
            calls[self.parts[0]]()
        except Refused as problem:
            self.answer(problem.status, problem.body, "application/problem+json")

    # -- predictions ---------------------------------------------------------------------------

    def _get(self) -> None:
        be = self.server.be
        if len(self.parts) == 1:
            rows = sorted(self.server.predictions.values(), key=lambda one: one.created)
            listed = [told(one, brief=not be.lists_input) for one in reversed(rows)]
            self.answer(200, {"previous": None, "next": None, "results": listed})
            return
        one = self._known(self.parts[1])
        if be.happens("look_502"):
            self.answer(502, b"<html>bad gateway</html>", "text/html")
            return
        self.answer(200, told(one, brief=be.removed and one.status == "succeeded"))

    def _known(self, name: str) -> Prediction:
        if name not in self.server.predictions:
            raise Refused(404, "Not found", "The requested resource could not be found.")
        return self.server.predictions[name]

    def _post(self) -> None:
        if len(self.parts) == 3 and self.parts[2] == "cancel":
            one = self._known(self.parts[1])
            one.stop.set()
            self.answer(200, told(one))
            return
        body = self._body()
        check_body(body, versioned=True)
        name, _, version = str(body["version"]).rpartition(":")
        found = [model for model, facts in MODELS.items()
                 if version == facts["version"] and name in ("", model)]  # fmt: skip
        if len(version) != 64 or not found:
            raise Refused(422, "Invalid version or not permitted",
                          "The specified version does not exist")  # fmt: skip
        self._create(found[0], body)

    def _official(self) -> None:
        model = "/".join(self.parts[1:3])
        if len(self.parts) != 4 or not MODELS.get(model, {}).get("official"):
            raise Refused(404, "Not found", "The requested resource could not be found.")
        body = self._body()
        check_body(body, versioned=False)
        self._create(model, body)

    def _deployed(self) -> None:
        name = "/".join(self.parts[1:3])
        if name not in DEPLOYMENTS:
            raise Refused(404, "Not found", "The requested resource could not be found.")
        body = self._body()
        check_body(body, versioned=False)
        self._create(DEPLOYMENTS[name], body, name)

    def _body(self) -> Any:
        if self.headers.get("Content-Type") != "application/json":
            raise Refused(415, "Unsupported media type", "send JSON")
        return json.loads(self.data)

    def _create(self, model: str, body: dict[str, Any], deployment: str | None = None) -> None:
        be = self.server.be
        self.server.creations.append(time.time())
        if be.poor:
            raise Refused(402, "Billing required", "You have run out of credit")
        if be.throttled:
            be.throttled -= 1
            said = f"Request was throttled. Your rate limit resets in ~{be.reset}s."
            self.answer(429, {"detail": said})
            return
        if be.happens("create_500"):
            raise Refused(500, "Internal server error", "An unexpected error occurred")
        if be.happens("never_arrived"):
            self.hang_up()
            return
        hold, limit = check_headers(self.headers.get("Prefer"), self.headers.get("Cancel-After"))
        check_input(model, body["input"])
        self._check_files(body["input"])
        one = Prediction(model, body, deployment, time.time() + limit if limit else None)
        self.server.begin(one)
        if be.happens("lost_answer"):
            self.hang_up()
            return
        until = time.monotonic() + hold
        while time.monotonic() < until and one.status not in OVER:
            time.sleep(0.02)
        self.answer(201, told(one))

    def _check_files(self, given: dict[str, Any]) -> None:
        for key in ("image", "video"):
            link = str(given.get(key, ""))
            stored = link.startswith(f"{self.server.url}/files/")
            small = link.startswith("data:") and len(link) < 1_000_000
            if link and not stored and not small:
                wrong = [{"type": "uri", "field": f"input.{key}", "description": "no file"}]
                raise Refused(422, "Input validation failed", "- see invalid_fields", wrong)

    # -- the rest ------------------------------------------------------------------------------

    def _model(self) -> None:
        model = "/".join(self.parts[1:3])
        if model not in MODELS:
            raise Refused(404, "Not found", "The requested resource could not be found.")
        facts = MODELS[model]
        version = {"id": facts["version"], "openapi_schema": facts["schema"]}
        if len(self.parts) == 3:
            official = bool(facts.get("official"))
            self.answer(200, {"owner": self.parts[1], "name": self.parts[2],
                              "is_official": official, "latest_version": version})  # fmt: skip
        elif self.parts[3:] == ["versions", facts["version"]]:
            self.answer(200, version)
        else:
            raise Refused(404, "Not found", "The requested resource could not be found.")

    def _account(self) -> None:
        self.answer(200, {"type": "user", "username": "lab", "name": "The Lab"})

    def _secret(self) -> None:
        self.answer(200, {"key": SECRET})

    def _upload(self) -> None:
        form = parse(self.headers.get("Content-Type", ""), self.data)
        content = form.get("content")
        if set(form) - {"content", "metadata"} or not isinstance(content, Upload):
            raise Refused(400, "Bad request", "Missing content")
        if len(content.data) > 100 * 10**6:
            raise Refused(413, "Too large", "at most 100 MB")
        name = uuid.uuid4().hex
        self.server.files[name] = content
        self.answer(201, {
            "id": name, "name": content.name, "content_type": content.media_type,
            "size": len(content.data), "urls": {"get": f"{self.server.url}/files/{name}"},
        })  # fmt: skip

    def _file(self) -> None:
        found = self.server.files[self.parts[1]]
        self.answer(200, {"id": self.parts[1], "size": len(found.data)})


class Delivery(ThreadingHTTPServer):
    """Where results lie: another host, which never may see the token."""

    daemon_threads = True

    def __init__(self, api: ReplicateServer) -> None:
        super().__init__(("127.0.0.1", 0), Fetch)
        self.api = api
        self.tokens: list[str] = []
        self.asked = 0

    @property
    def url(self) -> str:
        return f"http://localhost:{self.server_address[1]}"


class Fetch(Talk):
    """One connection to a result."""

    server: Delivery

    def do_GET(self) -> None:
        self.server.asked += 1
        if self.headers.get("Authorization"):
            self.server.tokens.append(str(self.headers["Authorization"]))
        be, name = self.server.api.be, self.path.split("/")[1]
        if be.happens("redirect"):
            self.send_response(302)
            self.send_header(
                "Location", f"http://127.0.0.1:{self.server.server_address[1]}{self.path}"
            )
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        data = (self.server.api.folder / f"{name}.mp4").read_bytes()
        if be.happens("gone"):
            self.answer(404, {"detail": "Not found"})
        elif be.happens("wrong_type"):
            self.answer(200, b"<html>sign in</html>", "text/html")
        elif be.happens("truncated"):
            self.send_response(200)
            self.send_header("Content-Type", "video/mp4")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2])
            self.hang_up()
        else:
            self.answer(200, data, "video/mp4")


@contextmanager
def replicate_server() -> Iterator[ReplicateServer]:
    """Both servers, until the end of the test."""
    with ReplicateServer() as api, api.delivery as delivery:
        for one in (api, delivery):
            threading.Thread(target=one.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield api
        finally:
            for going in api.predictions.values():
                going.stop.set()
            for server in (api, delivery):
                server.shutdown()
