"""The shell launcher: a job as a plain detached process that outlives whoever started it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cosmos_workflow.errors import SubmissionRejected
from cosmos_workflow.execution.facts import HostFacts
from cosmos_workflow.execution.job import CommandJob, Place, fill
from cosmos_workflow.execution.launcher import Site, State
from cosmos_workflow.execution.probe import probe, read_probe

BORN = r"""
born() { # born PID: when it started, so that a reused number is not taken for it; empty: dead
  if [ -r /proc/self/stat ]; then
    IFS= read -r stat 2>/dev/null <"/proc/$1/stat" || return 0
    set -- ${stat##*') '}
    case $1 in Z | X) return 0 ;; esac
    printf '%s' "${20}"
  else
    ps -o stat=,lstart= -p "$1" | { read -r stat when; case $stat in Z*) ;; *)
      printf '%s' "$when" | tr ' ' _ ;; esac; }
  fi
} 2>/dev/null
"""

DETACHED = (
    BORN
    + r"""
ws=$1; shift
mkdir "$ws/launched" 2>/dev/null || exit 0
printf '%s:%s\n' "$$" "$(born $$)" >"$ws/pid.part" && mv -f "$ws/pid.part" "$ws/pid" || exit 73
exec "$@"
"""
)
"""DETACHED WORKSPACE ARGV...: takes the lock, says who it is, becomes the job."""

START = r"""
inner=$1 ws=$2 dir=$3; shift 3
cd "$dir" || exit 66
[ -d "$ws" ] || { printf 'no such folder: %s\n' "$ws" >&2; exit 66; }
if [ ! -e "$ws/pid" ]; then
  if command -v setsid >/dev/null 2>&1; then
    setsid sh -c "$inner" sh "$ws" "$@" </dev/null >/dev/null 2>&1 &
  elif command -v python3 >/dev/null 2>&1; then
    python3 -c 'import os, sys
os.setsid()
os.execvp(sys.argv[1], sys.argv[1:])' sh -c "$inner" sh "$ws" "$@" </dev/null >/dev/null 2>&1 &
  else
    echo 'there is neither setsid nor python3' >&2
    exit 69
  fi
  turns=100
  while [ ! -e "$ws/pid" ] && [ "$turns" -gt 0 ]; do
    sleep 0.05 2>/dev/null || sleep 1
    turns=$((turns - 1))
  done
fi
cat "$ws/pid" || exit 70
"""
"""START DETACHED WORKSPACE FOLDER ARGV...: prints ``pid:start``, also of a job started before."""

STATE = (
    BORN
    + r"""
ws=$1 ref=$2
pid=${ref%%:*}
if [ ! -e "$ws/exit_code" ] && [ "$(born "$pid")" = "${ref#*:}" ]; then echo running; exit 0; fi
if [ -e "$ws/exit_code" ]; then printf 'exited %s\n' "$(cat "$ws/exit_code")"; else echo gone; fi
exit 1
"""
)

STOP = (
    BORN
    + r"""
ws=$1 ref=$2
[ ! -d "$ws" ] || [ -e "$ws/exit_code" ] || printf '' >"$ws/cancelled"
[ -n "$ref" ] || ref=$(cat "$ws/pid" 2>/dev/null) || exit 0
pid=${ref%%:*}
alive() { [ "$(born "$pid")" = "${ref#*:}" ]; }
alive || exit 0
kill -TERM "$pid" 2>/dev/null
turns=75
while alive && [ "$turns" -gt 0 ]; do
  sleep 0.2 2>/dev/null || { sleep 1; turns=$((turns - 4)); }
  turns=$((turns - 1))
done
kill -KILL "-$pid" 2>/dev/null
exit 0
"""
)
"""STOP WORKSPACE REF: run-job.sh ends the tree on TERM; what is left of its group is killed.

Without a REF it is whatever was started there; nothing that was not started yet will be.
"""

REMAINS = (
    BORN
    + r"""
alive() { ref=$(cat "$1/pid" 2>/dev/null) && [ "$(born "${ref%%:*}")" = "${ref#*:}" ]; }
case $1 in
  alive) alive "$2" ;;
  forget)
    ! alive "$2" || { echo 'its process is running' >&2; exit 1; }
    rm -rf "$2" ;;
esac
"""
)
"""REMAINS VERB FOLDER, see Launcher.remains: all that there is lies in the workspace."""


class ShellLauncher:
    """Starts, finds, watches and stops plain processes, each the leader of its own session."""

    name = "shell"
    secrets = "pipe"
    programs: Mapping[str, str] = {}
    elsewhere = False
    queues = False

    def place(self, job: CommandJob, site: Site, place: Place) -> str:
        """The path on the machine; an input that the job does not have raises KeyError."""
        match place.root:
            case "workspace":
                return _below(site.workspace(job.name), place.path)
            case "input":
                item = {item.key: item for item in job.inputs}[place.path]
                return f"{site.root}/inputs/{item.sha256}/{item.name}"
            case "checkpoints":
                return _below(site.checkpoints or "checkpoints", place.path)
            case "python":
                return site.python

    def files(self, job: CommandJob, site: Site) -> Mapping[str, bytes]:
        """Nothing: all is in the command."""
        return {}

    def start(self, job: CommandJob, site: Site) -> Sequence[str]:
        """Prints ``pid:start``; the job's folder, or the model's code, is its working directory."""
        workspace = site.workspace(job.name)
        argv = [str(arg) for arg in fill(job.argv, lambda place: self.place(job, site, place))]
        variables = dict(job.env)
        if job.cuda_devices and site.gpu_enabled:
            variables.setdefault("CUDA_VISIBLE_DEVICES", job.cuda_devices)
        if site.hf_cache:
            variables.setdefault("HF_HOME", site.hf_cache)
        return [
            "sh", "-c", START, "sh", DETACHED, workspace, site.repo or workspace,
            "env", *(f"{key}={value}" for key, value in variables.items()),
            "sh", f"{workspace}/run-job.sh", workspace, str(job.time_limit),
            str(len(job.secrets)), "--", *argv,
        ]  # fmt: skip

    def ref(self, stdout: str) -> str:
        """``pid:start``."""
        return stdout.split()[-1]

    def state(self, job_name: str, ref: str, site: Site) -> Sequence[str]:
        """Prints ``running``, ``exited CODE`` or ``gone``; exits 0 only while it runs."""
        return ["sh", "-c", STATE, "sh", site.workspace(job_name), ref]

    def read_state(self, stdout: str) -> State:
        """What ``state`` printed."""
        words = stdout.split()
        if words[:1] == ["running"]:
            return State("running")
        if words[:1] == ["exited"]:
            return State("exited", int(words[1]))
        return State("gone")

    def waits(self, stdout: str) -> str:
        """It runs as soon as it is started."""
        return ""

    def stop(self, job_name: str, ref: str, site: Site) -> Sequence[str]:
        """TERM to the job, KILL to its group after 15 s; leaves the mark ``cancelled``."""
        return ["sh", "-c", STOP, "sh", site.workspace(job_name), ref]

    def remains(self) -> str:
        """The script that looks after the workspace of a job that is over."""
        return REMAINS

    def rejection(self, stderr: str, exit_code: int) -> SubmissionRejected:
        """Why the process did not start, and what to do."""
        said = stderr.strip() or f"exit code {exit_code}"
        return SubmissionRejected(
            f"the job could not be started: {said}",
            hint={
                66: "is the folder named in the settings (remote_dir, repo) on the machine?",
                69: "install util-linux (setsid) or python3 on the machine",
            }.get(exit_code, "cosmos doctor looks at what the machine needs"),
        )

    def probe(self, site: Site, files: Sequence[str] = (), image: str = "") -> Sequence[str]:
        """The command that prints what ``read_probe`` reads; ``image`` is of no use here."""
        return probe(site, files)

    def read_probe(self, stdout: str) -> HostFacts:
        """What ``probe`` printed."""
        return read_probe(stdout)


def _below(root: str, path: str) -> str:
    return f"{root}/{path}" if path else root
