"""``cosmos --help`` against a Python that does nothing: wall time, memory, modules."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from benchmarks.lab import compile_all
from benchmarks.table import Row, in_turn

ROUNDS = 21
GOAL_S = 0.2
HEAVY = (
    "paramiko", "httpx", "torch", "transformers", "cv2", "numpy", "PIL", "pydantic", "rich",
    "sqlalchemy", "fastapi", "cryptography", "asyncio", "sqlite3",
)  # fmt: skip

NOTHING = [sys.executable, "-c", "pass"]
HELP = [sys.executable, "-m", "cosmos_workflow", "--help"]
MODULES = """
import contextlib, io, sys
from cosmos_workflow.__main__ import main
sys.argv = ["cosmos", "--help"]
with contextlib.redirect_stdout(io.StringIO()):
    assert main() == 0
print(len(sys.modules), *sorted({name.partition(".")[0] for name in sys.modules}))
"""
PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""


def measure() -> Iterator[Row]:
    """Best of alternating starts."""
    compile_all()
    nothing, shown = in_turn([lambda: _quiet(NOTHING), lambda: _quiet(HELP)], ROUNDS)
    yield Row(
        "cosmos --help: wall time over python -c pass", f"{shown - nothing:.3f} s",
        f"{GOAL_S} s or less", shown - nothing <= GOAL_S,
        f"0.5 s, the public predecessor; python alone {nothing:.3f} s",
    )  # fmt: skip
    number, *names = _said(MODULES).split()
    heavy = [name for name in HEAVY if name in names]
    yield Row(
        "  heavy modules it loads", ", ".join(heavy) or "none", "none", not heavy,
        f"{number} modules in all",
    )  # fmt: skip
    yield Row(
        "  memory at most", f"{int(_said(PEAK, *HELP)) / 1e6:.0f} MB",
        compared=f"96 MB, the public predecessor; python alone "
        f"{int(_said(PEAK, *NOTHING)) / 1e6:.0f} MB",
    )  # fmt: skip


def _quiet(argv: list[str]) -> None:
    subprocess.run(argv, stdout=subprocess.DEVNULL, check=True)


def _said(program: str, *args: str) -> str:
    argv = [sys.executable, "-c", program, *args]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout
