"""The folder of a run and the folder of all runs: the one place that knows their paths."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cosmos_workflow.errors import CosmosError, SpecError
from cosmos_workflow.events import Event, Log, Planned, from_json, to_json
from cosmos_workflow.execution.job import Job
from cosmos_workflow.execution.job_json import job_from_json, job_to_json
from cosmos_workflow.ids import RUN_ID
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.runs.run import Run, fold

Plan = Callable[[str, str], Job]
"""From a run's id and its job's name to the job."""


class RunInUse(CosmosError):
    """Another process of this machine is at work on the run."""


class AttemptTaken(CosmosError):
    """The number of this attempt was taken by another process."""


@dataclass(frozen=True)
class Member:
    """A run that is to be made: its id, and what it is made from."""

    run_id: str
    run: RunSpec
    prompt: PromptSpec


_KNOWN: dict[Path, tuple[Run, int, int]] = {}
"""What is known of a folder's run, the file it was read from, and how much of that."""

_MOST_KNOWN = 4096


@dataclass(frozen=True)
class RunFolder:
    """Everything about one run, in one folder named by its id."""

    path: Path

    @property
    def id(self) -> str:
        """The run's id."""
        return self.path.name

    @property
    def events_file(self) -> Path:
        """One event a line, append only."""
        return self.path / "events.jsonl"

    @property
    def log_file(self) -> Path:
        """The job's own output, byte for byte (secrets masked at equal length)."""
        return self.path / "job.log"

    @property
    def arriving(self) -> Path:
        """Where results lie until they are verified."""
        return self.path / ".arriving"

    def spec(self) -> RunSpec:
        """The RunSpec as it was run."""
        return RunSpec.load(self.path / "run.json")

    def prompt(self) -> PromptSpec:
        """The PromptSpec as it was run."""
        return PromptSpec.load(self.path / "prompt.json")

    def job(self) -> Job:
        """The job as it was planned, inputs fixed by content."""
        try:
            return job_from_json(json.loads((self.path / "job.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SpecError(
                f"the run folder {self.path} has no readable job.json ({error})",
                hint="run its RunSpec once more with --again",
            ) from error

    def events(self) -> Iterator[tuple[Event, float]]:
        """Every recorded event with its time.  A last line cut off by a crash is passed over."""
        try:
            data = self.events_file.read_bytes()
        except FileNotFoundError:
            return
        yield from _events(data)

    def run(self) -> Run:
        """What is known of the run now.

        The runs of a job are looked at whenever one of them has news, all night long: only what is
        new of the file is read.
        """
        run, inode, offset = _KNOWN.get(self.path, (Run(self.id), 0, 0))
        try:
            with self.events_file.open("rb") as file:
                facts = os.fstat(file.fileno())
                if facts.st_ino != inode or facts.st_size < offset:
                    run, offset = Run(self.id), 0
                file.seek(offset)
                data = file.read()
        except FileNotFoundError:
            return Run(self.id)
        data = data[: data.rfind(b"\n") + 1]
        run = fold(run, _events(data))
        _KNOWN[self.path] = (run, facts.st_ino, offset + len(data))
        if len(_KNOWN) > _MOST_KNOWN:
            _KNOWN.clear()
        return run

    def record(self, event: Event) -> None:
        """Make the event durable before anyone sees it: one appended line, one write.

        A run ends once: when another process recorded its end, a second end is not recorded.
        """
        if isinstance(event, Log):
            self._append(self.log_file, event.text.encode("utf-8", "surrogateescape"))
            return
        if event.status is None or not event.status.final:
            self._append_event(event)
            return
        with _locked(self.path / ".ending.lock"):
            if not self.run().status.final:
                self._append_event(event)

    def _append_event(self, event: Event) -> None:
        line = json.dumps(to_json(event, time.time()), ensure_ascii=False) + "\n"
        self._append(self.events_file, _mended(self.events_file) + line.encode())

    def log_size(self) -> int:
        """Bytes of the job's log that are here: where following goes on."""
        return self.log_file.stat().st_size if self.log_file.exists() else 0

    def log_lines(self) -> list[str]:
        """The job's log so far, as lines."""
        if not self.log_file.exists():
            return []
        return self.log_file.read_text(encoding="utf-8", errors="replace").splitlines()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the one process at work on this run.  Raises RunInUse."""
        with _locked(self.path / ".lock", wait=False) as ours:
            if not ours:
                raise RunInUse(
                    f"another process on this machine is following {self.id}",
                    hint=f"cosmos logs {self.id} -f shows what it sees",
                )
            yield

    def _append(self, path: Path, data: bytes) -> None:
        size = path.stat().st_size if path.exists() else 0
        try:
            with path.open("ab", buffering=0) as file:
                written = file.write(data)
                if written != len(data):
                    raise OSError(28, os.strerror(28))
        except OSError as error:
            # Nothing half-written: a torn line is taken back before the error is told.
            if path.exists():
                os.truncate(path, size)
            raise CosmosError(
                f"cannot write {path}: {error.strerror}",
                hint=f"make room, then: cosmos follow {self.id}"
                if RUN_ID.fullmatch(self.id)
                else "make room; nothing was started",
            ) from error


@contextmanager
def _locked(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold a lock that ends with its process; False when another has it and we do not wait."""
    from filelock import FileLock, Timeout

    lock = FileLock(path, timeout=-1 if wait else 0)
    try:
        lock.acquire()
    except Timeout:
        yield False
        return
    except OSError as error:
        raise CosmosError(
            f"cannot write {path}: {error.strerror}",
            hint="make room or check permissions; then repeat the command",
        ) from error
    try:
        yield True
    finally:
        lock.release()


def _events(data: bytes) -> Iterator[tuple[Event, float]]:
    """The events of whole lines; what follows the last one is passed over."""
    for line in data.split(b"\n")[:-1]:
        try:
            yield from_json(json.loads(line))
        except (ValueError, KeyError, TypeError):
            # An event of a newer version, or a line torn by a full disk: the others stand.
            continue


def _mended(path: Path) -> bytes:
    """A line end if the file's last line was torn by a crash, else nothing."""
    try:
        with path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return b"" if file.read(1) == b"\n" else b"\n"
    except OSError:
        return b""


@dataclass(frozen=True)
class Store:
    """All run folders of a project."""

    root: Path

    @contextmanager
    def starting(self, spec_id: str) -> Iterator[None]:
        """Be the one process that decides whether this RunSpec gets a new run; others wait.

        Sixteen locks do for all specs: a file for each would fill the folder.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with _locked(self.root / f".starting-{spec_id[3:4]}.lock"):
            yield

    def create(self, run: RunSpec, prompt: PromptSpec, plan: Plan, target: str) -> RunFolder:
        """The next attempt's folder, complete (its first event is Planned) or not there at all.

        ``plan(run_id, job_name)`` gives the Job.
        """
        while True:
            run_id = next_id(run.id, self.last_attempts([run.id]).get(run.id))
            member = Member(run_id, run, prompt)
            try:
                return self.create_all([member], plan(run_id, job_name(run_id)), target)[0]
            except AttemptTaken:
                continue  # by another process, a moment ago

    def last_attempts(self, spec_ids: Collection[str]) -> dict[str, RunFolder]:
        """The latest attempt at each RunSpec that was ever run, in one look at the folder."""
        wanted, last = set(spec_ids), dict[str, int]()
        for name in [one for one in self._names() if one.partition(".")[0] in wanted]:
            spec_id, _, number = name.partition(".")
            if RUN_ID.fullmatch(name):
                last[spec_id] = max(last.get(spec_id, 0), int(number))
        return {one: self.folder(f"{one}.{number}") for one, number in last.items()}

    def create_all(self, members: Sequence[Member], job: Job, target: str) -> list[RunFolder]:
        """The folders of runs that share a job, each complete; all of them, or none.

        Raises AttemptTaken when one of the attempts is there already.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        packed = json.dumps(job_to_json(job), ensure_ascii=False, indent=2) + "\n"
        made: list[Path] = []
        try:
            for one in members:
                beside = self.root / f".{one.run_id}.{os.getpid()}"
                made.append(beside)
                self._fill(beside, one.run, one.prompt, packed)
                RunFolder(beside).record(Planned(one.run_id, one.run.engine, target))
            for number, one in enumerate(members):
                made[number] = made[number].rename(self.root / one.run_id)
        except OSError as error:
            taken = (self.root / one.run_id).exists()
            for path in made:
                shutil.rmtree(path, ignore_errors=True)
            if taken:
                raise AttemptTaken(f"{one.run_id} is there already") from error
            raise CosmosError(
                f"cannot make the run folder {self.root / one.run_id}: {error.strerror}",
                hint="make room or check permissions; nothing was started",
            ) from error
        return [RunFolder(path) for path in made]

    def _fill(self, folder: Path, run: RunSpec, prompt: PromptSpec, job: str) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / "run.json").write_text(run.model_dump_json(indent=2) + "\n", encoding="utf-8")
        text = prompt.model_dump_json(indent=2) + "\n"
        (folder / "prompt.json").write_text(text, encoding="utf-8")
        (folder / "job.json").write_text(job, encoding="utf-8")

    def folder(self, run_id: str) -> RunFolder:
        """The folder of a run of this id, whether it is there or not."""
        return RunFolder(self.root / run_id)

    def folders(self) -> list[RunFolder]:
        """Every run folder, in no order."""
        return self._starting_with("")

    def attempts(self, spec_id: str) -> list[RunFolder]:
        """The attempts at one RunSpec, oldest first."""
        return sorted(self._starting_with(f"{spec_id}."), key=_number)

    def _starting_with(self, text: str) -> list[RunFolder]:
        names = (name for name in self._names() if name.startswith(text))
        return [self.folder(name) for name in names if RUN_ID.fullmatch(name)]

    def _names(self) -> list[str]:
        """What is in the folder; there may be tens of thousands, so they are not made paths."""
        try:
            return os.listdir(self.root)  # noqa: PTH208
        except FileNotFoundError:
            return []

    def find(self, text: str) -> RunFolder:
        """The run with this id, unique id prefix, or RunSpec id (its latest attempt).

        Raises SpecError, naming the candidates.
        """
        wanted = text if text.startswith("rs_") else f"rs_{text}"
        if RUN_ID.fullmatch(wanted) and (self.root / wanted).is_dir():
            return RunFolder(self.root / wanted)
        if not re.fullmatch(r"rs_[0-9a-f]{0,8}(\.\d*)?", wanted):
            raise SpecError(f"{text!r} is not the id of a run", hint="cosmos list runs shows them")
        found = self._starting_with(wanted)
        specs = sorted({folder.id.partition(".")[0] for folder in found})
        if len(specs) == 1:
            return max(found, key=_number)
        if not specs:
            raise SpecError(f"no run {text}", hint="cosmos list runs shows what there is")
        raise SpecError(
            f"{text!r} could be {len(specs)} different runs: {', '.join(specs[:5])}",
            hint="give more of the id",
        )


def job_name(run_id: str) -> str:
    """A name for a job that begins with this run; its random part keeps projects on one host, and
    plans that came to nothing, apart."""
    return f"{run_id}-{secrets.token_hex(3)}"


def next_id(spec_id: str, last: RunFolder | None) -> str:
    """The id of the attempt after the last one."""
    return f"{spec_id}.{_number(last) + 1 if last else 1}"


def _number(folder: RunFolder) -> int:
    return int(folder.id.rpartition(".")[2])
