"""What has to be where: the files of one transfer, checked before a byte leaves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cosmos_workflow.errors import TransferError

INPUTS = "inputs/"
"""Keys below it are named by their content: the same name and size is the same file."""


@dataclass(frozen=True)
class Item:
    """One local file and its place below the root, with its size in bytes."""

    key: str
    path: Path
    size: int

    @property
    def by_content(self) -> bool:
        return self.key.startswith(INPUTS)


def manifest(files: Mapping[str, Path]) -> tuple[Item, ...]:
    """The files to push, in the order given.

    Raises TransferError for a key that is no plain relative path, and for a file that is
    missing, no file, or unreadable.
    """
    return tuple(Item(checked(key), path, _size(path)) for key, path in files.items())


def checked(key: str) -> str:
    """The key itself, when it is a relative POSIX path that stays below its root."""
    parts = PurePosixPath(key).parts
    plain = parts and "/".join(parts) == key and "\0" not in key
    if not plain or key.startswith("/") or ".." in parts:
        raise TransferError(f"{key!r} is not a place below a folder.")
    return key


def folders(keys: Iterable[str]) -> tuple[str, ...]:
    """Every folder the keys need, parents first."""
    found: dict[str, None] = {}
    for key in keys:
        for parent in reversed(PurePosixPath(key).parents):
            if str(parent) != ".":
                found[str(parent)] = None
    return tuple(found)


def _size(path: Path) -> int:
    try:
        with path.open("rb") as file:
            return file.seek(0, 2)
    except OSError as error:
        raise TransferError(
            f"{path} cannot be sent: {error.strerror}.",
            hint="Make the file again or mend its path, then repeat the command.",
        ) from error
