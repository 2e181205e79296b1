"""A shell on the machine that runs one command after the other.

A command of its own costs a session: a round trip, and a login shell that reads its start-up files
before every one of them (conda's or pyenv's take longer than most of our commands).  Here that is
paid once.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence

from cosmos_workflow.connection.host import Chunk
from cosmos_workflow.connection.ssh_command import RemoteCommand

MOST_AT_START = 16_000
"""Characters that go with the request for a session: servers take packets of 32 kB, and quotes in
a word that is quoted twice grow.  It saves a round trip."""


class Shell:
    """One that is started with its first command, or before; for one thread at a time.

    ``begin`` runs argv in a session of its own.  What the login shell says before (a start-up file
    that greets) is passed over.
    """

    def __init__(self, begin: Callable[[Sequence[str]], RemoteCommand]) -> None:
        self._begin = begin
        self._shell: RemoteCommand | None = None
        self._word = secrets.token_hex(8)
        self._number = 0
        self._command: ShellCommand | None = None

    @property
    def idle(self) -> bool:
        """Whether it lives, as far as we know, and does nothing."""
        done = self._command is None or self._command.exit_code is not None
        return done and self._shell is not None and not self._shell.ended

    def warm_up(self) -> None:
        """Start it now.  Raises HostUnreachable, HostError."""
        self._shell = self._begin(["sh"])

    def start(self, line: str, done: Callable[[], None]) -> ShellCommand:
        """Start a command, quoted for a shell, that has no input.  ``done``: it was closed.

        Raises HostUnreachable, HostError.
        """
        start = b"" if self._command else self._mark()
        end = self._mark()
        text = f"{_said(start)}({line}) </dev/null; {_said(end, '$?')}"
        if self._shell is None and len(text) <= MOST_AT_START:
            self._shell = self._begin(["sh", "-c", f"{text}exec sh"])
        else:
            if self._shell is None:
                self.warm_up()
            assert self._shell is not None
            self._shell.send(text.encode())
        self._command = ShellCommand(self._shell, start, end, done)
        return self._command

    def close(self) -> None:
        """End it, and with it the streams of a command that still runs."""
        if self._shell is not None:
            self._shell.close()

    def _mark(self) -> bytes:
        self._number += 1
        return f"\0{self._word}.{self._number} ".encode()


def _said(mark: bytes, code: str = "0") -> str:
    """What makes the shell say a mark, if there is one, on both streams."""
    if not mark:
        return ""
    word = mark.decode().strip("\0 ")
    return f"printf '\\0%s %s\\n' {word} {code}; printf '\\0%s %s\\n' {word} 0 >&2\n"


class ShellCommand:
    """A command in a shell: what it says until the shell says that it is over."""

    def __init__(
        self, shell: RemoteCommand, start: bytes, end: bytes, done: Callable[[], None]
    ) -> None:
        self._shell, self._done = shell, done
        self._streams = {"out": Part(start, end), "err": Part(start, end)}
        self.exit_code: int | None = None

    def chunks(self, *, idle: float | None = None, until: float | None = None) -> Iterator[Chunk]:
        """As RemoteCommand.chunks.  A shell that ends itself ends its command, with its code."""
        for chunk in self._shell.chunks(idle=idle, until=until):
            if chunk.source == "exit":
                yield from self._rest()
                yield chunk
                return
            if own := self._streams[chunk.source].take(chunk.data):
                yield Chunk(chunk.source, own)
            code, also = (part.code for part in self._streams.values())
            if code is not None and also is not None:
                self.exit_code = code
                yield Chunk("exit", exit_code=code)
                return

    def close(self) -> None:
        """Nobody reads on."""
        self._done()

    def _rest(self) -> Iterator[Chunk]:
        if out := self._streams["out"].held:
            yield Chunk("out", out)
        if err := self._streams["err"].held:
            yield Chunk("err", err)


class Part:
    """What one stream brings between two marks, however it is cut into pieces.

    ``start``: what comes before it is passed over; empty: it has begun.  ``code``: the number
    behind the end mark, once it was there.
    """

    def __init__(self, start: bytes, end: bytes) -> None:
        self.held = b""
        self.code: int | None = None
        self._start, self._end = start, end

    def take(self, data: bytes) -> bytes:
        """What surely belongs to the command of what came so far, and was not given yet."""
        self.held += data
        if self._start and self._found(self._start):
            self._start = b""
        if self._start:
            return b""
        own, mark, rest = self.held.partition(self._end)
        if mark:
            line, newline, _ = rest.partition(b"\n")
            self.code = int(line) if newline else None
            self.held = mark + rest
            return own
        sure = len(self.held) - self._doubtful()
        own, self.held = self.held[:sure], self.held[sure:]
        return own

    def _doubtful(self) -> int:
        """How many of the last bytes may be the beginning of the end mark.

        It begins with a byte that no text has: what is said in lines is never kept waiting.
        """
        at = self.held.rfind(self._end[:1], -len(self._end))
        return len(self.held) - at if at >= 0 and self._end.startswith(self.held[at:]) else 0

    def _found(self, start: bytes) -> bool:
        _, mark, rest = self.held.partition(start)
        _, newline, after = rest.partition(b"\n")
        if mark and newline:
            self.held = after
        return bool(newline)
