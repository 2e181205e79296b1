"""rsync over the SSH connection that is open already: one run a transfer, no second login."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import IO

from cosmos_workflow.connection.host import Report
from cosmos_workflow.connection.ssh import SshHost
from cosmos_workflow.errors import TransferError, TransferInterrupted
from cosmos_workflow.transfer.joint import Joint
from cosmos_workflow.transfer.manifest import Item, checked, folders, manifest
from cosmos_workflow.transfer.transfer import Moved, ProgramMissing

NO_FOLDER = 73
NOT_FOUND = 127
FIRST_WITH_PROGRESS = (3, 1)

INTO = f"""mkdir -p -- "$1" && cd -- "$1" || exit {NO_FOLDER}
command -v rsync >/dev/null 2>&1 || exit {NOT_FOUND}
shift; exec rsync "$@"
"""
OUT_OF = INTO.replace('mkdir -p -- "$1" && ', "")

# Half a file never has the final name: rsync writes beside it and renames; what an interruption
# left goes to .partial/ and is where a repeat goes on.  Folders keep their own times (-O).
COMMON = (
    "-tL", "--partial-dir=.partial", "--timeout=180", "--no-human-readable", "--outbuf=N",
    "--info=progress2,stats2",
)  # fmt: skip
UP = ("-rOE", "--no-inc-recursive")
# Size and time of a file that is here already prove nothing about its content (-I).
DOWN = ("-I", "--from0")

INTERRUPTED = frozenset({5, 10, 12, 20, 30, 35, 255})
PROGRESS = re.compile(rb"^\s*(\d+)\s+(\d+)%")


class RsyncMissing(ProgramMissing):
    """The host has no rsync."""


class RsyncTransfer:
    """A Transfer by the rsync programs of both sides."""

    def __init__(self, host: SshHost, program: str) -> None:
        self._host = host
        self._program = program

    def push(
        self, files: Mapping[str, Path], root: str, *, report: Report | None = None,
        new: bool = False,
    ) -> Moved:  # fmt: skip
        """See Transfer.push."""
        items = manifest(files)
        if not items:
            return Moved(0, 0, 0.0)
        meter = _Meter(report, sum(item.size for item in items))
        with tempfile.TemporaryDirectory(prefix="cosmos-") as folder:
            for parent in folders(item.key for item in items):
                (Path(folder) / parent).mkdir()
            for item in items:
                _place(item, Path(folder))
            return self._run([*UP, f"{folder}/", "there:."], INTO, root, meter)

    def pull(
        self, root: str, paths: Sequence[str], into: Path, *, report: Report | None = None,
        size: int = 0,
    ) -> Moved:  # fmt: skip
        """See Transfer.pull."""
        if not paths:
            return Moved(0, 0, 0.0)
        make_folder(into)
        with tempfile.NamedTemporaryFile(prefix="cosmos-") as names:
            names.write(b"".join(os.fsencode(checked(path)) + b"\0" for path in paths))
            names.flush()
            how = [*DOWN, f"--files-from={names.name}", "there:.", f"{into.absolute()}/"]
            return self._run(how, OUT_OF, root, _Meter(report, 0))

    def _run(self, how: Sequence[str], script: str, root: str, meter: _Meter) -> Moved:
        start = time.monotonic()
        joint = Joint(self._host, lambda words: ["sh", "-c", script, "sh", root, *words])
        receiver = "this machine" if script == OUT_OF else self._host.name
        with joint, tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                [self._program, *COMMON, "-e", _bridge(joint.fileno), *how],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                pass_fds=(joint.fileno,),
                env={**os.environ, "LC_ALL": "C"},
            )
            joint.start()
            try:
                assert process.stdout is not None
                text = _follow(process.stdout, meter)
                code = process.wait()
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
            joint.finish()
            errors.seek(0)
            said = errors.read().decode("utf-8", "replace") + joint.stderr
        if code != 0:
            raise self._error(code, joint, said, root, receiver)
        seconds = time.monotonic() - start
        meter.finish()
        sent = _stat(text, "Literal data")
        return Moved(_stat(text, "Number of regular files transferred"), sent, seconds)

    def _error(self, code: int, joint: Joint, said: str, root: str, receiver: str) -> Exception:
        name = self._host.name
        if joint.lost is not None:
            return interrupted(name, joint.lost.message)
        if joint.failed is not None:
            return joint.failed
        if joint.exit_code == NOT_FOUND:
            return RsyncMissing(f"{name} has no rsync.")
        if joint.exit_code == NO_FOLDER:
            return no_folder(root, name, _reason(said))
        if "No space left on device" in said or "Disk quota exceeded" in said:
            return full(receiver, said)
        if code in INTERRUPTED:
            return interrupted(name, _reason(said))
        return unmoved(name, _reason(said))


@lru_cache(maxsize=1)
def local_rsync() -> str | None:
    """This machine's rsync, when there is one that is new enough (3.1) for its progress."""
    program = shutil.which("rsync") if os.name == "posix" else None
    if program is None:
        return None
    done = subprocess.run([program, "--version"], capture_output=True, check=False)
    match = re.match(rb"rsync\s+version\s+v?(\d+)\.(\d+)", done.stdout)
    new = match is not None and (int(match[1]), int(match[2])) >= FIRST_WITH_PROGRESS
    return program if new else None


def _bridge(fileno: int) -> str:
    """The value of ``-e``: rsync splits it at spaces and knows quotes, doubled inside quotes."""
    script = str(Path(__file__).with_name("bridge.py"))
    python, script = (word.replace("'", "''") for word in (sys.executable, script))
    return f"'{python}' -I -S '{script}' {fileno}"


def _place(item: Item, folder: Path) -> None:
    """Lay a file out as it shall lie on the host.

    One run of rsync has one rule for what it skips: same size and same time.  A file named by its
    content is linked, keeps its time, and is skipped from the second run on.  Any other file is
    copied with a time made from its content, so that the rule becomes "same content".
    """
    place = folder / item.key
    if item.by_content:
        os.symlink(os.path.abspath(item.path), place)  # noqa: PTH100, PTH211 (there are thousands)
        return
    shutil.copy(item.path, place)
    with place.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    seconds = 1_000_000_000 + int.from_bytes(digest[:4], "big") % 700_000_000
    os.utime(place, (seconds, seconds))


def make_folder(into: Path) -> None:
    """Where a download goes.  Raises TransferError."""
    try:
        into.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TransferError(f"The folder {into} cannot be made: {error.strerror}.") from error


def _follow(stdout: IO[bytes], meter: _Meter) -> str:
    """Read rsync's lines to the end; progress goes to the meter, the statistics come back."""
    text, line = [], b""
    while data := os.read(stdout.fileno(), 1 << 16):
        *lines, line = re.split(rb"[\r\n]", line + data)
        for each in lines:
            match = PROGRESS.match(each)
            if match:
                meter.update(int(match[1]), int(match[2]))
            else:
                text.append(each.decode("utf-8", "replace"))
    return "\n".join(text)


def _stat(text: str, label: str) -> int:
    match = re.search(rf"^{label}: (\d+)", text, re.MULTILINE)
    return int(match[1]) if match else 0


def _reason(said: str) -> str:
    """The line that says why: rsync's own first, without its closing summary."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    plain = [line for line in lines if not line.startswith("rsync error:")]
    return (plain or lines or ["rsync gave no reason."])[0]


def interrupted(name: str, why: str) -> TransferInterrupted:
    """The error of a line that broke."""
    return TransferInterrupted(
        f"The transfer with {name} was interrupted: {why}",
        hint="Repeat the command: it goes on where it stopped.",
    )


def no_folder(root: str, name: str, why: str) -> TransferError:
    """The error of a folder on the host that cannot be used."""
    return TransferError(
        f"The folder {root} on {name} cannot be used: {why}",
        hint="Check remote_dir, and that the account may write there.",
    )


def unmoved(name: str, why: str) -> TransferError:
    """The error of a program that gave up on a file."""
    return TransferError(
        f"Files could not be moved to or from {name}: {why}",
        hint="Check that the file is there, is readable, and that its folder can be written.",
    )


def full(where: str, said: str) -> TransferError:
    """The error of a full disk, from what the program said of it."""
    line = next(line for line in said.splitlines() if "space left" in line or "quota" in line)
    return TransferError(
        f"The disk of {where} is full: {line.strip()}",
        hint="Make room (`cosmos status` shows the host's disk), then repeat the command.",
    )


class _Meter:
    """Turns rsync's bytes and percents into reports."""

    def __init__(self, report: Report | None, total: int) -> None:
        self._report = report
        self._total = total
        self._start = time.monotonic()
        self._done = 0

    def update(self, done: int, percent: int) -> None:
        if self._report is None:
            return
        # A pull learns its size only from the two numbers together.
        total = self._total or (done * 100 // percent if percent else done)
        self._done = done
        passed = max(time.monotonic() - self._start, 1e-3)
        self._report(done, max(total, done), done / passed)

    def finish(self) -> None:
        if self._report is not None:
            passed = max(time.monotonic() - self._start, 1e-3)
            total = self._total or self._done
            self._report(total, total, self._done / passed)
