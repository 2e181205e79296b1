"""Signed calls that bring runs home, and calls that are not to be believed."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from project import Project, command
from scene import until
from servers.replicate import SECRET, TOKEN, ReplicateServer, replicate_server, send
from test_replicate import configure, home, made, ran

from cosmos_workflow.events import ExecutionStatus

PUBLIC = "https://studio.example.com/replicate"


@dataclass
class Listening:
    """A ``cosmos webhook`` that runs; ``said`` is what it has printed so far."""

    process: subprocess.Popen[str]
    log: Path
    url: str

    @property
    def said(self) -> str:
        return self.log.read_text()

    def until_said(self, text: str) -> None:
        until(lambda: text in self.said, f"{text!r} is not in {self.said}")


@contextmanager
def listening(project: Project, *args: str, **env: str) -> Iterator[Listening]:
    """``cosmos webhook`` on a free port, ended by Ctrl-C."""
    log = project.root / "webhook.log"
    argv = command(["webhook", "--port", "0", *args])
    with log.open("w") as out:
        process = subprocess.Popen(
            argv, cwd=project.root, stdout=out, stderr=subprocess.STDOUT,
            env={**os.environ, "COLUMNS": "200", **env}, text=True, start_new_session=True,
        )  # fmt: skip
    try:
        until(lambda: "listening on " in log.read_text(), "it does not listen")
        found = re.search(r"listening on (\S+)", log.read_text())
        assert found
        yield Listening(process, log, found[1])
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0, log.read_text()
        assert "Traceback" not in log.read_text()


@pytest.fixture
def server(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReplicateServer]:
    """The service, which is told where to call."""
    monkeypatch.setenv("REPLICATE_API_TOKEN", TOKEN)
    with replicate_server() as one:
        configure(project, one, f'webhook = "{PUBLIC}"')
        yield one


def test_a_detached_run_is_brought_home_by_the_call(
    project: Project, server: ReplicateServer
) -> None:
    server.be.seconds = 1.0
    with listening(project) as receiver:
        server.be.hooks[PUBLIC] = receiver.url
        run = made(project, "ltx")
        assert "left running" in ran(project, run, "--detach")
        folder = project.run(run)
        until(lambda: folder.run().status is ExecutionStatus.SUCCESS, "it is not brought home")
        receiver.until_said("SUCCESS")
    home(project, run)
    assert server.delivered == [200]
    (one,) = server.predictions.values()
    assert one.body["webhook"] == PUBLIC
    assert one.body["webhook_events_filter"] == ["completed"]
    assert ("GET", "/v1/webhooks/default/secret") in server.requests
    everything = "".join(file.read_text() for file in folder.path.glob("*.json*"))
    assert SECRET not in everything + receiver.said and TOKEN not in everything + receiver.said


def test_a_call_that_comes_before_the_run_is_noted_is_not_lost(
    project: Project, server: ReplicateServer
) -> None:
    server.be.seconds = 0.0
    with listening(project, REPLICATE_WEBHOOK_SECRET=SECRET) as receiver:
        server.be.hooks[PUBLIC] = receiver.url
        run = made(project, "ltx", "--option", "wait=10")
        ran(project, run, "--detach")
        folder = project.run(run)
        until(lambda: folder.run().status is ExecutionStatus.SUCCESS, "it is not brought home")
    assert ("GET", "/v1/webhooks/default/secret") not in server.requests


def test_a_failed_run_ends_too(project: Project, server: ReplicateServer) -> None:
    server.be.fails, server.be.seconds = "list index out of range", 0.5
    with listening(project) as receiver:
        server.be.hooks[PUBLIC] = receiver.url
        run = made(project, "ltx")
        ran(project, run, "--detach")
        folder = project.run(run)
        until(lambda: folder.run().status is ExecutionStatus.FAILED, "it does not end")
        receiver.until_said("FAILED: list index out of range")


BODY = json.dumps({"id": "unknown0123456789", "status": "processing"}).encode()


def test_what_is_not_to_be_believed(project: Project, server: ReplicateServer) -> None:
    with listening(project) as receiver:
        url, now = receiver.url, int(time.time())
        assert send(url, BODY, "msg_a") == 200
        assert send(url, BODY, "msg_b", secret="whsec_b3RoZXI=") == 401
        assert send(url, BODY, "msg_c", at=now - 301) == 401
        assert send(url, BODY, "msg_d", at=now + 330) == 401
        assert send(url, BODY, "msg_e", headers={"webhook-signature": ""}) == 401
        assert send(url + "/other", BODY, "msg_f") == 404
        assert send(url, BODY, "msg_g", method="PUT") == 405
        assert send(url, b"[1]", "msg_h") == 400
        assert send(url, b"x" * (4 * 2**20 + 1), "msg_i") in (413, 0)
        assert raw(url, b"POST /replicate HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 411")
        assert send(url, BODY, "msg_j", at=now) == 200
        assert send(url, BODY, "msg_j", at=now) == 409
        assert send(url, BODY, "msg_j", at=now + 1) == 200  # the sender's own repeat
        assert receiver.said.count("refused: ") == 5
    with listening(project) as again:
        assert send(again.url, BODY, "msg_j", at=now) == 409, "it is remembered across a restart"


def raw(url: str, data: bytes) -> bytes:
    """The beginning of the answer to these bytes."""
    host, port = url.removeprefix("http://").partition("/")[0].split(":")
    with socket.create_connection((host, int(port)), timeout=10) as line:
        line.sendall(data)
        return line.recv(200)


def test_an_unknown_job_is_said_and_answered(project: Project, server: ReplicateServer) -> None:
    with listening(project) as receiver:
        body = json.dumps({"id": "unknown0123456789", "status": "succeeded"}).encode()
        assert send(receiver.url, body, "msg_a") == 200
        receiver.until_said("job unknown0123456789 is of no run")


def test_what_it_needs(project: Project, server: ReplicateServer) -> None:
    said = project.cosmos("webhook", code=2, env={"REPLICATE_WEBHOOK_SECRET": "whsec_?"}).stderr
    assert "this is no secret of webhooks" in said
    with listening(project) as receiver:
        port = receiver.url.partition("127.0.0.1:")[2].partition("/")[0]
        assert (
            "cannot listen on 127.0.0.1" in project.cosmos("webhook", "--port", port, code=2).stderr
        )
        assert f"{'replicate'} is told to call {PUBLIC}" in receiver.said
    nowhere = project.cosmos("webhook", "--host", "192.0.2.1", code=2).stderr
    assert "cannot listen on 192.0.2.1" in nowhere and "--host is" in nowhere
    assert "Errno" not in nowhere
    project.configure("")
    assert "no service calls us" in project.cosmos("webhook", code=2).stderr
    project.configure('[services.r]\ndialect = "replicate"\nwebhook = "http://x"\n')
    assert "is no https address" in project.cosmos("webhook", code=2).stderr
