"""One suite for every Host: what a command gets, gives back, and does when things go wrong."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest

from cosmos_workflow.connection.host import Host
from cosmos_workflow.connection.local import LocalHost
from cosmos_workflow.errors import CommandFailed, HostUnreachable

HOSTILE = [
    "",
    " ",
    "a b",
    "'",
    '"',
    "$(id)",
    "`id`",
    ";",
    "\n",
    "-n",
    "*",
    "日本語",
    "\\",
    "&|<>#~!",
]


@pytest.fixture(params=["local", "ssh"])
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    made = LocalHost() if request.param == "local" else request.getfixturevalue("ssh_host")
    yield made
    made.close()


def test_arguments_arrive_as_they_left(host: Host) -> None:
    done = host.run(["printf", "%s|", *HOSTILE])
    assert done.stdout == "|".join(HOSTILE) + "|"


def test_stdin_and_both_streams(host: Host) -> None:
    done = host.run(["sh", "-c", "cat; echo no >&2"], stdin="ünï\0".encode())
    assert (done.stdout, done.stderr, done.exit_code) == ("ünï\0", "no\n", 0)


def test_stdin_is_at_its_end_when_none_is_given(host: Host) -> None:
    assert host.run(["cat"], timeout=10).stdout == ""


def test_much_both_ways(host: Host) -> None:
    data = bytes(range(256)) * 20_000
    chunks = list(host.stream(["cat"], stdin=data))
    assert b"".join(chunk.data for chunk in chunks if chunk.source == "out") == data
    assert chunks[-1].source == "exit" and chunks[-1].exit_code == 0


def test_a_command_that_ignores_its_stdin(host: Host) -> None:
    assert host.run(["sh", "-c", "exit 3"], stdin=b"x" * 5_000_000, check=False).exit_code == 3


def test_a_failure_names_command_code_and_reason(host: Host) -> None:
    with pytest.raises(CommandFailed) as caught:
        host.run(["sh", "-c", "echo first >&2; echo the reason >&2; exit 7"])
    assert caught.value.exit_code_of_command == 7
    assert "the reason" in caught.value.message and "7" in caught.value.message
    assert "first" in caught.value.stderr


def test_unchecked_failure_is_an_answer(host: Host) -> None:
    assert host.run(["false"], check=False).exit_code == 1


def test_a_program_that_is_not_there(host: Host) -> None:
    with pytest.raises(CommandFailed) as caught:
        host.run(["no-such-program-here"])
    assert caught.value.exit_code_of_command == 127


def test_a_command_that_is_killed_fails(host: Host) -> None:
    assert host.run(["sh", "-c", "kill -9 $$"], check=False).exit_code != 0


def test_a_command_that_takes_too_long(host: Host) -> None:
    start = time.monotonic()
    with pytest.raises(CommandFailed) as caught:
        host.run(["sleep", "20"], timeout=0.3)
    assert caught.value.exit_code_of_command == 124
    assert time.monotonic() - start < 5


def test_output_comes_while_the_command_runs(host: Host) -> None:
    stream = host.stream(["sh", "-c", "echo one; echo two >&2; read answer; echo three"], stdin=b"")
    seen = b""
    for chunk in stream:
        seen += chunk.data
    assert b"one" in seen and b"two" in seen and b"three" in seen

    endless = host.stream(["sh", "-c", "echo now; sleep 20"])
    assert next(endless).data == b"now\n"
    endless.close()  # type: ignore[attr-defined]


def test_exit_code_comes_last(host: Host) -> None:
    last = list(host.stream(["sh", "-c", "echo x; exit 5"]))[-1]
    assert (last.source, last.exit_code) == ("exit", 5)


def test_silence_is_noticed(host: Host) -> None:
    with pytest.raises(HostUnreachable):
        list(host.stream(["sh", "-c", "echo x; sleep 20"], idle_timeout=0.4))
    assert host.run(["echo", "still here"]).stdout == "still here\n"


def test_a_heartbeat_on_stderr_is_not_silence(host: Host) -> None:
    beat = "for i in 1 2 3 4 5 6; do sleep 0.2; printf . >&2; done"
    chunks = list(host.stream(["sh", "-c", beat], idle_timeout=1.0))
    assert b"".join(chunk.data for chunk in chunks if chunk.source == "err") == b"......"


def test_streams_at_the_same_time(host: Host) -> None:
    results: dict[int, bytes] = {}

    def follow(number: int) -> None:
        script = f"for i in 1 2 3; do echo {number}; sleep 0.05; done"
        # standard output alone: a login shell may have words of its own for standard error
        chunks = host.stream(["sh", "-c", script])
        results[number] = b"".join(chunk.data for chunk in chunks if chunk.source == "out")

    threads = [threading.Thread(target=follow, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert results == {number: f"{number}\n".encode() * 3 for number in range(5)}


def test_closing_twice_and_going_on(host: Host) -> None:
    host.run(["true"])
    host.close()
    host.close()
    assert host.run(["echo", "back"]).stdout == "back\n"


class Echo(socketserver.BaseRequestHandler):
    """Says everything again, backwards, when the caller has said all."""

    def handle(self) -> None:
        said = b"".join(iter(lambda: self.request.recv(1 << 16), b""))
        self.request.sendall(said[::-1])


def test_a_port_there_is_reached_from_here(host: Host) -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = host.reach(server.server_address[1])
        assert host.reach(server.server_address[1]) == port
        data = bytes(range(256)) * 20_000
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
                line.sendall(data)
                line.shutdown(socket.SHUT_WR)
                assert b"".join(iter(lambda: line.recv(1 << 16), b"")) == data[::-1]
        server.shutdown()


def test_nobody_listens_there(host: Host) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    port = host.reach(free)
    with pytest.raises(OSError), socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(b"hello")
        if not line.recv(1):
            raise ConnectionResetError
