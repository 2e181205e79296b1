"""A small server for signed calls: it checks each, answers at once, and hands over what it says."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cosmos_workflow.errors import CosmosError
from cosmos_workflow.workflows.webhook_seen import Seen
from cosmos_workflow.workflows.webhook_signature import Unsigned, verified

LARGEST = 4 * 2**20
"""Bytes of a call; a prediction with its log is some kilobytes."""

PATIENCE = 10.0
"""Seconds without a byte after which a caller is let go."""


class Receiver(ThreadingHTTPServer):
    """Takes POSTs to ``path`` that are signed with ``key``, each once.

    ``arrived`` gets the object that was sent, after it was answered.  ``say`` hears of what was
    refused and why; a caller is not told more than that it was.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self,
        address: tuple[str, int],
        path: str,
        key: bytes,
        seen: Seen,
        arrived: Callable[[Mapping[str, Any]], None],
        say: Callable[[str], None],
    ) -> None:
        self.path, self.seen, self.arrived, self.say = path, seen, arrived, say
        self._key = key
        super().__init__(address, _Talk)

    def taken(self, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, Any]]:
        """The status to answer with, and what was sent if it is to be acted on."""
        try:
            call = verified(self._key, headers, body, time.time())
            new = self.seen.first(call, time.time())
        except Unsigned as error:
            self.say(f"refused: {error.message}")
            return 401, {}
        except CosmosError as error:
            self.say(f"{error.message}\n{error.hint}")
            return 503, {}
        if not new:
            self.say(f"refused: {call.id} a second time")
            return 409, {}
        try:
            sent = json.loads(body)
        except ValueError:
            sent = None
        return (200, sent) if isinstance(sent, dict) else (400, {})

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up is nothing to speak of; a fault of ours is."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            self.say(f"internal error: {type(error).__name__}: {error}")


class _Talk(BaseHTTPRequestHandler):
    server: Receiver
    timeout = PATIENCE
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "cosmos", ""

    def log_message(self, format: str, *args: Any) -> None:
        """What matters is said by the receiver."""

    def do_POST(self) -> None:
        """A call, if it is one."""
        if self.path.partition("?")[0] != self.server.path:
            self._answer(404)
            return
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or self.headers.get("Transfer-Encoding"):
            self._answer(411)
            return
        if int(length) > LARGEST:
            self._answer(413)
            return
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, sent = self.server.taken(headers, body)
        self._answer(status)
        if status == 200:
            self.server.arrived(sent)

    def _refused(self) -> None:
        self._answer(405 if self.path.partition("?")[0] == self.server.path else 404)

    do_GET = do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _refused

    def _answer(self, status: int) -> None:
        """The status alone; after a refusal the connection is over, its body was not read."""
        self.send_response(status)
        self.send_header("Content-Length", "0")
        if status != 200:
            self.send_header("Connection", "close")
            self.close_connection = True
        if status == 405:
            self.send_header("Allow", "POST")
        self.end_headers()
        self.wfile.flush()
