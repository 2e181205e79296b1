"""The slurm launcher: a job as a batch job of a cluster, whose queue it lives in without us.

The workspace lies on a file system that all nodes see.  The number of the batch job is written
there, by whoever knows it first: the one who submits, or the job itself.  Many jobs are submitted
as one array; each is still a job with a workspace and a number of its own.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from cosmos_workflow.errors import SubmissionRejected
from cosmos_workflow.events import Reason
from cosmos_workflow.execution.docker import CHECKPOINTS, INPUTS, REPO, WORKSPACE, image_for
from cosmos_workflow.execution.facts import HostFacts
from cosmos_workflow.execution.job import CommandJob, Place, fill
from cosmos_workflow.execution.launcher import ClusterSite, Site, State
from cosmos_workflow.execution.probe import each, probe, read_probe
from cosmos_workflow.execution.shell import ShellLauncher
from cosmos_workflow.execution.slurm_scripts import BATCH, REMAINS, START, STATE, STOP, WATCH
from cosmos_workflow.execution.waiting import WAITING

ALIVE = frozenset((
    "PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED", "REQUEUED", "REQUEUE_HOLD",
    "REQUEUE_FED", "RESIZING", "SIGNALING", "STAGE_OUT", "STOPPED", "SPECIAL_EXIT", "RESV_DEL_HOLD",
    "UNKNOWN",
))  # fmt: skip
"""States of Slurm in which a job is not over.  UNKNOWN is ours: the cluster does not answer."""

ENDS: Mapping[str, Reason | None] = {
    "COMPLETED": None, "FAILED": None, "CANCELLED": "cancelled", "TIMEOUT": "limit",
    "DEADLINE": "limit", "OUT_OF_MEMORY": "oom", "NODE_FAIL": "node_failed",
    "BOOT_FAIL": "node_failed", "PREEMPTED": "preempted", "REVOKED": "cancelled",
}  # fmt: skip
"""How jobs end, and what that is to us; None: by themselves, see the exit code."""

WAITS = ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "SUSPENDED")

HOPELESS: Mapping[str, str] = {
    **dict.fromkeys(
        ("PartitionTimeLimit", "QOSMaxWallDurationPerJobLimit", "AssocMaxWallDurationPerJobLimit"),
        "cancel it, give a lower --time-limit",
    ),
    "PartitionNodeLimit": "its partition allows fewer nodes: see gres and extra in the settings",
    "BadConstraints": "no node is as constraint and gres want it",
    "InvalidAccount": "the account may not submit here",
    "InvalidQOS": "the qos may not be used here",
}
"""Reasons to wait that waiting does not end, and what to do."""

PROGRAMS: Mapping[str, str] = {
    **dict.fromkeys(("sbatch", "squeue", "scontrol", "scancel"), "Slurm (slurm-client)"),
    "flock": "util-linux",
}

SPARE_MINUTES = 5
"""That a job may take longer than its own limit: run-job.sh ends it, and says why."""


class SlurmLauncher:
    """Submits, finds, watches and cancels batch jobs through ``sbatch`` and its kin."""

    name = "slurm"
    secrets = "file"
    queues = True
    programs = PROGRAMS
    elsewhere = True

    def place(self, job: CommandJob, site: Site, place: Place) -> str:
        """The path on the node, or inside the container."""
        if site.cluster.container == "none":
            return ShellLauncher().place(job, site, place)
        match place.root:
            case "workspace":
                return _below(WORKSPACE, place.path)
            case "input":
                item = {item.key: item for item in job.inputs}[place.path]
                return f"{INPUTS}/{item.sha256}/{item.name}"
            case "checkpoints":
                return _below(CHECKPOINTS, place.path)
            case "python":
                return "python3"

    def files(self, job: CommandJob, site: Site) -> Mapping[str, bytes]:
        """The line that the job becomes on its node, word by word."""
        workspace, cluster = site.workspace(job.name), site.cluster
        argv = [str(arg) for arg in fill(job.argv, lambda place: self.place(job, site, place))]
        inside = workspace if cluster.container == "none" else WORKSPACE
        run = ["sh", f"{inside}/run-job.sh", inside, str(job.time_limit), str(len(job.secrets))]
        words = [
            str(len(cluster.modules)), site.repo or workspace, *cluster.modules,
            *_wrapped(job, site), *run, "--", *argv,
        ]  # fmt: skip
        return {"slurm-argv": "".join(f"{word}\0" for word in words).encode()}

    def start(self, job: CommandJob, site: Site) -> Sequence[str]:
        """Prints the number of the batch job, also when it was submitted before."""
        return self.start_all([job], site)

    def ref(self, stdout: str) -> str:
        """The number of the job."""
        return stdout.split()[-1]

    # -- many at once ------------------------------------------------------------------------

    def alike(self, job: CommandJob, site: Site) -> Hashable:
        """Jobs that are submitted with the same options can be an array; run-job.sh keeps the time
        of each."""
        return (job.time_limit > 0, *_options(job, site), *job.secrets)

    def start_all(self, jobs: Sequence[CommandJob], site: Site) -> Sequence[str]:
        """Prints the number of each, a line each, also of those that were submitted before."""
        return [
            "sh", "-c", START, "sh", site.root, str(site.cluster.at_once), BATCH,
            str(_minutes(jobs)), _partition(site.cluster), str(len(jobs)),
            *(job.name for job in jobs), *_options(jobs[0], site),
        ]  # fmt: skip

    def refs(self, stdout: str) -> Sequence[str]:
        """The number of each job, an array's like 123_4."""
        return stdout.split()

    def watch(self, site: Site) -> Sequence[str]:
        """Says what the queue says of the jobs whose names and numbers it reads."""
        return ["sh", "-c", WATCH, "sh", site.root]

    def read_queue(self, lines: Sequence[str]) -> Mapping[str, str]:
        """What ``watch`` printed of the queue: by number, as ``state`` prints it."""
        rows = (line.split(None, 2) for line in lines if line.strip())
        said = ((row[0], f"{row[1]} - {''.join(row[2:])}") for row in rows)
        return {number: state for numbers, state in said for number in each(numbers)}

    # -- one of them -------------------------------------------------------------------------

    def state(self, job_name: str, ref: str, site: Site) -> Sequence[str]:
        """Prints state, exit code and reason; exits 0 only while the job is not over."""
        return ["sh", "-c", STATE, "sh", ref, site.workspace(job_name), " ".join(sorted(ALIVE))]

    def read_state(self, stdout: str) -> State:
        """What ``state`` printed."""
        words = stdout.split()
        if not words or words[0] == "gone":
            return State("gone")
        if words[0] in ALIVE:
            return State("running")
        code = int(words[1]) if len(words) > 1 and words[1].isdigit() else None
        why = ENDS.get(words[0])
        if words[2:] == ["DependencyNeverSatisfied"]:
            why = "dependency"
        return State("exited", None if why else code, oom=why == "oom", why=why)

    def waits(self, stdout: str) -> str:
        """Why a job does not run yet, as ``state`` printed it."""
        words = stdout.split()
        if not words or words[0] not in WAITS:
            return ""
        reason = words[2] if len(words) > 2 and words[2] not in ("None", "(null)") else ""
        never = self.hopeless(stdout)
        return f"{WAITING}{f' ({never or reason})' if reason else ''}"

    def hopeless(self, stdout: str) -> str:
        """Why a job never begins, and what to do, as ``state`` printed it; else empty."""
        words = stdout.split()
        if len(words) < 3 or words[0] not in WAITS or words[2] not in HOPELESS:
            return ""
        return f"{words[2]}: it never begins; {HOPELESS[words[2]]}"

    def stop(self, job_name: str, ref: str, site: Site) -> Sequence[str]:
        """TERM, then scancel; leaves the mark ``cancelled`` in the workspace."""
        return ["sh", "-c", STOP, "sh", ref, site.workspace(job_name)]

    def remains(self) -> str:
        """The script that looks after the workspace of a job that is over."""
        return REMAINS

    def rejection(self, stderr: str, exit_code: int) -> SubmissionRejected:
        """Why the job was not submitted, and what to do."""
        lines = [line for line in stderr.splitlines() if line.strip()]
        said = lines[-1].removeprefix("sbatch: error: ") if lines else f"exit code {exit_code}"
        hint = {
            66: "is remote_dir on the machine, and on a file system that all nodes see?",
            127: "is Slurm on that machine? sbatch, squeue, scontrol and scancel are needed",
        }.get(exit_code, "partition, account, qos and gres are set below [targets.NAME.slurm]")
        return SubmissionRejected(f"Slurm did not take the job: {said}", hint=hint)

    def probe(self, site: Site, files: Sequence[str] = (), image: str = "") -> Sequence[str]:
        """The command that prints what ``read_probe`` reads."""
        return probe(site, files, cluster=True)

    def read_probe(self, stdout: str) -> HostFacts:
        """What ``probe`` printed."""
        return read_probe(stdout)


def _minutes(jobs: Sequence[CommandJob]) -> int:
    """An array has one limit of time."""
    longest = max(job.time_limit for job in jobs)
    return -(-longest // 60) + SPARE_MINUTES if longest else 0


def _partition(cluster: ClusterSite) -> str:
    """Whose limit of time counts; a dash where ``extra`` names it in words of sbatch."""
    named = any(word.startswith(("-p", "--partition")) for word in cluster.extra)
    return "-" if named else cluster.partition


def _options(job: CommandJob, site: Site) -> list[str]:
    """sbatch's own: numbers of ours, and what the settings say."""
    cluster = site.cluster
    said = ["--open-mode=append", "--requeue", "--kill-on-invalid-dep=yes"]
    if job.after:
        said.append("--dependency=afterok:" + ":".join(job.after))
    for flag in ("partition", "account", "qos", "constraint"):
        value = getattr(cluster, flag)
        said += [f"--{flag}={value}"] if value else []
    if job.gpus and site.gpu_enabled and cluster.gres:
        said.append("--gres=" + cluster.gres.replace("{gpus}", str(job.gpus)))
    return [*said, *cluster.extra]


def _wrapped(job: CommandJob, site: Site) -> list[str]:
    """What comes before the job's own line: variables, and the container that it runs in."""
    variables = dict(job.env)
    if site.hf_cache:
        variables.setdefault("HF_HOME", site.hf_cache)
    env = ["env", *(f"{key}={value}" for key, value in variables.items())]
    mounts = [
        (site.workspace(job.name), WORKSPACE), (f"{site.root}/inputs", INPUTS), (site.repo, REPO),
        (site.checkpoints, CHECKPOINTS), (site.hf_cache, site.hf_cache),
    ]  # fmt: skip
    pairs = [f"{here}:{there}" for here, there in mounts if here]
    match site.cluster.container:
        case "pyxis":
            image = f"--container-image={_named(image_for(job, site), '#')}"
            return [*env, "srun", image, f"--container-mounts={','.join(pairs)}", "--ntasks=1"]
        case "apptainer":
            binds = [part for pair in pairs for part in ("--bind", pair)]
            gpus = ["--nv"] if job.gpus and site.gpu_enabled else []
            return [*env, "apptainer", "exec", *gpus, *binds,
                    _named(image_for(job, site), "docker://")]  # fmt: skip
    return env


def _named(image: str, how: str) -> str:
    """An image as the container's program names it: a file or an address as it is; one of a
    registry as docker://REGISTRY/IMAGE, or, for pyxis, REGISTRY#IMAGE."""
    registry, slash, rest = image.partition("/")
    if "://" in image or "#" in image or not registry or image.endswith((".sif", ".sqsh")):
        return image
    if how != "#":
        return how + image
    elsewhere = slash and ("." in registry or ":" in registry or registry == "localhost")
    return f"{registry}#{rest}" if elsewhere else image


def _below(root: str, path: str) -> str:
    return f"{root}/{path}" if path else root
