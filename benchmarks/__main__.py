"""``python -m benchmarks [NAME...]``: measure, and print every figure in one table."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "lab")]

import pytest  # noqa: E402

from benchmarks.table import Row, printed  # noqa: E402

NAMES = (
    "overhead", "status", "startup", "listing", "transfer", "preview", "png", "exr", "watch",
    "http", "queue", "slurm_array", "night", "scaling",
)  # fmt: skip
"""Modules of this package with a ``measure``, in the order of the table."""

NOT_HERE = (pytest.skip.Exception, pytest.fail.Exception)
"""What the lab raises when this machine lacks a program or a right."""


def main() -> int:
    """Exit code 1 when a goal was missed."""
    options = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    options.add_argument("name", nargs="*", metavar="NAME", help=", ".join(NAMES))
    names = options.parse_args().name or NAMES
    if unknown := set(names) - set(NAMES):
        options.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    found = [(f"python -m benchmarks {name}", row) for name in names for row in _rows(name)]
    print(*printed(found), sep="\n")
    return int(any(row.met is False for _, row in found))


def _rows(name: str) -> Iterator[Row]:
    print(f"measuring: {name} ...", file=sys.stderr, flush=True)
    try:
        yield from import_module(f"benchmarks.{name}").measure()
    except NOT_HERE as error:
        yield Row(name, "not measured", compared=str(error))


if __name__ == "__main__":
    sys.exit(main())
