"""A stand-in for nvidia-smi, to be put first on the PATH of a machine without a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

H100 = ("NVIDIA H100 80GB HBM3", 81559, 512)
"""Name, memory and memory in use, in MiB."""


def fake_nvidia_smi(
    folder: Path, gpus: Sequence[tuple[str, int, int]] = (H100,), *, broken: str = ""
) -> Path:
    """Write ``nvidia-smi`` into ``folder``, which the caller puts on a PATH.

    It answers the CSV query for ``gpus`` (name, total MiB, used MiB); ``broken`` is what it says
    instead, with exit code 9, as when the driver is not loaded.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        f"{index}, {name}, {total}, {used}, {total - used}, {100 * used // total}"
        for index, (name, total, used) in enumerate(gpus)
    ]
    end = f"echo {_quoted(broken)}; exit 9" if broken else "exit 0"
    lines = [f"echo {_quoted(row)}" for row in ([] if broken else rows)]
    program = folder / "nvidia-smi"
    program.write_text("\n".join(["#!/bin/sh", *lines, end]) + "\n")
    program.chmod(0o755)
    return program


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
