"""A service that can misbehave in every way that HTTP has: raw bytes on a socket, for tests.

It makes films: ``POST /jobs``, ``GET /jobs``, ``GET /jobs/ID``, ``DELETE /jobs/ID``,
``GET /jobs/ID/film``, ``POST /files``.  A test queues faults by operation; each is used up once.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import secrets
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

LATE = 30.0
"""Seconds that a server hangs at most; a client that waits for it has failed its test."""


@dataclass(frozen=True)
class Request:
    """What a client sent.  ``whole``: all of the body that it had promised."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    whole: bool


@dataclass
class Job:
    """A job; ``looks``: how often it is asked after before it is done."""

    id: str
    request: Request
    looks: int
    status: str = "queued"
    created: float = field(default_factory=time.time)


Fault = Callable[["Talk", Request], None]


class FaultsServer(socketserver.ThreadingTCPServer):
    """``jobs`` by id; ``requests`` in order; ``film``: what each job makes."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(self, film: bytes = b"a film, more or less" * 5000) -> None:
        super().__init__(("127.0.0.1", 0), Talk)
        self.film = film
        self.jobs: dict[str, Job] = {}
        self.requests: list[Request] = []
        self.tunnels: list[str] = []
        self.faults: dict[str, list[Fault]] = {}
        self.looks = 0
        self.elsewhere = ""
        self.closing = threading.Event()
        self.ranges = True
        self.tls: ssl.SSLContext | None = None
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.server_address[1]}"

    def on(self, operation: str, *faults: Fault, times: int = 1) -> None:
        """What the next calls of a kind meet; ``times`` over."""
        self.faults.setdefault(operation, []).extend(faults * times)

    def next_fault(self, operation: str) -> Fault | None:
        """What this call meets."""
        with self._lock:
            queue = self.faults.get(operation, [])
            return queue.pop(0) if queue else None

    def count(self, method: str, pattern: str) -> int:
        """How many calls of this kind there were."""
        return sum(r.method == method and bool(re.fullmatch(pattern, r.path))
                   for r in self.requests)  # fmt: skip

    def begin(self, request: Request) -> Job:
        """Take a job."""
        job = Job(secrets.token_hex(4), request, self.looks)
        with self._lock:
            self.jobs[job.id] = job
        return job


class Talk(socketserver.BaseRequestHandler):
    """One connection, one call."""

    server: FaultsServer
    request: socket.socket

    def handle(self) -> None:
        with suppress(OSError, ValueError):
            self.request.settimeout(LATE)
            if self.server.tls:
                self.request = self.server.tls.wrap_socket(self.request, server_side=True)
            call = self._read()
            self.server.requests.append(call)
            operation = operation_of(call)
            fault = self.server.next_fault(operation)
            (fault or respond)(self, call)

    def _read(self) -> Request:
        data = b""
        while b"\r\n\r\n" not in data:
            more = self.request.recv(65536)
            if not more:
                raise ValueError("the client went away")
            data += more
            if data.startswith(b"\x16\x03"):  # TLS
                self.head(400, Content_Length=0)
                raise ValueError("not in clear")
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, address, _ = first.split(" ", 2)
        if method == "CONNECT":
            self._tunnel(address)
        path = re.sub(r"^http://[^/]+", "", address)  # whole where we are asked as a proxy
        pairs = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        length, parts = int(headers.get("content-length", "0")), [body]
        got = len(body)
        early = self.server.next_fault("reading")
        if early:
            early(self, Request(method, path, headers, body, False))
            raise ValueError("answered already")
        while got < length and (more := self.request.recv(1 << 20)):
            parts.append(more)
            got += len(more)
        if got < length:
            self.server.requests.append(Request(method, path, headers, b"", False))
            raise ValueError("the client hung up")
        return Request(method, path, headers, b"".join(parts), True)

    def _tunnel(self, address: str) -> None:
        """Be a proxy that leads to 127.0.0.1, whatever the name."""
        self.server.tunnels.append(address)
        if fault := self.server.next_fault("tunnel"):
            fault(self, Request("CONNECT", address, {}, b"", True))
            raise ValueError("no tunnel")
        there = socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])))
        self.raw(b"HTTP/1.1 200 So\r\n\r\n")

        def pour(source: socket.socket, sink: socket.socket) -> None:
            with suppress(OSError):
                while data := source.recv(65536):
                    sink.sendall(data)
                sink.shutdown(socket.SHUT_WR)

        back = threading.Thread(target=pour, args=(there, self.request), daemon=True)
        back.start()
        pour(self.request, there)
        back.join()
        there.close()
        raise ValueError("the tunnel is closed")

    # -- what can be written -------------------------------------------------------------------

    def raw(self, data: bytes) -> None:
        """Bytes as they are."""
        self.request.sendall(data)

    def head(self, status: int, **headers: object) -> None:
        """Status and headers."""
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.raw("\r\n".join([f"HTTP/1.1 {status} So", *lines, "", ""]).encode("latin-1"))

    def json(self, status: int, body: Any, **headers: object) -> None:
        """A JSON answer."""
        data = json.dumps(body).encode()
        self.head(status, Content_Type="application/json", Content_Length=len(data), **headers)
        self.raw(data)

    def wait(self, seconds: float = LATE) -> None:
        """Say nothing, until the test is over."""
        self.server.closing.wait(seconds)


def operation_of(call: Request) -> str:
    """What a call is for."""
    if call.path == "/health":
        return "probe"
    if call.path == "/files":
        return "upload"
    if call.path == "/jobs":
        return "create" if call.method == "POST" else "list"
    if call.path.partition("?")[0].endswith("/film"):
        return "film"
    return "cancel" if call.method == "DELETE" else "look"


def respond(talk: Talk, call: Request) -> None:
    """As it should be."""
    server, operation = talk.server, operation_of(call)
    if operation == "probe":
        talk.json(200, {"status": "ready"})
    elif operation == "upload":
        talk.json(201, {"url": f"{server.url}/files/1?sig=s3cr3t-signature"})
    elif operation == "create":
        create(talk, call)
    elif operation == "list":
        rows = [
            {"id": job.id, "created": job.created, "name": name_of(job.request)}
            for job in reversed(server.jobs.values())
        ]
        talk.json(200, {"jobs": rows})
    else:
        _one(talk, call, operation)


def create(talk: Talk, call: Request) -> None:
    """A new job, or the one that has the same key."""
    key = call.headers.get("idempotency-key", "")
    same = [
        job
        for job in talk.server.jobs.values()
        if key and job.request.headers.get("idempotency-key") == key
    ]
    job = same[0] if same else talk.server.begin(call)
    talk.json(201, {"id": job.id})


def name_of(call: Request) -> str:
    """The name in a request's JSON, or in its form."""
    found = re.search(rb'"name": ?"([^"]+)"|name="name"\r\n\r\n([^\r]+)', call.body)
    return (found[1] or found[2]).decode() if found else ""


def _one(talk: Talk, call: Request, operation: str) -> None:
    server = talk.server
    job = server.jobs.get(call.path.split("/")[2])
    if job is None:
        talk.json(404, {"error": "no such job"})
    elif operation == "cancel":
        job.status = "cancelled"
        talk.json(200, {"id": job.id})
    elif operation == "look":
        job.looks -= 1
        if job.status == "queued" and job.looks < 0:
            job.status = "done"
        film = f"{server.elsewhere or server.url}/jobs/{job.id}/film?sig=s3cr3t-signature"
        told = {"output": film} if job.status == "done" else {}
        talk.json(200, {"id": job.id, "status": job.status, **told})
    else:
        film_of(talk, call)


def film_of(talk: Talk, call: Request, cut: int = 0) -> None:
    """The film, or what is missing of it; ``cut``: bytes after which the line breaks."""
    film = talk.server.film
    etag = f'"{hashlib.sha256(film).hexdigest()[:16]}"'
    start, status, more = 0, 200, {}
    asked = re.fullmatch(r"bytes=(\d+)-", call.headers.get("range", ""))
    if asked and talk.server.ranges and call.headers.get("if-range") == etag:
        start, status = int(asked[1]), 206
        more = {"Content_Range": f"bytes {start}-{len(film) - 1}/{len(film)}"}
    rest = film[start:]
    if talk.server.ranges:
        more |= {"Accept_Ranges": "bytes", "ETag": etag}
    talk.head(status, Content_Type="video/mp4", Content_Length=len(rest), **more)
    talk.raw(rest[:cut] if cut else rest)


# -- faults ----------------------------------------------------------------------------------------


def refuse(status: int, body: Any = None, **headers: object) -> Fault:
    """An answer with an error."""
    said = {"error": {"message": f"it is {status}"}} if body is None else body
    return lambda talk, call: talk.json(status, said, **headers)


def done_but(fault: Fault) -> Fault:
    """The job is begun, and then this."""

    def go(talk: Talk, call: Request) -> None:
        talk.server.begin(call)
        fault(talk, call)

    return go


def hang_up(talk: Talk, call: Request) -> None:
    """Close, and say nothing."""


def reset(talk: Talk, call: Request) -> None:
    """Close hard."""
    talk.request.setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, (1).to_bytes(4, "little") + bytes(4)
    )
    talk.request.close()


def hang(talk: Talk, call: Request) -> None:
    """Take it, and never answer."""
    talk.wait()


def drip_head(talk: Talk, call: Request) -> None:
    """A byte of a header now and then, for ever."""
    talk.raw(b"HTTP/1.1 200 So\r\nX-Slow: ")
    while not talk.server.closing.wait(0.1):
        talk.raw(b"a")


def drip_body(talk: Talk, call: Request) -> None:
    """A byte of the body now and then, for ever."""
    talk.head(200, Content_Type="video/mp4", Content_Length=5_000_000)
    while not talk.server.closing.wait(0.1):
        talk.raw(b" ")


def drip_continue(talk: Talk, call: Request) -> None:
    """ "Go on", for ever."""
    while not talk.server.closing.wait(0.05):
        talk.raw(b"HTTP/1.1 100 Continue\r\n\r\n")


def truncated(talk: Talk, call: Request) -> None:
    """Less than was promised."""
    talk.head(200, Content_Type="application/json", Content_Length=5000)
    talk.raw(b'{"id": "1", "stat')


def words(data: bytes, media: str = "application/json", status: int = 200) -> Fault:
    """Any bytes as the body."""

    def go(talk: Talk, call: Request) -> None:
        talk.head(status, Content_Type=media, Content_Length=len(data))
        talk.raw(data)

    return go


def chunked(talk: Talk, call: Request) -> None:
    """The right answer, in chunks and without a length."""
    job = talk.server.jobs[call.path.split("/")[2]]
    data = json.dumps({"id": job.id, "status": "queued"}).encode()
    talk.head(200, Content_Type="application/json", Transfer_Encoding="chunked")
    for byte in data:
        talk.raw(b"1\r\n%c\r\n" % byte)
    talk.raw(b"0\r\n\r\n")


def packed(data: bytes, layers: int = 1) -> Fault:
    """A small answer that is a big one."""
    for _ in range(layers):
        data = gzip.compress(data, 9)

    def go(talk: Talk, call: Request) -> None:
        names = ", ".join(["gzip"] * layers)
        talk.head(200, Content_Type="application/json", Content_Encoding=names,
                  Content_Length=len(data))  # fmt: skip
        talk.raw(data)

    return go


def endless(talk: Talk, call: Request) -> None:
    """An answer without an end."""
    talk.head(200, Content_Type="application/json", Transfer_Encoding="chunked")
    piece = b"10000\r\n" + b" " * 65536 + b"\r\n"
    while not talk.server.closing.is_set():
        talk.raw(piece)


def many_headers(talk: Talk, call: Request) -> None:
    """Headers without an end."""
    talk.raw(b"HTTP/1.1 200 So\r\n")
    while not talk.server.closing.is_set():
        talk.raw(b"X-More: " + b"a" * 4096 + b"\r\n")


def no_http(talk: Talk, call: Request) -> None:
    """Another protocol."""
    talk.raw(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n\r\n")


def moved(location: str, status: int = 302) -> Fault:
    """It is somewhere else; ``{path}``: the path that was asked for."""
    return lambda talk, call: talk.head(
        status, Location=location.format(path=call.path), Content_Length=0
    )


def echo(status: int) -> Fault:
    """An error that repeats what it was sent, the token too."""

    def go(talk: Talk, call: Request) -> None:
        sent = call.headers.get("authorization", "none")
        talk.json(status, {"error": f"bad credentials: {sent}; see "
                           "https://store.example/x?X-Signature=s3cr3t-signature&a=b"})  # fmt: skip

    return go


def cut_film(after: int) -> Fault:
    """The line breaks after so many bytes of this answer."""
    return lambda talk, call: film_of(talk, call, cut=after)


@contextmanager
def faults_server(film: bytes = b"a film, more or less" * 5000) -> Iterator[FaultsServer]:
    """One that runs, and is ended."""
    server = FaultsServer(film)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
