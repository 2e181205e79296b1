"""The names behind a cryptomatte's ids: in the file's header, or in a file beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_MOST = 64 << 20


@dataclass(frozen=True)
class Manifest:
    """Where the names are: JSON text, or the name of a file beside the picture; both may be ""."""

    text: str = ""
    beside: str = ""

    def names(self, folder: Path) -> dict[int, str]:
        """Id -> name.  A manifest that is missing or makes no sense has no names."""
        text = self.text or self._beside(folder)
        try:
            found = json.loads(text) if text else {}
        except ValueError:
            return {}
        if not isinstance(found, dict):
            return {}
        return {
            number: str(name)
            for name, value in found.items()
            if (number := _number(value)) is not None
        }

    def _beside(self, folder: Path) -> str:
        """The other file's text; it has to lie in the picture's folder or below."""
        place = PurePosixPath(self.beside.replace("\\", "/"))
        if not self.beside or place.is_absolute() or ".." in place.parts:
            return ""
        path = folder / place
        try:
            if path.stat().st_size > _MOST:
                return ""
            return path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""


def _number(value: object) -> int | None:
    try:
        return int(str(value), 16) & 0xFFFFFFFF
    except ValueError:
        return None


def manifest_of(attributes: Mapping[str, str], key: str) -> Manifest:
    """The manifest of the cryptomatte ``key`` (``cryptomatte/1a2b3c4``) among text attributes."""
    return Manifest(attributes.get(f"{key}/manifest", ""), attributes.get(f"{key}/manif_file", ""))
