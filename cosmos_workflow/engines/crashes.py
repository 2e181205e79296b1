"""How a model's program died, by what Python, PyTorch, torchrun and Hugging Face say of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cosmos_workflow.events import Failed, JobEnded

_RANK = re.compile(r"^\[rank(\d+)\]:\s?")
EXCEPTION = re.compile(
    r"^(?P<kind>(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*(?:Error|Exception|Exit|Interrupt))"
    r"(?:: (?P<message>.*))?$"
)
"""The last line of a traceback."""

_WORKER = re.compile(r"\s*exitcode\s*:\s*(-?\d+)\b")
"""What torchrun says of the process that failed; its own exit code is always 1."""

_SAYS_NOTHING = ("ChildFailedError", "SignalException", "DistBackendError")
"""Exceptions of torchrun and NCCL, which only follow another one."""


@dataclass(frozen=True)
class Crash:
    """The exception that ended the model: its class without modules, and what it said."""

    kind: str
    message: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}" if self.message else self.kind


def without_rank(line: str) -> str:
    """A line without the number of the process that torchrun puts before it."""
    return _RANK.sub("", line)


def last(lines: Sequence[str]) -> Crash | None:
    """The last exception that says something."""
    found = None
    for line in lines:
        match = EXCEPTION.match(without_rank(line))
        if not match:
            continue
        kind = match["kind"].rpartition(".")[2]
        if kind in _SAYS_NOTHING and found:
            continue
        if kind != "ChildFailedError":
            found = Crash(kind, (match["message"] or "").strip()[:600])
    return found


def worker_exit(lines: Sequence[str]) -> int | None:
    """The exit code of the first process that torchrun saw fail."""
    found = (match for line in lines if (match := _WORKER.match(line)))
    return next((int(match[1][:9]) for match in found), None)


def ended(code: int) -> str:
    """A negative code is the signal that ended a process; the usual ones have a name."""
    names = {-6: "SIGABRT", -7: "SIGBUS", -11: "SIGSEGV", -15: "SIGTERM"}
    if code >= 0:
        return f"the model ended with exit code {code}"
    verb = "was ended" if code == -15 else "crashed"
    return f"the model {verb} (signal {-code}{', ' + names[code] if code in names else ''})"


def unexplained(
    who: str, crash: Crash | None, lines: Sequence[str], ended_so: JobEnded, hint: str
) -> Failed:
    """An end that nothing else explains, by the best that was said of it.

    The crash, else the worker that torchrun saw fail, else the last line that ``who`` wrote.
    """
    if crash:
        return Failed("engine", str(crash), hint)
    worker = worker_exit(lines)
    if worker is not None:
        return Failed("engine", ended(worker), hint)
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    what = f"{who} ended with exit code {ended_so.exit_code}"
    return Failed("engine", f"{what}: {last[:300]}" if last else what, hint)


def is_out_of_memory(crash: Crash) -> bool:
    """Whether it was the GPU's memory that did not do."""
    signs = ("CUDA out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "No available memory for the")
    return crash.kind == "OutOfMemoryError" or any(sign in crash.message for sign in signs)


def out_of_memory(crash: Crash, hint: str) -> Failed | None:
    """The GPU's memory did not do, and what to do about it with this model."""
    if not is_out_of_memory(crash):
        return None
    said = ". ".join(crash.message.split(". ")[:2])
    return Failed("out_of_memory", said or "the GPU is out of memory", hint)


def disk(crash: Crash) -> Failed | None:
    """The host has no room left."""
    if "No space left on device" not in crash.message:
        return None
    return Failed(
        "engine",
        "the disk of the host is full",
        hint="cosmos status shows how full it is, cosmos clean removes what old jobs left there",
    )


def download(crash: Crash, *, licences: str, offline: str = "") -> Failed | None:
    """Hugging Face refused or was not reached.

    ``licences``: which models want a licence accepted.  ``offline``: how to do without it.
    """
    said = str(crash)
    gated = re.search(r"\b(401|403) Client Error|GatedRepo|gated repo", said)
    if gated or crash.kind in ("GatedRepoError", "RepositoryNotFoundError"):
        return Failed(
            "engine",
            f"Hugging Face refused a download: {said}",
            hint=f"accept the licence of that model on its page ({licences}), and pass HF_TOKEN: "
            "secrets of the target",
        )
    away = "couldn't connect to 'https://huggingface.co'" in said
    if away or crash.kind in ("LocalEntryNotFoundError", "OfflineModeIsEnabled"):
        return Failed(
            "engine",
            f"a model has to be downloaded, and Hugging Face was not reached: {said}",
            hint="set hf_cache of the target to a folder that has it, or give the host network"
            + (f"; {offline}" if offline else ""),
        )
    return None


def pointer(crash: Crash) -> Failed | None:
    """A weight file that git-LFS has not fetched."""
    if crash.kind != "UnpicklingError" or "invalid load key, 'v'" not in crash.message:
        return None
    return Failed(
        "engine",
        "a weight file is a git-LFS pointer instead of the weights",
        hint="download the checkpoints again on the host; cosmos doctor names the file",
    )


def killed(lines: Sequence[str], ended: JobEnded) -> Failed | None:
    """SIGKILL from outside."""
    signs = re.compile(r"Signal 9 \(SIGKILL\)|exitcode\s*: -9\b")
    if ended.exit_code != 137 and not any(signs.search(line) for line in lines):
        return None
    return Failed(
        "out_of_memory",
        "the model was killed (SIGKILL), as a machine does that runs out of main memory",
        hint="give the host more main memory, or run fewer jobs on it at once",
    )


_INVALID = "Error validating parameters from "


def invalid_run(lines: Sequence[str]) -> str:
    """Of runs that share a job, the one whose sample the model found a fault in, by its file."""
    name = re.compile(re.escape(_INVALID) + r"'(?:.*/)?\d\d_(rs_[^/']+)\.json'")
    found = (name.search(line) for line in lines if _INVALID in line[:64])
    return next((match[1] for match in found if match), "")


def invalid(run_id: str, lines: Sequence[str]) -> Failed | None:
    """What a model's own check of its sample says: a line of the field, then one of the fault."""
    at = next((number for number, line in enumerate(lines) if _INVALID in line[:64]), None)
    if at is None:
        return None
    faults, kind = [], re.compile(r" \[type=.*")
    for field, fault in zip(lines[at + 1 :], lines[at + 2 :], strict=False):
        if fault.startswith("  ") and not field.startswith(" "):
            faults.append(f"{field}: {kind.sub('', fault).strip()}")
    return Failed(
        "engine",
        f"the model refused the run: {'; '.join(faults)[:600] or lines[at][:600]}",
        hint=f"cosmos show {run_id} has what was sent; is it another version of the model?",
    )
