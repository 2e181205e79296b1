"""A result on its way home: streamed to disk, taken up where it broke off, checked as it lands."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from cosmos_workflow.connection.host import Report
from cosmos_workflow.errors import JobFailed, TransferError, TransferInterrupted
from cosmos_workflow.execution.dialect import Download
from cosmos_workflow.execution.on_http_client import Client

if TYPE_CHECKING:
    import httpx

LARGEST = 64 * 2**30
"""Bytes of a result that is believed."""


def download(client: Client, item: Download, dest: Path, report: Report) -> None:
    """The file at ``dest``, whole, or an error and what came so far beside it.

    A second call goes on where the first broke off, if the server can and it is the same file.
    Raises TransferInterrupted (transient), TransferError, JobFailed when the result is gone.
    """
    part, tag = dest.with_name(f".{dest.name}.part"), dest.with_name(f".{dest.name}.tag")
    dest.parent.mkdir(parents=True, exist_ok=True)
    have = part.stat().st_size if part.exists() and tag.exists() else 0
    more = {"Accept-Encoding": "identity"}
    if have:
        more |= {"Range": f"bytes={have}-", "If-Range": tag.read_text(encoding="utf-8")}
    with client.stream(item.call, more=more) as response:
        if response.status_code == 416:
            part.unlink()
            raise TransferInterrupted(f"{dest.name} changed on the way", hint="it is fetched again")
        _check(client, item, response)
        start = have if response.status_code == 206 else 0
        total = start + int(response.headers.get("content-length", 0))
        _room(dest, total)
        _mark(tag, response)
        with part.open("r+b" if start else "wb") as file:
            file.seek(start)
            got, began = start, time.monotonic()
            for piece in response.iter_raw(1 << 18):
                file.write(piece)
                got += len(piece)
                report(got, total, (got - start) / max(time.monotonic() - began, 1e-3))
                if got > LARGEST:
                    raise TransferError(f"{dest.name} does not end: {got >> 30} GiB so far")
    if got < total or not got:
        raise TransferInterrupted(f"{dest.name}: the answer ended after {got} of {total} bytes")
    part.replace(dest)
    tag.unlink(missing_ok=True)


def _check(client: Client, item: Download, response: httpx.Response) -> None:
    name = Path(item.path).name
    if response.status_code == 404 and item.not_yet and item.not_yet in _words(response):
        raise TransferInterrupted(f"{name} is not ready yet", hint="it is asked for again")
    if response.status_code in (404, 410):
        raise JobFailed(
            f"{client.address.name} no longer has {name} (HTTP {response.status_code})",
            hint="results are kept there for a while only; run it again",
        )
    if response.status_code not in (200, 206):
        fault = TransferInterrupted if response.status_code >= 500 else TransferError
        raise fault(f"{client.address.name} does not give {name}: HTTP {response.status_code}")
    media = response.headers.get("content-type", "").lower()
    if media and not media.startswith(item.media):
        raise TransferError(
            f"{client.address.name} gives {name} as {media.split(';')[0]}, not as a video",
            hint="nothing was kept; cosmos logs shows what it said",
        )


def _words(response: httpx.Response) -> str:
    """The beginning of an error's body."""
    return next(response.iter_bytes(4096), b"").decode("utf-8", "replace")


def _mark(tag: Path, response: httpx.Response) -> None:
    """Remember which file this is, if the server can go on from the middle of the same one."""
    etag = response.headers.get("etag", "")
    if response.headers.get("accept-ranges") == "bytes" and etag and not etag.startswith("W/"):
        tag.write_text(etag, encoding="utf-8")
    elif response.status_code != 206:
        tag.unlink(missing_ok=True)


def _room(dest: Path, total: int) -> None:
    facts = os.statvfs(dest.parent) if hasattr(os, "statvfs") else None
    if facts and total > facts.f_bavail * facts.f_frsize:
        raise TransferError(
            f"{dest.name} has {total >> 20} MiB, and there is no room for it in {dest.parent}",
            hint="make room, then: cosmos follow",
        )
