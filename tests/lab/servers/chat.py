"""A chat model behind OpenAI's API, for tests: strict, and able to fail in every way.

``python tests/lab/servers/chat.py --port 8000`` runs one alone.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # when it is run alone

from servers.chat_answers import PROSE, caption

FAULTS = (
    "429", "500", "503", "html", "refusal", "refusal_in_words", "content_filter", "length", "empty",
    "null", "no_choices", "not_json", "half_caption", "error_200", "truncated", "no_answer", "hang",
    "too_long",
)  # fmt: skip

FIELDS = {
    "model", "messages", "temperature", "max_tokens", "max_completion_tokens", "seed", "stream",
    "response_format", "top_p", "n", "stop", "frequency_penalty", "presence_penalty", "user",
}  # fmt: skip


@dataclass
class Behaviour:
    """How the server is: a test changes it while it runs.

    ``token``: what must be sent.  ``blind``: pictures are refused.  ``reasoning``: it is a model
    that wants max_completion_tokens.  ``says``: its next answers, the last one again and again.
    ``fault``: what goes wrong each time; ``once``: the same, one time.  ``listed``: whether there
    is a list of models.  ``wait``: seconds in Retry-After.
    """

    models: list[str] = field(default_factory=lambda: ["lab-writer"])
    token: str = ""
    blind: bool = False
    reasoning: bool = False
    says: list[str] = field(default_factory=list)
    fault: str = ""
    once: str = ""
    listed: bool = True
    wait: float = 0.0


class Refused(Exception):
    """A request that the API answers with an error."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.body = {
            "error": {"message": message, "type": "invalid_request_error", "code": code or None}
        }


class ChatServer(ThreadingHTTPServer):
    """The server.  ``asked``: every body that came, ``headers``: those that came with them."""

    daemon_threads = True

    def __init__(self, port: int = 0, host: str = "127.0.0.1") -> None:
        super().__init__((host, port), Talk)
        self.be = Behaviour()
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.calls: list[str] = []
        self.began, self.gone, self.over = (threading.Event() for _ in range(3))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Talk(BaseHTTPRequestHandler):
    """One request."""

    server: ChatServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""

    def do_GET(self) -> None:
        self.server.calls.append(f"GET {self.path}")
        try:
            self._signed()
            if self.path != "/v1/models" or not self.server.be.listed:
                raise Refused(404, f"Unknown request URL: GET {self.path}", "unknown_url")
        except Refused as error:
            self._json(error.status, error.body)
            return
        rows = [
            {"id": name, "object": "model", "owned_by": "lab"} for name in self.server.be.models
        ]
        self._json(200, {"object": "list", "data": rows})

    def do_POST(self) -> None:
        self.server.calls.append(f"POST {self.path}")
        data = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.headers.append({key.lower(): value for key, value in self.headers.items()})
        try:
            self._signed()
            if self.path != "/v1/chat/completions":
                raise Refused(404, f"Unknown request URL: POST {self.path}", "unknown_url")
            body = check(self.server.be, self.headers.get("Content-Type", ""), data)
        except Refused as error:
            self._json(error.status, error.body)
            return
        self.server.asked.append(body)
        self.server.began.set()
        fault, self.server.be.once = self.server.be.once or self.server.be.fault, ""
        self._answer(body, fault)

    def _signed(self) -> None:
        token = self.server.be.token
        if token and self.headers.get("Authorization") != f"Bearer {token}":
            raise Refused(401, "Incorrect API key provided", "invalid_api_key")

    def _answer(self, body: dict[str, Any], fault: str) -> None:
        if fault in ("429", "500", "503"):
            words = {"429": "Rate limit reached for requests", "500": "The server had an error",
                     "503": "The engine is currently overloaded"}[fault]  # fmt: skip
            error = {"error": {"message": words, "type": "server_error", "code": None}}
            self._json(int(fault), error, {"Retry-After": f"{self.server.be.wait:g}"})
        elif fault == "html":
            self._send(200, b"<html>Bad gateway</html>", "text/html")
        elif fault == "error_200":
            self._json(200, {"error": {"message": "upstream is away", "code": 502}})
        elif fault == "no_answer":
            self.close_connection = True
        elif fault == "hang":
            self._hang()
        elif fault == "truncated":
            self._cut(json.dumps(self._completion(body, "")).encode())
        else:
            self._json(200, self._completion(body, fault))

    def _completion(self, body: dict[str, Any], fault: str) -> dict[str, Any]:
        wants_json = body.get("response_format", {}).get("type") == "json_object"
        says = self.server.be.says
        text: str | None = json.dumps(caption(), indent=1) if wants_json else PROSE
        if says:
            text = says.pop(0) if len(says) > 1 else says[0]
        message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
        why = "stop"
        if fault == "refusal":
            message |= {"content": None, "refusal": "I'm sorry, I can't help with that."}
        elif fault == "refusal_in_words":
            message["content"] = "I'm sorry, but I can't describe this."
        elif fault == "content_filter":
            message["content"], why = "", "content_filter"
        elif fault == "length":
            message["content"], why = (text or "")[:40], "length"
        elif fault in ("empty", "null"):
            message["content"] = "" if fault == "empty" else None
        elif fault == "not_json":
            message["content"] = f"Here you are: {PROSE}"
        elif fault == "half_caption":
            message["content"] = json.dumps(caption(lighting=None, temporal_caption=""))
        elif fault == "too_long":
            message["content"] = " ".join([PROSE] * 40)
        choices = [{"index": 0, "message": message, "finish_reason": why, "logprobs": None}]
        return {
            "id": "chatcmpl-lab1", "object": "chat.completion", "created": 1790000000,
            "model": f"{body['model']}-2026-01-01", "system_fingerprint": "fp_lab",
            "choices": [] if fault == "no_choices" else choices,
            "usage": {"prompt_tokens": 100, "completion_tokens": 77, "total_tokens": 177},
        }  # fmt: skip

    def _hang(self) -> None:
        """Until the client goes away."""
        self.connection.settimeout(0.1)
        while not self.server.over.is_set():
            try:
                if not self.connection.recv(1):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        self.server.gone.set()
        self.close_connection = True

    def _cut(self, data: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2])
        self.close_connection = True

    def _json(self, status: int, body: Any, more: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(body).encode(), "application/json", more)

    def _send(
        self, status: int, data: bytes, media: str, more: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(data)))
        for key, value in (more or {}).items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(data)


# -- the rules ------------------------------------------------------------------------------------


def check(be: Behaviour, media: str, data: bytes) -> dict[str, Any]:
    """The body of a request that the API takes.  Raises Refused."""
    if media != "application/json":
        raise Refused(415, f"Unsupported content type: {media}")
    try:
        body = json.loads(data)
    except ValueError as error:
        raise Refused(400, f"We could not parse the JSON body of your request: {error}") from error
    for key in body:
        if key not in FIELDS:
            raise Refused(400, f"Unrecognized request argument supplied: {key}")
    if body.get("model") not in be.models:
        named = body.get("model")
        raise Refused(404, f"The model `{named}` does not exist", "model_not_found")
    if be.reasoning and "max_tokens" in body:
        raise Refused(
            400, "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
            "'max_completion_tokens' instead.", "unsupported_parameter",
        )  # fmt: skip
    _numbers(body)
    _messages(be, body.get("messages"))
    kind = body.get("response_format", {"type": "text"}).get("type")
    if kind not in ("text", "json_object", "json_schema"):
        raise Refused(400, f"Invalid value: '{kind}' for response_format.type")
    if kind == "json_object" and "json" not in json.dumps(body["messages"]).lower():
        raise Refused(400, "'messages' must contain the word 'json' in some form")
    return dict(body)


def _numbers(body: dict[str, Any]) -> None:
    for key, low, high, kind in (
        ("temperature", 0, 2, (int, float)), ("max_tokens", 1, 1 << 20, int),
        ("max_completion_tokens", 1, 1 << 20, int), ("seed", -(1 << 63), 1 << 63, int),
    ):  # fmt: skip
        value = body.get(key)
        if key in body and (
            isinstance(value, bool) or not isinstance(value, kind) or not low <= value <= high
        ):
            raise Refused(400, f"Invalid value for '{key}': {value}")
    if body.get("stream", False) is not False:
        raise Refused(400, "the lab does not stream")


def _messages(be: Behaviour, messages: Any) -> None:
    if not isinstance(messages, list) or not messages:
        raise Refused(400, "Invalid 'messages': empty array")
    roles = [message.get("role") for message in messages]
    if roles[0] != "system" or roles[-1] != "user" or set(roles) - {"system", "user", "assistant"}:
        raise Refused(400, f"roles must alternate: {roles}")
    for message in messages:
        if set(message) != {"role", "content"}:
            raise Refused(400, f"a message has the fields {sorted(message)}")
        content = message["content"]
        if isinstance(content, str):
            if not content:
                raise Refused(400, "a message has no content")
            continue
        for part in content:
            _part(be, part)


def _part(be: Behaviour, part: dict[str, Any]) -> None:
    if part.get("type") == "text" and set(part) == {"type", "text"} and part["text"]:
        return
    if part.get("type") != "image_url" or set(part) != {"type", "image_url"}:
        raise Refused(400, f"Invalid content part: {part.get('type')}")
    if be.blind:
        raise Refused(400, "lab-writer is not a multimodal model")
    found = re.fullmatch(r"data:image/png;base64,([A-Za-z0-9+/=]+)", part["image_url"].get("url"))
    if not found or not base64.b64decode(found[1], validate=True).startswith(b"\x89PNG\r\n"):
        raise Refused(400, "You uploaded an unsupported image")


@contextmanager
def chat_server(port: int = 0, host: str = "127.0.0.1") -> Iterator[ChatServer]:
    """A server that listens."""
    server = ChatServer(port, host)
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
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--fault", choices=FAULTS, default="")
    args = parser.parse_args()
    with chat_server(args.port, args.host) as server:
        server.be.fault = args.fault
        print(server.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
