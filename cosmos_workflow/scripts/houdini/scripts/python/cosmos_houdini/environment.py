"""The environment of a program outside Houdini: the user's own, without what Houdini put there."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

PREFIXES = ("PYTHON", "HOUDINI_", "PDG_", "KARMA_", "__PYVENV")
NAMES = frozenset(
    ("H", "HB", "HD", "HDSO", "HFS", "HH", "HHC", "HHP", "HIP", "HIPFILE", "HIPNAME", "HSB", "HT",
     "JOB", "POSE")
)  # fmt: skip
SEARCHED = (
    "PATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH",
    "DYLD_FRAMEWORK_PATH", "DYLD_FALLBACK_FRAMEWORK_PATH", "DYLD_INSERT_LIBRARIES",
    "QT_PLUGIN_PATH",
)  # fmt: skip
"""Lists of folders or files; of each only the entries inside Houdini go."""


def outside(environ: Mapping[str, str]) -> dict[str, str]:
    """``environ`` without Houdini's Python, libraries and variables.

    Python's own variables all go: PYTHONHOME and PYTHONPATH of Houdini would make another Python
    load Houdini's modules.  So does a variable that is a path inside Houdini, such as OCIO or
    SSL_CERT_FILE.  UTF-8 is set, because what we read back is UTF-8.
    """
    houdini = environ.get("HFS", "")
    kept = {
        name: value
        for name, value in environ.items()
        if not name.upper().startswith(PREFIXES)
        and name.upper() not in NAMES
        and (os.pathsep in value or name.upper() in SEARCHED or not _in(value, houdini))
    }
    for name in [name for name in kept if name.upper() in SEARCHED]:
        kept[name] = _without(kept[name], houdini, name)
        if not kept[name]:
            del kept[name]
    kept["PYTHONUTF8"] = "1"
    return kept


def _without(value: str, houdini: str, name: str) -> str:
    if name == "LD_PRELOAD":  # the one list that spaces divide as well
        return " ".join(one for one in re.split("[ :]+", value) if one and not _in(one, houdini))
    parts = [one for one in value.split(os.pathsep) if not _in(one, houdini)]
    return os.pathsep.join(parts)


def _in(path: str, folder: str) -> bool:
    """Whether ``path`` is ``folder`` or lies below it, by name or by what links lead to."""
    if not folder or not path:
        return False
    pairs = ((_plain(path), _plain(folder)), (_real(path), _real(folder)))
    return any(a == b or a.startswith(b.rstrip(os.sep) + os.sep) for a, b in pairs)


def _plain(path: str) -> str:
    return os.path.normcase(os.path.normpath(path))


def _real(path: str) -> str:
    return os.path.normcase(os.path.realpath(path))
