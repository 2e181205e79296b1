"""The slurm launcher: a job as a batch job of a cluster, whose queue it lives in without us.

The workspace lies on a file system that all nodes see.  The number of the batch job is written
there, by whoever knows it first: the one who submits, or the job itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cosmos_workflow.errors import SubmissionRejected
from cosmos_workflow.events import Reason
from cosmos_workflow.execution.docker import CHECKPOINTS, INPUTS, REPO, WORKSPACE, image_for
from cosmos_workflow.execution.facts import HostFacts
from cosmos_workflow.execution.job import CommandJob, Place, fill
from cosmos_workflow.execution.launcher import Site, State
from cosmos_workflow.execution.probe import probe, read_probe
from cosmos_workflow.execution.shell import ShellLauncher

ALIVE = frozenset((
    "PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED", "REQUEUED", "REQUEUE_HOLD",
    "REQUEUE_FED", "RESIZING", "SIGNALING", "STAGE_OUT", "STOPPED", "SPECIAL_EXIT", "RESV_DEL_HOLD",
    "UNKNOWN",
))  # fmt: skip
"""States of Slurm in which a job is not over.  UNKNOWN is ours: the cluster does not answer."""

ENDS: Mapping[str, Reason | None] = {
    "COMPLETED": None, "FAILED": None, "CANCELLED": "cancelled", "TIMEOUT": "timeout",
    "DEADLINE": "timeout", "OUT_OF_MEMORY": "oom", "NODE_FAIL": "node_failed",
    "BOOT_FAIL": "node_failed", "PREEMPTED": "preempted", "REVOKED": "cancelled",
}  # fmt: skip
"""How jobs end, and what that is to us; None: by themselves, see the exit code."""

WAITS = ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "SUSPENDED")

PROGRAMS: Mapping[str, str] = {
    **dict.fromkeys(("sbatch", "squeue", "scontrol", "scancel"), "Slurm (slurm-client)"),
    "flock": "util-linux",
}

SPARE_MINUTES = 5
"""That a job may take longer than its own limit: run-job.sh ends it, and says why."""

BATCH = r"""#!/bin/bash
# slurm-job.sh WORKSPACE COUNT MODULE... ARGV...: the batch script of every job.
ws=$1 count=$2; shift 2
printf '%s\n' "$SLURM_JOB_ID" >"$ws/.slurm_id.$$" && mv -f "$ws/.slurm_id.$$" "$ws/slurm_id"
[ ! -e "$ws/exit_code" ] || exit 0
if [ -e "$ws/cancelled" ]; then printf '143\n' >"$ws/exit_code"; exit 143; fi
restarts=${SLURM_RESTART_COUNT:-0}
last=-1
read -r last 2>/dev/null <"$ws/attempt"
[ "$restarts" -ge "$last" ] || exit 143
printf '%s\n' "$restarts" >"$ws/.attempt" && mv -f "$ws/.attempt" "$ws/attempt" || exit 73
if [ "$restarts" -gt 0 ]; then
  # One that did not say its end may live on where nobody can reach it: it sees the number.
  [ ! -e "$ws/started" ] || [ -e "$ws/stopped" ] || sleep 6
  [ ! -e "$ws/exit_code" ] || exit 0
  rm -rf "$ws/started" "$ws/stopped" "$ws/timed_out" "$ws/said"
  printf 'slurm-job: attempt %s, on %s\n' "$((restarts + 1))" "$SLURMD_NODENAME" >>"$ws/job.log"
fi
if [ "$count" -gt 0 ]; then
  type module >/dev/null 2>&1 || . /etc/profile.d/modules.sh || exit 125
  while [ "$count" -gt 0 ]; do
    module load "$1" >>"$ws/job.log" 2>&1 || exit 125
    shift; count=$((count - 1))
  done
fi
export COSMOS_ATTEMPT="$restarts"
exec "$@"
"""
"""It writes down which job it is, and sets the marks of an attempt aside that was taken off its
node.  COSMOS_ATTEMPT: run-job.sh leaves no exit code when it is ended from outside, and ends when
the workspace has another number."""

START = r"""
ws=$1 name=$2 batch=$3; shift 3
cd "$ws" || exit 66
told() { [ -s slurm_id ] && cat slurm_id; }
told && exit 0
exec 9>launch.lock || exit 73 # one at a time submits; the lock ends with its process
flock -w 90 9 || exit 75
told && exit 0
if ! mkdir launched 2>/dev/null; then
  # Somebody was here before and did not come to write it down: is it in the queue?
  id=$(timeout 30 squeue -h -o %A -n "$name" 2>&1) || { printf '%s\n' "$id" >&2; exit 75; }
  told && exit 0
  id=${id%%[!0-9]*}
  if [ -n "$id" ]; then printf '%s\n' "$id" | tee slurm_id; exit 0; fi
  if [ -e started ] || [ -e exit_code ]; then echo 'it has run, and has no number' >&2; exit 70; fi
fi
printf '%s' "$batch" >slurm-job.sh || exit 73
id=$(timeout 60 sbatch --parsable "$@" 2>sbatch.err) || { code=$?; cat sbatch.err >&2; exit $code; }
printf '%s\n' "${id%%;*}" >.slurm_id.part && mv -f .slurm_id.part slurm_id
cat slurm_id
"""
"""START WORKSPACE NAME BATCH SBATCH-ARGS... SCRIPT ARGV...: prints the job's number, also of a
job that was submitted before."""

STATE = r"""
id=$1 ws=$2
[ -d "$ws" ] || { echo gone; exit 1; }
over() { [ -e "$ws/exit_code" ] && printf 'COMPLETED %s None\n' "$(cat "$ws/exit_code")"; }
[ -n "$id" ] || id=$(cat "$ws/slurm_id" 2>/dev/null)
if [ -n "$id" ] && said=$(timeout 30 scontrol show job -o "$id" 2>&1); then
  state=${said#*JobState=} reason=${said#*Reason=} code=${said#*ExitCode=}
  state=${state%% *}
  case " $3 " in *" $state "*) ! over || exit 1; alive=1 ;; *) alive= ;; esac
  printf '%s %s %s\n' "$state" "${code%%[: ]*}" "${reason%% *}"
  [ -n "$alive" ]; exit
fi
case $said in
  *'Invalid job id'*) ;;
  *) if [ -n "$id" ] && [ ! -e "$ws/exit_code" ]; then echo UNKNOWN; exit 0; fi ;;
esac
over || echo gone
exit 1
"""
"""STATE NUMBER WORKSPACE ALIVE: state, exit code, reason; exits 0 while it is not over.

A cluster forgets a job minutes after its end: then its files say what became of it.  One that does
not answer is no sign that the job is over.
"""

STOP = r"""
id=$1 ws=$2
[ ! -d "$ws" ] || [ -e "$ws/exit_code" ] || printf '' >"$ws/cancelled"
[ -n "$id" ] || id=$(cat "$ws/slurm_id" 2>/dev/null)
[ -n "$id" ] || exit 0
# The script ends its own tree on TERM; what is left of it after a while is killed.
timeout 30 scancel --batch --signal=TERM "$id" 2>/dev/null
turns=24
while [ "$turns" -gt 0 ] && [ -e "$ws/started" ] && [ ! -e "$ws/exit_code" ]; do
  sleep 0.5 2>/dev/null || { sleep 1; turns=$((turns - 1)); }
  turns=$((turns - 1))
done
said=$(timeout 30 scancel "$id" 2>&1) || case $said in
  *'Invalid job id'*|*already*) ;;
  *) printf '%s\n' "$said" >&2; exit 1 ;;
esac
rm -f "$ws/secrets"
"""
"""STOP NUMBER WORKSPACE: a job that is over is no error."""

REMAINS = r"""
alive() {
  id=$(cat "$1/slurm_id" 2>/dev/null) && [ -n "$id" ] && [ ! -e "$1/exit_code" ] || return 1
  said=$(timeout 30 squeue -h -j "$id" 2>&1) || case $said in *'Invalid job id'*) return 1 ;; esac
  [ -n "$said" ]
}
case $1 in
  alive) alive "$2" ;;
  forget) ! alive "$2" || { echo 'its job is waiting or running' >&2; exit 1; }; rm -rf "$2" ;;
esac
"""
"""REMAINS VERB FOLDER, see Launcher.remains: all that there is lies in the workspace."""


class SlurmLauncher:
    """Submits, finds, watches and cancels batch jobs through ``sbatch`` and its kin."""

    name = "slurm"
    secrets = "file"
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

    def start(self, job: CommandJob, site: Site) -> Sequence[str]:
        """Prints the number of the batch job, also when it was submitted before."""
        workspace, cluster = site.workspace(job.name), site.cluster
        argv = [str(arg) for arg in fill(job.argv, lambda place: self.place(job, site, place))]
        inside = workspace if cluster.container == "none" else WORKSPACE
        run = ["sh", f"{inside}/run-job.sh", inside, str(job.time_limit), str(len(job.secrets))]
        return [
            "sh", "-c", START, "sh", workspace, job.name, BATCH, *_options(job, site),
            f"{workspace}/slurm-job.sh", workspace, str(len(cluster.modules)), *cluster.modules,
            *_wrapped(job, site), *run, "--", *argv,
        ]  # fmt: skip

    def ref(self, stdout: str) -> str:
        """The number of the job."""
        return stdout.split()[-1]

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
        return State("exited", None if why else code, oom=why == "oom", why=why)

    def waits(self, stdout: str) -> str:
        """Why a job does not run yet, as ``state`` printed it."""
        words = stdout.split()
        if not words or words[0] not in WAITS:
            return ""
        reason = words[2] if len(words) > 2 and words[2] not in ("None", "(null)") else ""
        return f"in the queue of the cluster{f' ({reason})' if reason else ''}"

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
            75: "the cluster does not answer (squeue); the same command goes on later",
            124: "the cluster does not answer (sbatch); the same command goes on later",
            127: "is Slurm on that machine? sbatch, squeue, scontrol and scancel are needed",
        }.get(exit_code, "partition, account, qos and gres are set below [targets.NAME.slurm]")
        return SubmissionRejected(f"Slurm did not take the job: {said}", hint=hint)

    def probe(self, site: Site, files: Sequence[str] = (), image: str = "") -> Sequence[str]:
        """The command that prints what ``read_probe`` reads."""
        return probe(site, files)

    def read_probe(self, stdout: str) -> HostFacts:
        """What ``probe`` printed."""
        return read_probe(stdout)


def _options(job: CommandJob, site: Site) -> list[str]:
    """sbatch's own: names and numbers of ours, and what the settings say."""
    cluster, workspace = site.cluster, site.workspace(job.name)
    said = [
        f"--job-name={job.name}", f"--output={workspace}/slurm.out", "--open-mode=append",
        "--requeue", f"--chdir={site.repo or workspace}",
    ]  # fmt: skip
    for flag in ("partition", "account", "qos", "constraint"):
        value = getattr(cluster, flag)
        said += [f"--{flag}={value}"] if value else []
    if job.gpus and site.gpu_enabled and cluster.gres:
        said.append("--gres=" + cluster.gres.replace("{gpus}", str(job.gpus)))
    if job.time_limit:
        said.append(f"--time={-(-job.time_limit // 60) + SPARE_MINUTES}")
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
            image = f"--container-image={image_for(job, site)}"
            return [*env, "srun", image, f"--container-mounts={','.join(pairs)}", "--ntasks=1"]
        case "apptainer":
            binds = [part for pair in pairs for part in ("--bind", pair)]
            gpus = ["--nv"] if job.gpus and site.gpu_enabled else []
            return [*env, "apptainer", "exec", *gpus, *binds, image_for(job, site)]
    return env


def _below(root: str, path: str) -> str:
    return f"{root}/{path}" if path else root
