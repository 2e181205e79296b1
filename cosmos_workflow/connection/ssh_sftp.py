"""One SFTP session on the open SSH connection: the few verbs that moving files needs."""

from __future__ import annotations

import errno
import stat
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any

from cosmos_workflow.errors import HostError, HostUnreachable

if TYPE_CHECKING:
    from paramiko.sftp_client import SFTPClient

BLOCK = 1 << 15
"""Bytes in one request: what every server takes."""
IN_FLIGHT = 128
PIECE = 1 << 20


class SftpRefused(HostError):
    """The server answered, and said no: ``path`` and ``why``, in its words."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path
        self.why = why


class SftpSession:
    """Made by ``SshHost.sftp``.  For one thread at a time.

    Every method raises SftpRefused when the server says no, HostUnreachable when the link breaks.
    """

    def __init__(self, client: SFTPClient, where: str) -> None:
        self._client = client
        self._where = where

    def size(self, path: str) -> int | None:
        """Bytes of a file, None when nothing is there."""
        with self._asking(path), suppress(FileNotFoundError):
            return int(self._client.stat(path).st_size or 0)
        return None

    def is_folder(self, path: str) -> bool:
        with self._asking(path), suppress(FileNotFoundError):
            return stat.S_ISDIR(self._client.stat(path).st_mode or 0)
        return False

    def mkdir(self, path: str) -> None:
        with self._asking(path):
            self._client.mkdir(path)

    def chmod(self, path: str, mode: int) -> None:
        with self._asking(path):
            self._client.chmod(path, mode)

    def rename(self, path: str, onto: str) -> None:
        """Rename in one step, replacing what is there."""
        with self._asking(onto):
            try:
                self._client.posix_rename(path, onto)
            except OSError:
                # A server without that extension refuses to rename onto a file.
                with suppress(OSError):
                    self._client.remove(onto)
                self._client.rename(path, onto)

    def write(self, path: str, source: IO[bytes], begun: int) -> Iterator[int]:
        """Write ``source`` from where it stands to ``path`` from byte ``begun``; yields sizes."""
        with self._asking(path):
            remote = self._client.open(path, "r+b" if begun else "wb")
        remote.set_pipelined(True)
        remote.seek(begun)
        try:
            while data := source.read(PIECE):
                with self._asking(path):
                    remote.write(data)
                yield len(data)
        finally:
            with self._asking(path):
                remote.close()

    def read(self, path: str) -> Iterator[bytes]:
        """The whole file in order, with many requests on their way at once."""
        with self._asking(path):
            remote = self._client.open(path, "rb")
            size = int(remote.stat().st_size or 0)
        replies = _Replies()
        waiting: deque[int] = deque()
        asked = 0
        try:
            while asked < size or waiting:
                with self._asking(path):
                    while asked < size and len(waiting) < IN_FLIGHT:
                        waiting.append(replies.ask(self._client, remote.handle, asked))
                        asked += BLOCK
                    data = replies.take(self._client, waiting.popleft())
                yield data
        finally:
            with self._asking(path):
                remote.close()

    def close(self) -> None:
        with suppress(OSError, EOFError):  # the connection may have gone already
            self._client.close()

    @contextmanager
    def _asking(self, path: str) -> Iterator[None]:
        from paramiko.ssh_exception import SSHException

        try:
            yield
        except (SSHException, EOFError) as error:
            raise self._lost(error) from error
        except OSError as error:
            if self._is_answer(error):
                raise SftpRefused(path, str(error.strerror or error)) from error
            raise self._lost(error) from error

    def _is_answer(self, error: OSError) -> bool:
        """Whether the server said it; the library raises the same class for a broken link."""
        if self._client.get_channel().closed or str(error) == "Socket is closed":
            return False
        return error.errno in (None, errno.ENOENT, errno.EACCES)

    def _lost(self, error: BaseException) -> HostUnreachable:
        return HostUnreachable(f"The connection to {self._where} broke: {error}")


class _Replies:
    """Answers to read requests, by number.  The library's own read-ahead sends from a thread
    that may outlive the session; this one asks and waits in the caller's."""

    def __init__(self) -> None:
        self._got: dict[int, bytes] = {}
        self._refused: Exception | None = None

    def ask(self, client: Any, handle: bytes, offset: int) -> int:
        from paramiko.sftp import CMD_READ, int64

        return int(client._async_request(self, CMD_READ, handle, int64(offset), BLOCK))

    def take(self, client: Any, number: int) -> bytes:
        while number not in self._got:
            client._read_response()
            if self._refused is not None:
                raise self._refused
        return self._got.pop(number)

    def _async_response(self, kind: int, message: Any, number: int) -> None:
        """Called by the library for every answer to one of our requests."""
        from paramiko.sftp import CMD_DATA

        if kind == CMD_DATA:
            self._got[number] = message.get_binary()
        else:
            message.get_int()
            self._refused = OSError(message.get_text())
