"""Thousands of small files as one piece: a compressed tar, made without touching the disk."""

from __future__ import annotations

import gzip
import io
import tarfile
import time
from collections.abc import Iterable

from cosmos_workflow.transfer.manifest import checked

LEVEL = 1
"""Of compression: files that are alike shrink to nothing at any."""


def archive(texts: Iterable[tuple[str, bytes]]) -> bytes:
    """The files by their paths, as every tar reads them; one that ends in a slash is a folder."""
    raw, now = io.BytesIO(), int(time.time())
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path, text in texts:
            member = tarfile.TarInfo(checked(path.removesuffix("/")))
            member.size, member.mtime, member.mode = len(text), now, 0o644
            if path.endswith("/"):
                member.type, member.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(member, io.BytesIO(text))
    return gzip.compress(raw.getvalue(), LEVEL)
