"""The docker launcher: a job as a detached, labelled container that is found again by its name."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

from cosmos_workflow.errors import ConfigError, SubmissionRejected
from cosmos_workflow.execution.docker_command import DockerCommandBuilder
from cosmos_workflow.execution.docker_refusals import rejection
from cosmos_workflow.execution.facts import HostFacts
from cosmos_workflow.execution.job import CommandJob, Place, fill
from cosmos_workflow.execution.launcher import Site, State
from cosmos_workflow.execution.probe import probe, read_probe

WORKSPACE = "/cosmos/run"
INPUTS = "/cosmos/inputs"
REPO = "/workspace"
CHECKPOINTS = "/workspace/checkpoints"

START = r"""
name=$1; shift
look() { docker container inspect -f "$1" "$name" 2>/dev/null; }

exec 3>&1
error=$("$@" 2>&1 >&3 3>&- </dev/null)
code=$?
exec 3>&-
case $code,$error in
  0,*)
    [ -z "$error" ] || printf '%s\n' "$error" >&2
    exit 0 ;;
  *'is already in use by container'*)
    turns=50
    while [ "$turns" -gt 0 ]; do
      status=$(look '{{.State.Status}}')
      case $status in
        '') ;;
        created)
          if [ "$turns" -lt 30 ]; then
            error=$(docker start "$name" 2>&1 >/dev/null) && { look '{{.Id}}'; exit; }
          fi ;;
        *) look '{{.Id}}'; exit ;;
      esac
      sleep 0.1 2>/dev/null || sleep 1
      turns=$((turns - 1))
    done ;;
  *) [ "$(look '{{.State.Status}}')" != created ] || docker rm "$name" >/dev/null 2>&1 ;;
esac
printf '%s\n' "$error" >&2
exit "$code"
"""
"""START NAME DOCKER RUN...: prints the container's id.

The name is the lock: who comes second is told the first one's id, and waits for it, since Docker
takes the name before it knows the container.  A container that was made but never ran (the client
went away between the two) is started; one that cannot start is removed, so that it does not stand
in the way of the next try.
"""

STATE = r"""
if said=$(docker container inspect \
    -f '{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}}' "$1" 2>&1); then
  printf '%s\n' "$said"
  case $said in exited*|dead*|removing*) exit 1 ;; esac
  exit 0
fi
case $said in *'No such'*) echo gone; exit 1 ;; esac
if [ -e "$2/exit_code" ]; then echo gone; exit 1; fi
echo unknown
"""
"""STATE CONTAINER WORKSPACE: status, exit code, out of memory; exits 0 while it is alive.

An engine that does not answer is no sign that the job is over: that is ``unknown``, and alive.
"""

STOP = r"""
[ ! -d "$2" ] || [ -e "$2/exit_code" ] || printf '' >"$2/cancelled"
said=$(docker stop -t 10 "$1" 2>&1) && exit 0
case $said in *'No such'*) exit 0 ;; esac
printf '%s\n' "$said" >&2
exit 1
"""
"""STOP CONTAINER WORKSPACE: a job that is over, or gone, is no error."""

REMAINS = r"""
verb=$1 ws=$2 job=${2##*/}
boxes() { docker ps "$@" --no-trunc -q --filter "label=cosmos.job=$job"; }
look() { docker container inspect "$@" 2>/dev/null; }
case $verb in
  alive) running=$(boxes) || exit 0; [ -n "$running" ] ;;
  sizes) for box in $(boxes -a); do look -s -f '{{.SizeRw}}' "$box"; done ;;
  forget)
    running=$(boxes) && all=$(boxes -a) || exit 1
    [ -z "$running" ] || { echo 'its container is running' >&2; exit 1; }
    rm -rf "$ws" 2>/dev/null || for box in $all; do
      docker run --rm --pull=never --network=none --user=0:0 --volumes-from="$box" \
        --entrypoint=sh "$(look -f '{{.Image}}' "$box")" \
        -c 'cd /cosmos/run && rm -rf ..?* .[!.]* *' >/dev/null || exit 1
    done
    rm -rf "$ws" && { [ -z "$all" ] || docker rm $all >/dev/null; } ;;
  strays)
    ended=$(docker ps -aq --filter label=cosmos.job --filter status=exited)
    at='{{if eq .Destination "/cosmos/run"}}{{println .Source}}{{end}}'
    [ -z "$ended" ] || look -f "{{range .Mounts}}$at{{end}}" $ended | grep . ;;
esac
"""
"""REMAINS VERB FOLDER, see Launcher.remains.

What a container's root has written may be out of our reach: then a container of the same image and
with the same folders removes it.
"""


class DockerLauncher:
    """Starts, finds, watches and stops containers through the ``docker`` program of the host."""

    name = "docker"
    secrets = "pipe"
    programs: Mapping[str, str] = {}
    elsewhere = False
    queues = False

    def place(self, job: CommandJob, site: Site, place: Place) -> str:
        """The path inside the container; an input that the job does not have raises KeyError."""
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
        """Nothing: all is in the command."""
        return {}

    def start(self, job: CommandJob, site: Site) -> Sequence[str]:
        """Prints the container's id, also when the job was started before."""
        name = container_name(job.name)
        return ["sh", "-c", START, "sh", name, *self._run(job, site, name)]

    def _run(self, job: CommandJob, site: Site, name: str) -> list[str]:
        command = DockerCommandBuilder(image_for(job, site)).detach().init().never_pull().name(name)
        runs = sorted(job.outputs)
        command.label("cosmos.run", ",".join(runs)).label("cosmos.job", job.name)
        command.label("cosmos.attempt", ",".join(run.rpartition(".")[2] for run in runs))
        if site.shm_size:
            command.shm_size(site.shm_size)
        else:
            command.ipc_host()
        _add_gpus(command, job, site)
        _add_folders(command, job, site)
        for key, value in job.env.items():
            command.add_environment(key, value)
        argv = [str(arg) for arg in fill(job.argv, lambda place: self.place(job, site, place))]
        shell = ["sh"]
        if job.port:
            _add_network(command, site)
            shell = []
        return command.set_command(
            *shell, f"{WORKSPACE}/run-job.sh", WORKSPACE, str(job.time_limit),
            str(len(job.secrets)), "--", *argv,
        ).build()  # fmt: skip

    def ref(self, stdout: str) -> str:
        """The container's id."""
        return stdout.split()[-1]

    def state(self, job_name: str, ref: str, site: Site) -> Sequence[str]:
        """Prints the container's status; exits 0 only while it is alive."""
        container = ref or container_name(job_name)
        return ["sh", "-c", STATE, "sh", container, site.workspace(job_name)]

    def read_state(self, stdout: str) -> State:
        """What ``state`` printed."""
        words = stdout.split()
        if not words or words[0] == "gone":
            return State("gone")
        if words[0] in ("exited", "dead", "removing"):
            return State("exited", int(words[1]), oom=words[2] == "true")
        return State("running")

    def waits(self, stdout: str) -> str:
        """It runs as soon as it is started."""
        return ""

    def stop(self, job_name: str, ref: str, site: Site) -> Sequence[str]:
        """TERM, and KILL 10 s later; leaves the mark ``cancelled`` in the workspace."""
        container = ref or container_name(job_name)
        return ["sh", "-c", STOP, "sh", container, site.workspace(job_name)]

    def remains(self) -> str:
        """The script that looks after the workspace and container of a job that is over."""
        return REMAINS

    def rejection(self, stderr: str, exit_code: int) -> SubmissionRejected:
        """Why the container did not start, and what to do."""
        return rejection(stderr, exit_code)

    def probe(self, site: Site, files: Sequence[str] = (), image: str = "") -> Sequence[str]:
        """The command that prints what ``read_probe`` reads."""
        images = [image, site.image, *site.images.values()]
        return probe(site, files, images=[name for name in dict.fromkeys(images) if name])

    def read_probe(self, stdout: str) -> HostFacts:
        """What ``probe`` printed."""
        return read_probe(stdout)


def container_name(job_name: str) -> str:
    """``cosmos-<job>``; a job with letters that docker refuses gets a hash for them."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", job_name)
    if plain != job_name:
        plain += "-" + hashlib.sha256(job_name.encode()).hexdigest()[:8]
    return f"cosmos-{plain}"


def image_for(job: CommandJob, site: Site) -> str:
    """The site's image for the engine, else the site's, else the engine's own choice.

    Raises ConfigError when nobody names one.
    """
    image = site.images.get(job.engine) or site.image or job.image
    if not image:
        raise ConfigError(
            f"no container image is known for the engine {job.engine}",
            hint=f"name one: [docker] image, or images.{job.engine} of the target; or launcher = "
            '"shell" there, to run without a container',
        )
    return image


def _add_gpus(command: DockerCommandBuilder, job: CommandJob, site: Site) -> None:
    if not site.gpu_enabled or job.gpus == 0:
        return
    command.with_gpu(job.cuda_devices or job.gpus)
    # Docker shows the chosen ones as 0, 1, ...: the host's own numbers mean nothing in there.
    command.add_environment("CUDA_VISIBLE_DEVICES", ",".join(str(n) for n in range(job.gpus)))


def _add_network(command: DockerCommandBuilder, site: Site) -> None:
    """A server: it listens on the machine's loopback, and reads inputs by the machine's paths.

    Images of servers often have the server as their entry point.
    """
    command.network_host().entrypoint("sh")
    command.add_volume(f"{site.root}/inputs", f"{site.root}/inputs", read_only=True)


def _add_folders(command: DockerCommandBuilder, job: CommandJob, site: Site) -> None:
    command.add_volume(site.workspace(job.name), WORKSPACE)
    if job.inputs:
        command.add_volume(f"{site.root}/inputs", INPUTS, read_only=True)
    if site.repo:
        command.add_volume(site.repo, REPO).workdir(REPO)
    if site.checkpoints:
        command.add_volume(site.checkpoints, CHECKPOINTS)
    if site.hf_cache:
        # Only root can look into /root, whoever owns what is mounted there.
        cache = "/cosmos/huggingface" if site.user else "/root/.cache/huggingface"
        command.add_volume(site.hf_cache, cache).add_environment("HF_HOME", cache)
    if site.user:
        command.user(site.user).add_environment("HOME", "/tmp")


def _below(root: str, path: str) -> str:
    return f"{root}/{path}" if path else root
