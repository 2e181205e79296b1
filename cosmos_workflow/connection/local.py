"""This machine as a Host: commands are child processes."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import IO, Literal

from cosmos_workflow.connection.host import Chunk, Completed
from cosmos_workflow.errors import CommandFailed, HostUnreachable

PIECE = 1 << 16
NOT_FOUND = 127
OUT_OF_TIME = 124


class LocalHost:
    """A Host without a connection.  Commands run in a session of their own, out of Ctrl-C's way."""

    def __init__(self, name: str = "local") -> None:
        self.name = name
        self.commands = 0

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        check: bool = True,
        timeout: float | None = None,
    ) -> Completed:
        """Run to the end; see Host.  Past ``timeout`` seconds it is killed: CommandFailed, 124."""
        process = self._start(argv)
        try:
            out, err = process.communicate(stdin, timeout)
        except subprocess.TimeoutExpired:
            raise CommandFailed(
                f"{argv[0]} did not finish in {timeout:g} s.", exit_code_of_command=OUT_OF_TIME
            ) from None
        finally:
            _end(process)
        text, said = out.decode("utf-8", "replace"), err.decode("utf-8", "replace")
        done = Completed(tuple(argv), _code(process), text, said)
        if check and done.exit_code != 0:
            lines = [line for line in said.splitlines() if line.strip()]
            raise CommandFailed(
                f"{argv[0]} exited with {done.exit_code}" + (f": {lines[-1]}" if lines else ""),
                exit_code_of_command=done.exit_code,
                stderr=said,
            )
        return done

    def stream(
        self, argv: Sequence[str], *, stdin: bytes = b"", idle_timeout: float | None = None
    ) -> Iterator[Chunk]:
        """Yield output as it comes, then one ``exit``; see Host."""
        process = self._start(argv)
        chunks: queue.SimpleQueue[Chunk | None] = queue.SimpleQueue()
        assert process.stdin and process.stdout and process.stderr
        for target, args in (
            (_feed, (process.stdin, stdin)),
            (_read, (process.stdout, "out", chunks)),
            (_read, (process.stderr, "err", chunks)),
        ):
            threading.Thread(target=target, args=args, daemon=True).start()
        try:
            yield from self._joined(chunks, idle_timeout)
            process.wait()
            yield Chunk("exit", exit_code=_code(process))
        finally:
            _end(process)

    def reach(self, port: int) -> int:
        """The port itself."""
        return port

    def approach(self) -> None:
        """We are here."""

    def close(self) -> None:
        """Nothing is held."""

    def _start(self, argv: Sequence[str]) -> subprocess.Popen[bytes]:
        self.commands += 1
        try:
            return subprocess.Popen(
                list(argv),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise CommandFailed(
                f"{argv[0]} cannot be started: {error.strerror}.",
                exit_code_of_command=NOT_FOUND,
                stderr=str(error),
            ) from error

    def _joined(
        self, chunks: queue.SimpleQueue[Chunk | None], idle: float | None
    ) -> Iterator[Chunk]:
        open_streams = 2
        while open_streams:
            try:
                chunk = chunks.get(timeout=idle)
            except queue.Empty:
                raise HostUnreachable(f"Nothing came from {self.name} for {idle:g} s.") from None
            if chunk is None:
                open_streams -= 1
            else:
                yield chunk


def _feed(pipe: IO[bytes], data: bytes) -> None:
    # A command may end without reading its input; its exit code says what that means.
    with suppress(OSError):
        pipe.write(data)
    with suppress(OSError):
        pipe.close()


def _read(
    pipe: IO[bytes], source: Literal["out", "err"], chunks: queue.SimpleQueue[Chunk | None]
) -> None:
    with pipe:
        while data := pipe.read1(PIECE):  # type: ignore[attr-defined]
            chunks.put(Chunk(source, data))
    chunks.put(None)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill what still runs: the command and, where there are such groups, its children."""
    if process.poll() is None:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()


def _code(process: subprocess.Popen[bytes]) -> int:
    """The exit code as a shell gives it: 128 and the signal's number when one ended it."""
    code = process.returncode
    return 128 - code if code < 0 else code
