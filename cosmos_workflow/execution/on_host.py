"""The driver for jobs that are commands on a machine: stage, submit, follow, fetch, cancel."""

from __future__ import annotations

import base64
import shlex
import time
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib import resources
from pathlib import Path, PurePosixPath

from cosmos_workflow.connection.host import Completed, Host, Report
from cosmos_workflow.errors import (
    CommandFailed,
    ConfigError,
    HostError,
    HostUnreachable,
    SubmissionRejected,
    TransferError,
    TransferInterrupted,
)
from cosmos_workflow.events import (
    Alive,
    Exchanged,
    JobEnded,
    JobOver,
    Log,
    Progress,
    Reason,
    RemoteFile,
    Staged,
    Transferring,
)
from cosmos_workflow.execution.clean import Cleaned, clean, read_clean
from cosmos_workflow.execution.facts import HostFacts, Setup
from cosmos_workflow.execution.host_answers import files_of, said_in, times_of
from cosmos_workflow.execution.host_scripts import FOLLOW, LOOK, SHARED, SO_FAR, SUBMIT
from cosmos_workflow.execution.job import CommandJob, Derived, Input, Job, render
from cosmos_workflow.execution.launcher import Launcher, Site
from cosmos_workflow.execution.narrate import narrate
from cosmos_workflow.execution.staging import staging
from cosmos_workflow.execution.target import Handle, QueuingTarget
from cosmos_workflow.ids import sha256_file
from cosmos_workflow.transfer.transfer import Moved, Transfer

AT_A_TIME = 300
"""Inputs that one command asks for: Linux takes 128 KiB."""

SPOKEN = 1 << 16
"""Bytes of a job's small files that still go as arguments of a command, and not in a stream."""


class OnHost:
    """A target made of a machine, a way to move files to it, and a launcher on it.

    ``site.root`` may be relative: it then lies below the home folder on the host, which is looked
    up once, in the first command that needs it.  After ``silence`` seconds without a heartbeat a
    line counts as dead; the beat is every 4 s.  ``far``: there is a line to it at all.
    """

    def __init__(
        self,
        name: str,
        host: Host,
        transfer: Transfer,
        launcher: Launcher,
        site: Site,
        *,
        silence: float = 20.0,
        far: bool = False,
    ) -> None:
        self.name = name
        self.host = host
        self._transfer = transfer
        self._launcher = launcher
        self._site = site
        self._silence = silence
        self._far = far
        self._absolute: Site | None = None

    @property
    def queue(self) -> QueuingTarget | None:
        """None: jobs run at once."""
        return None

    # -- what would be done ------------------------------------------------------------------

    def check(self, job: Job) -> None:
        """Raise ConfigError for a request, which wants a service, or where a setting is missing."""
        if not isinstance(job, CommandJob):
            raise ConfigError(
                f"{self.name} is a machine that runs commands; the engine {job.engine} speaks to a "
                f"service ({job.dialect})",
                hint="cosmos targets lists what each target takes; name another with --target",
            )
        try:
            self._launcher.start(_named(job), self._site)
        except ConfigError as error:
            raise ConfigError(f"{self.name}: {error.message}", hint=error.hint) from error

    def explain(self, job: Job) -> str:
        """Uploads, written files and the start command, as text; nothing is opened.

        An input that was not read yet lies below ``SHA256``; our own constant scripts, of which
        every start has the same, are ``SCRIPT``.
        """
        assert isinstance(job, CommandJob)
        site = self._site
        job = _named(job)
        lines = [f"target    {self.name} ({self.host.name}, {self._launcher.name})", "inputs"]
        lines += [f"  {item.key:<14} {_described(item.source)}" for item in job.inputs]
        for file in job.files:
            lines.append(f"file      {file.path}")
            if not file.script:
                text = render(file, lambda place: self._launcher.place(job, site, place))
                lines += [f"  {line}" for line in text.splitlines()]
        start = self._launcher.start(job, site)
        for path, data in self._launcher.files(job, site).items():
            words = data.decode().removesuffix("\0").split("\0")
            lines += [f"file      {path}", f"  {shlex.join(words)}"]
        shown = ("SCRIPT" if arg.startswith(("\n", "#!")) else arg for arg in start)
        lines += ["command", f"  {shlex.join(shown)}"]
        return "\n".join(lines)

    # -- stage -------------------------------------------------------------------------------

    def stage(self, job: Job) -> Generator[Transferring | Staged, None, None]:
        """Inputs under the name of their content, written files into the workspace."""
        assert isinstance(job, CommandJob)
        start = time.monotonic()
        with staging() as folder:
            site = self._resolved()
            texts = self._texts(job, site)
            spoken = _as_arguments(texts)
            there = self._look(job.inputs, spoken)
            if job.port:  # a folder that is mounted has to be there
                self.host.run(["mkdir", "-p", f"{site.root}/inputs"])
            files = sources(job)
            total = sum(map(len, texts.values())) + sum(f.stat().st_size for f in files.values())
            if not spoken:
                files |= {key: _written(Path(folder) / key, text) for key, text in texts.items()}
            new = {key: path for key, path in files.items() if key not in there}
            moved: Moved = yield from narrate(
                "up", lambda report: self._transfer.push(new, site.root, report=report, new=True)
            )
        sent = moved.sent + (sum(map(len, texts.values())) if spoken else 0)
        yield Staged(sent, total, round(time.monotonic() - start, 3))

    def share(self, inputs: Sequence[Input]) -> Generator[Transferring, None, Mapping[str, str]]:
        """Put inputs under the name of their content, for a server on the machine to read.

        Returns the path of each there, by its key.  Raises TransferInterrupted when one did not
        arrive as it left.
        """
        site, there = self._resolved(), self._look(inputs)
        new = {_place(item): item.source for item in inputs if _place(item) not in there}
        files = {place: source for place, source in new.items() if isinstance(source, Path)}
        yield from narrate(
            "up", lambda report: self._transfer.push(files, site.root, report=report, new=True)
        )
        self._verify(inputs, site)
        return {item.key: f"{site.root}/{_place(item)}" for item in inputs}

    def _verify(self, inputs: Sequence[Input], site: Site) -> None:
        for some in _some(inputs) if inputs else ():
            pairs = [part for item in some for part in (item.sha256, item.name)]
            done = self.host.run(["sh", "-c", SHARED, "sh", site.root, *pairs], check=False)
            if done.exit_code:
                raise TransferInterrupted(
                    f"{done.stderr.strip()} did not arrive on {self.name} whole"
                )

    def _look(self, inputs: Sequence[Input], texts: Sequence[str] = ()) -> frozenset[str]:
        """Which inputs lie there, checked; and the texts, path and text in turn, written there:
        one command."""
        inputs = distinct(inputs)
        root, answers = self._site.root.removeprefix("~/"), ""
        for some in _some(inputs):
            facts = [text for item in some for text in (item.sha256, item.name, str(item.size))]
            argv = ["sh", "-c", LOOK, "sh", root, str(len(some)), *facts, *texts]
            try:
                said = self.host.run(argv).stdout
            except CommandFailed as error:
                if error.exit_code_of_command != 73:
                    raise
                raise self._no_room(error.stderr.strip()) from error
            answer, _, root = said.partition("\n")
            answers, root, texts = answers + answer, root.removesuffix("\n"), ()
        self._absolute = replace(self._site, root=root)
        there = [item for item, answer in zip(inputs, answers, strict=True) if answer == "y"]
        return frozenset(_place(item) for item in there)

    def _texts(self, job: CommandJob, site: Site) -> dict[str, bytes]:
        """The small files of the job's workspace, by their place below the root."""
        texts = {file.path: _script(file.script) for file in job.files if file.script}
        texts["run-job.sh"] = _script("run-job.sh")
        for file in job.files:
            if not file.script:
                text = render(file, lambda place: self._launcher.place(job, site, place))
                texts[file.path] = text.encode()
        texts |= self._launcher.files(job, site)
        return {f"runs/{job.name}/{path}": text for path, text in texts.items()}

    # -- submit ------------------------------------------------------------------------------

    def submit(self, job: Job, secrets: Mapping[str, str], report: Report | None = None) -> Handle:
        """Check the inputs on the host, start the job, pass the secrets: one command."""
        assert isinstance(job, CommandJob)
        site = self._resolved()
        inputs = distinct(job.inputs)
        pairs = [part for item in inputs for part in (item.sha256, item.name)]
        argv = [
            "sh", "-c", SUBMIT, "sh", site.root, site.workspace(job.name), str(len(inputs)),
            *pairs, str(len(job.secrets)), self._launcher.secrets,
            *self._launcher.start(job, site),
        ]  # fmt: skip
        done = self.host.run(argv, stdin=coded(job.secrets, secrets), check=False)
        if done.exit_code:
            raise self._refusal(done, job)
        return Handle(self.name, job.name, self._launcher.ref(done.stdout))

    def find(self, job: Job, first: float, last: float) -> Handle | None:
        """None: a second ``submit`` finds the first one's job by its name."""
        return None

    def told(self) -> Sequence[Exchanged]:
        """A machine's commands are not kept."""
        return ()

    def _refusal(self, done: Completed, job: CommandJob) -> Exception:
        said = done.stderr.strip()
        match done.exit_code:
            case 65:
                return TransferInterrupted(
                    f"{said} did not arrive on {self.name} as it left",
                    hint="it was removed there; the next try sends it again; if that fails too, "
                    "the file changed here after the plan: run its RunSpec with --again",
                )
            case 73:
                return self._no_room(said)
            case 74:
                return SubmissionRejected(
                    f"job {job.name} started on {self.name} but never read its secrets",
                    hint="see docker logs of the container: is sh in the image?",
                )
            case 75 | 124 if self._launcher.queues:  # it may have taken the job all the same
                return TransferInterrupted(
                    f"the queue behind {self.name} does not answer: {said or 'out of time'}",
                    hint="the next try finds what it has taken",
                )
            case code if code > 128:
                return TransferInterrupted(
                    f"what starts {job.name} was ended on {self.name} before its answer",
                    hint="the next try finds what it has started",
                )
        return self._launcher.rejection(done.stderr, done.exit_code)

    def _no_room(self, said: str) -> TransferError:
        return TransferError(
            f"no room or no permission below {self._site.root} on {self.name}: {said}",
            hint=f"cosmos clean --target {self.name} makes room, or set another remote_dir",
        )

    # -- follow ------------------------------------------------------------------------------

    def follow(
        self, handle: Handle, offset: int, limit: float = 0.0
    ) -> Iterator[Log | Progress | Alive | JobOver | JobEnded]:
        """Whole lines of the job's log from a byte offset, then how it ended."""
        site = self._resolved()
        state = self._launcher.state(handle.job, handle.ref, site)
        argv = ["sh", "-c", FOLLOW, "sh", site.workspace(handle.job), str(offset), *state]
        pending, aside, over, spoke = b"", b"", False, 0
        for chunk in self.host.stream(argv, idle_timeout=self._silence):
            if chunk.source == "err":
                aside += chunk.data
                yield self._beat(aside[spoke:])
                if not over and b"@over\n" in aside:
                    over = True
                    yield JobOver()
            elif chunk.source == "out":
                spoke = len(aside)  # a job that speaks does not wait, whatever was said before
                whole, newline, pending = (pending + chunk.data).rpartition(b"\n")
                if newline:
                    offset += len(whole) + 1
                    yield Log((whole + newline).decode("utf-8", "surrogateescape"), offset)
        if b"@end\n" not in aside:
            raise HostUnreachable(f"the connection to {self.name} ended while following")
        if pending:
            yield Log(pending.decode("utf-8", "surrogateescape"), offset + len(pending))
        yield self._ended(said_in(aside.decode("utf-8", "replace")))

    def _beat(self, aside: bytes) -> Alive | Progress:
        """A sign of life, or why the job does not run yet."""
        said = said_in(aside.decode("utf-8", "replace")).get("now", [""])[-1]
        waits = self._launcher.waits(said)
        return Progress(waits) if waits else Alive()

    def so_far(self, handle: Handle, patterns: Sequence[str]) -> JobEnded:
        """When the job began, and those of its files that fit one of the patterns."""
        argv = ["sh", "-c", SO_FAR, "sh", self._resolved().workspace(handle.job), *patterns]
        said = said_in(self.host.run(argv).stderr)
        return JobEnded(None, "exited", files_of(said.get("file", [])), *times_of(said))

    def _ended(self, said: Mapping[str, Sequence[str]]) -> JobEnded:
        if "gone" in said:
            return JobEnded(None, "gone")
        state = self._launcher.read_state(said["state"][0].strip())
        code = int(said["exit"][0]) if said.get("exit", [""])[0].strip() else None
        marks = said.get("mark", [])
        reason: Reason
        if "cancelled" in marks:
            reason = "cancelled"
        elif "timed_out" in marks:
            reason = "timeout"
        elif state.oom:
            reason = "oom"
        elif state.why and code is None:
            reason = state.why
        elif code is not None and "stopped" not in marks:
            reason = "exited"
        else:
            reason = "gone" if state.phase == "gone" and code is None else "killed"
        code = code if code is not None else state.exit_code
        return JobEnded(code, reason, files_of(said.get("file", [])), *times_of(said))

    def log_now(self, handle: Handle, offset: int) -> Log:
        """What the job has written by now; nothing if it has not begun to write."""
        file = f"{self._resolved().workspace(handle.job)}/job.log"
        read = ["sh", "-c", '[ ! -e "$2" ] || tail -c +"$1" "$2"', "sh", str(offset + 1), file]
        chunks = self.host.stream(read, idle_timeout=self._silence)
        data = b"".join(chunk.data for chunk in chunks if chunk.source == "out")
        whole, newline, _ = data.rpartition(b"\n")
        text = (whole + newline).decode("utf-8", "surrogateescape")
        return Log(text, offset + len(whole + newline))

    # -- fetch -------------------------------------------------------------------------------

    def fetch(
        self, handle: Handle, files: Sequence[RemoteFile], into: Path
    ) -> Generator[Transferring, None, None]:
        """Bring files home; each must have the sha256 that it has on the host."""
        into.mkdir(parents=True, exist_ok=True)
        wanted = [file for file in files if not _same(into / file.path, file)]
        if not wanted:
            return
        paths, size = [file.path for file in wanted], sum(file.size for file in wanted)
        root = self._resolved().workspace(handle.job)
        yield from narrate(
            "down",
            lambda report: self._transfer.pull(root, paths, into, report=report, size=size),
        )
        for file in wanted:
            if not _same(into / file.path, file):
                (into / file.path).unlink(missing_ok=True)
                raise TransferInterrupted(
                    f"{PurePosixPath(file.path).name} arrived with other bytes than it has on "
                    f"{self.name}",
                    hint="it is fetched again",
                )

    # -- the rest ----------------------------------------------------------------------------

    def cancel(self, handle: Handle) -> None:
        """End the job; one that is over already is no error."""
        self.host.run(self._launcher.stop(handle.job, handle.ref, self._resolved()))

    @property
    def root(self) -> str:
        """The folder there that everything of ours is in, absolute; a command the first time."""
        return self._resolved().root

    def runs(self, name: str) -> bool:
        """Whether the job of that name is running, as far as one can tell."""
        return self._remains("alive", name).exit_code == 0

    def forget(self, name: str) -> None:
        """Remove what is left of a job that is over.  Raises HostError for one that is not."""
        done = self._remains("forget", name)
        if done.exit_code:
            raise HostError(f"{name} cannot be removed from {self.name}: {done.stderr.strip()}")

    def _remains(self, verb: str, name: str) -> Completed:
        workspace = self._resolved().workspace(name)
        argv = ["sh", "-c", self._launcher.remains(), "sh", verb, workspace]
        return self.host.run(argv, check=False)

    def facts(self, files: Sequence[str] = (), image: str = "") -> HostFacts:
        """What the machine says of itself, in one command; ``files`` below the checkpoints."""
        probe = self._launcher.probe(self._site, files, image)
        found = self._launcher.read_probe(self.host.run(probe, check=False).stdout)
        site = self._site
        launcher = self._launcher
        gpus = site.gpu_enabled and not launcher.elsewhere
        setup = Setup(self._far, launcher.name, gpus, site.checkpoints,
                      site.cluster.partition, launcher.programs)  # fmt: skip
        return replace(found, setup=setup)

    def clean(self, minutes: int, *, dry: bool, away: Collection[str] = ()) -> Cleaned:
        """Remove what jobs that are over have left, in one command; see ``clean.CLEAN``.

        With ``dry`` only look.  ``away``: ids of runs whose workspaces stay.
        """
        remains = self._launcher.remains()
        argv = clean(self._site.root, remains, minutes, dry=dry, away=away)
        return read_clean(self.host.run(argv).stdout)

    def approach(self) -> None:
        """Begin to connect; see Target."""
        self.host.approach()

    def close(self) -> None:
        """Let go of the connection."""
        self.host.close()

    def _resolved(self) -> Site:
        """The site with an absolute root: a container can only be given absolute folders."""
        if self._absolute is None:
            if self._site.root.startswith("/"):
                self._absolute = self._site
            else:
                self._look(())
            assert self._absolute is not None
        return self._absolute


def _named(job: CommandJob) -> CommandJob:
    """With a name for inputs that were not read yet."""
    known = (replace(item, sha256=item.sha256 or "SHA256") for item in job.inputs)
    return replace(job, inputs=tuple(known))


def coded(names: Sequence[str], secrets: Mapping[str, str]) -> bytes:
    """Lines NAME=BASE64, as run-job.sh reads them."""
    pairs = ((name, base64.b64encode(secrets[name].encode()).decode()) for name in names)
    return "".join(f"{name}={value}\n" for name, value in pairs).encode()


def _place(item: Input) -> str:
    """Where an input lies below the root: by its content."""
    return f"inputs/{item.sha256}/{item.name}"


def distinct(inputs: Sequence[Input]) -> list[Input]:
    """Each file once: runs that share a job share inputs."""
    return list({_place(item): item for item in inputs}.values())


def _some(inputs: Sequence[Input]) -> Iterator[Sequence[Input]]:
    """As many at a time as fit into a command; none is one time, too."""
    for start in range(0, max(len(inputs), 1), AT_A_TIME):
        yield inputs[start : start + AT_A_TIME]


def sources(job: CommandJob) -> dict[str, Path]:
    """The files that are its inputs, by their place below the root."""
    files: dict[str, Path] = {}
    for item in job.inputs:
        assert isinstance(item.source, Path), "derived inputs are made before staging"
        _unchanged(item.source, item.size)
        files[_place(item)] = item.source
    return files


def _as_arguments(texts: Mapping[str, bytes]) -> list[str]:
    """Path and text in turn; nothing where they are too much, or no text, for a command."""
    if sum(map(len, texts.values())) > SPOKEN or any(b"\0" in text for text in texts.values()):
        return []
    try:
        return [part for path, text in texts.items() for part in (path, text.decode())]
    except UnicodeDecodeError:
        return []


@cache
def _script(name: str) -> bytes:
    return resources.files("cosmos_workflow.scripts").joinpath(name).read_bytes()


def _same(path: Path, file: RemoteFile) -> bool:
    return path.is_file() and path.stat().st_size == file.size and sha256_file(path) == file.sha256


def _unchanged(path: Path, size: int) -> None:
    if not path.is_file():
        raise TransferError(f"{path} is no longer there", hint="make it again, then run again")
    if path.stat().st_size != size:
        raise TransferError(
            f"{path} changed since the run was planned",
            hint="cosmos run the RunSpec with --again to plan with the new file",
        )


def _written(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def _described(source: Path | Derived) -> str:
    if isinstance(source, Derived):
        settings = ", ".join(f"{key} {value}" for key, value in source.settings.items())
        return f"made: {source.recipe} ({settings}) from {source.source}"
    return str(source)
