"""A result on its way home: streamed to disk, taken up where it broke off, checked as it lands."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cosmos_workflow.connection.host import Report
from cosmos_workflow.errors import (
    AuthenticationFailed,
    CosmosError,
    JobFailed,
    TransferError,
    TransferInterrupted,
)
from cosmos_workflow.execution.dialect import Download, unsigned
from cosmos_workflow.execution.on_http_client import Client, LostAnswer, Phase
from cosmos_workflow.execution.on_http_words import asked_to_wait

if TYPE_CHECKING:
    import httpx

LARGEST = 64 * 2**30
"""Bytes of a result that is believed."""

SLOWEST = 1024
"""Bytes a second below which a line is as good as dead."""

_SAYING = 0.1
"""Seconds between two words on how far it is."""

_WORTH = 1 << 16
"""Bytes that a try has to bring to be followed by another one at once."""


@dataclass(frozen=True)
class Arriving:
    """A file that is not whole yet: ``part`` has its beginning, ``tag`` says of which version."""

    dest: Path

    @property
    def part(self) -> Path:
        """What came so far."""
        return self.dest.with_name(f".{self.dest.name}.part")

    @property
    def tag(self) -> Path:
        """The server's own mark of the version."""
        return self.dest.with_name(f".{self.dest.name}.tag")

    @property
    def have(self) -> int:
        """Bytes that can be gone on from."""
        return self.part.stat().st_size if self.part.exists() and self.tag.exists() else 0

    @property
    def mark(self) -> str:
        """Which version it is; empty when we do not know."""
        return self.tag.read_text(encoding="ascii", errors="replace") if self.tag.exists() else ""

    def note(self, response: httpx.Response) -> None:
        """Remember which version comes, if the server can go on from the middle of the same one."""
        etag, ranges = response.headers.get("etag", ""), response.headers.get("accept-ranges", "")
        if ranges == "bytes" and etag.startswith('"') and etag.isascii() and etag.isprintable():
            self.tag.write_text(etag, encoding="ascii")
        else:
            self.tag.unlink(missing_ok=True)

    def drop(self) -> None:
        """Begin anew next time."""
        self.part.unlink(missing_ok=True)
        self.tag.unlink(missing_ok=True)

    def land(self) -> None:
        """It is whole."""
        self.part.replace(self.dest)
        self.tag.unlink(missing_ok=True)


def download(client: Client, item: Download, dest: Path, report: Report) -> None:
    """The file at ``dest``, whole, or an error and what came so far beside it.

    It goes on where it broke off, if the server can and it is the same file: at once as long as
    each try brings something, else with the next call.
    Raises TransferInterrupted (transient), TransferError, JobFailed when the result is gone.
    """
    dest.parent.mkdir(parents=True, exist_ok=True)
    file, attempt = Arriving(dest), 1
    while True:
        before, began = file.have, time.monotonic()
        try:
            status = _try(client, item, file, report)
        except CosmosError as error:
            again = isinstance(error, TransferInterrupted) and file.have - before > _WORTH
            phase: Phase = "repeated" if again else "failed"
            client.note("download", item.call, phase, 0, attempt, began, error.message)
            if not again:
                raise
            attempt += 1
        else:
            client.note("download", item.call, "answered", status, attempt, began)
            return


def _try(client: Client, item: Download, file: Arriving, report: Report) -> int:
    """One request for the rest of it.  Returns the HTTP status when it is whole."""
    got, more = file.have, {"Accept-Encoding": "identity"}
    if got:
        more |= {"Range": f"bytes={got}-", "If-Range": file.mark}
    try:
        with client.stream(item.call, more=more) as response:
            _check(client, item, response)
            start = _start(response, file)
            length = response.headers.get("content-length", "")
            total = start + int(length) if length.isdigit() else 0
            _room(file.dest, total)
            began = time.monotonic()
            said = 0.0
            for got in _kept(response, file, start, client.address.silence):
                now = time.monotonic()
                if now - said > _SAYING or got == total:
                    report(got, total, (got - start) / max(now - began, 1e-3))
                    said = now
    except LostAnswer as error:
        raise TransferInterrupted(
            f"{file.dest.name} broke off after {got} bytes: {error.message}"
        ) from error
    if got < total or not got:
        raise TransferInterrupted(
            f"{file.dest.name}: the answer ended after {got} of {total} bytes"
        )
    file.land()
    return response.status_code


def _kept(response: httpx.Response, file: Arriving, start: int, silence: float) -> Iterator[int]:
    """Write what comes; after each piece, how many bytes there are.

    Raises TransferInterrupted for a line on which next to nothing comes, and TransferError for
    what has no end.
    """
    with file.part.open("r+b" if start else "wb") as into:
        if not start:
            file.note(response)  # not before the old beginning is gone
        into.seek(start)
        got, since, before = start, time.monotonic(), start
        for piece in response.iter_raw():  # as it comes: what is held back here would be lost
            into.write(piece)
            got += len(piece)
            if got > LARGEST:
                raise TransferError(f"{file.dest.name} does not end: {got >> 30} GiB so far")
            if time.monotonic() - since > silence:
                if got - before < SLOWEST * silence:
                    raise TransferInterrupted(f"{file.dest.name} hardly comes: {got} bytes so far")
                since, before = time.monotonic(), got
            yield got


def _start(response: httpx.Response, file: Arriving) -> int:
    """From which byte the answer goes on.  Raises TransferInterrupted where it is not ours."""
    name, have = file.dest.name, file.have
    if response.status_code == 200:
        return 0
    said = re.match(r"bytes (\d+)-\d+/", response.headers.get("content-range", ""))
    same = response.headers.get("etag", file.mark) == file.mark
    if response.status_code == 416 or not said or int(said[1]) != have or not have or not same:
        file.drop()
        raise TransferInterrupted(f"{name} is another one by now", hint="it is fetched anew")
    return have


def _check(client: Client, item: Download, response: httpx.Response) -> None:
    """Raise what fits an answer that is not the file."""
    status, service = response.status_code, client.address.name
    name = Path(item.path).name
    if status in (200, 206):
        _check_media(client, item, response)
        return
    if status == 416:
        return
    words = client.masked(_words(response))
    if status == 404 and item.not_yet and item.not_yet in words:
        raise TransferInterrupted(f"{name} is not ready yet", hint="it is asked for again")
    if status in (404, 410) or (status == 403 and not client.is_ours(item.call)):
        raise JobFailed(
            f"{service} no longer has {name} (HTTP {status})",
            hint="results are kept there for a while only; run it again",
        )
    said = f"{service} does not give {name} (HTTP {status}): {unsigned(words)}".rstrip(": ")
    if status in (401, 403):
        raise AuthenticationFailed(said, hint=f"cosmos doctor --target {service}")
    if status in (408, 425, 429) or status >= 500:
        time.sleep(asked_to_wait(response.headers, words))
        raise TransferInterrupted(said, hint="it is asked for again")
    raise TransferError(said)


def _check_media(client: Client, item: Download, response: httpx.Response) -> None:
    name, service = Path(item.path).name, client.address.name
    media = response.headers.get("content-type", "").lower()
    if media and not media.startswith(item.media):
        raise TransferError(
            f"{service} gives {name} as {media.split(';')[0][:60]}, not as a video",
            hint="nothing was kept; cosmos logs shows what it said",
        )
    if response.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
        raise TransferError(f"{service} packs {name}, though it was asked for as it is")


def _words(response: httpx.Response) -> str:
    """The beginning of an error's body, on one line."""
    text = next(response.iter_raw(), b"")[:4096].decode("utf-8", "replace")
    return " ".join(text.split())[:300]


def _room(dest: Path, total: int) -> None:
    facts = os.statvfs(dest.parent) if hasattr(os, "statvfs") else None
    if facts and total > facts.f_bavail * facts.f_frsize:
        raise TransferError(
            f"{dest.name} has {total:,} bytes, and there is no room for it in {dest.parent}",
            hint="make room, then: cosmos follow",
        )
