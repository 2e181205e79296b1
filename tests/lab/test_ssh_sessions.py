"""Commands on an SSH host share a shell that stays; whatever becomes of it, the next one runs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from scene import until
from sshd import Sshd, start_sshd

from cosmos_workflow.connection.ssh import SshHost
from cosmos_workflow.errors import HostUnreachable


def sessions(server: Sshd) -> int:
    """As the server counts them."""
    return server.log.read_text().count("Starting session:")


def test_commands_share_a_session(tmp_path: Path) -> None:
    server = start_sshd(tmp_path / "s", ["LogLevel VERBOSE"])
    try:
        host = SshHost("lab", server.address())
        for number in range(6):
            assert host.run(["sh", "-c", "echo $1", "sh", str(number)]).stdout == f"{number}\n"
        assert next(iter(host.stream(["echo", "one more"]))).data == b"one more\n"
        assert sessions(server) == 1
        assert host.run(["cat"], stdin=b"with input").stdout == "with input"
        assert sessions(server) == 2
        host.close()
    finally:
        server.stop()


def test_what_one_command_does_to_its_shell_is_not_the_next_ones(ssh_host: SshHost) -> None:
    for argv in (["cd", "/"], ["exit", "3"], ["export", "LC_ALL=C"], ["exec", "false"]):
        ssh_host.run(argv, check=False)
    here = ssh_host.run(["pwd"]).stdout
    assert here == ssh_host.run(["sh", "-c", "cd && pwd"]).stdout


def test_a_start_up_file_that_speaks_is_not_heard(tmp_path: Path) -> None:
    says = 'echo Welcome!; echo "last login" >&2; eval "$SSH_ORIGINAL_COMMAND"'
    server = start_sshd(tmp_path / "s", [f"ForceCommand {says}"])
    try:
        host = SshHost("lab", server.address())
        for _ in range(2):
            done = host.run(["sh", "-c", "echo out; echo err >&2"])
            assert (done.stdout, done.stderr) == ("out\n", "err\n")
        host.close()
    finally:
        server.stop()


def kill_soon(host: SshHost) -> int:
    """Kill the shell that runs this, a moment later; its process id."""
    text = "echo $PPID; (sleep 0.3; kill -9 $PPID) >/dev/null 2>&1 &"
    return int(host.run(["sh", "-c", text]).stdout)


def test_a_shell_that_is_killed_is_replaced(ssh_host: SshHost) -> None:
    kill_soon(ssh_host)
    with suppress(HostUnreachable):  # the one that it took with it
        assert ssh_host.run(["sleep", "1"], check=False).exit_code != 0
    assert ssh_host.run(["echo", "again"]).stdout == "again\n"


def test_a_shell_that_is_killed_while_it_waits_is_replaced(ssh_host: SshHost) -> None:
    pid = kill_soon(ssh_host)
    until(lambda: not Path(f"/proc/{pid}").exists(), "it is gone")
    assert ssh_host.run(["echo", "again"]).stdout == "again\n"


def test_many_threads_at_once(ssh_host: SshHost) -> None:
    def ask(number: int) -> str:
        return ssh_host.run(
            ["sh", "-c", 'sleep 0.05; printf "%s\\n" "$1"', "sh", f"{number}"]
        ).stdout

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(ask, range(60))) == [f"{number}\n" for number in range(60)]


def test_a_command_longer_than_a_packet(ssh_host: SshHost) -> None:
    fresh = SshHost("lab", ssh_host.address)
    for host in (fresh, ssh_host):
        text = "it's" * 16_000
        assert host.run(["printf", "%s", text]).stdout == text
    fresh.close()
