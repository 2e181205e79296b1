"""Asks a machine for its facts in one command, and reads the answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from cosmos_workflow.execution.facts import (
    Checkpoint,
    Cluster,
    ClusterJob,
    Container,
    Disk,
    DockerEngine,
    Gpu,
    HostFacts,
    Image,
    Partition,
)
from cosmos_workflow.execution.launcher import Site

NODE_STATES: Mapping[str, str] = {
    "idle": "idle", "mix": "mixed", "alloc": "allocated", "comp": "allocated", "resv": "allocated",
}  # fmt: skip
"""What a node does, by sinfo's word for it; all others are of no use now."""

PROBE = r"""
root=$1 checkpoints=$2 python=$3 docker=$4 images=$5; shift 5
dir=$(mktemp -d) || exit 73
trap 'rm -rf "$dir"' EXIT
have() { command -v "$1" >/dev/null 2>&1; }

if [ "$docker" = yes ] && have docker; then
  { docker version -f '{{.Client.Version}}|{{.Server.Version}}' 2>"$dir/why" || sed 1q "$dir/why"
  } >"$dir/10version" &
  { docker info -f '{{range $name, $x := .Runtimes}}{{$name}} {{end}}' 2>/dev/null
    for tool in nvidia-container-runtime-hook nvidia-container-toolkit nvidia-container-cli; do
      have "$tool" && echo "$tool"
    done; } >"$dir/11runtimes" &
  while [ "$images" -gt 0 ]; do
    docker image inspect -f "{{.Id}} {{.Size}}{{range .RepoDigests}} {{.}}{{end}}" "$1" \
      >"$dir/20image.$images" 2>/dev/null || echo - >"$dir/20image.$images"
    printf '%s\n' "$1" >>"$dir/20image.$images"
    images=$((images - 1)); shift
  done
  docker ps --filter label=cosmos.job --format \
    '{{.Names}}|{{.Label "cosmos.run"}}|{{.Label "cosmos.job"}}|{{.Status}}' \
    >"$dir/30containers" 2>/dev/null &
else
  shift "$images"
fi
if [ "$docker" = cluster ]; then
  { timeout 10 sinfo -h -o '%P|%a|%D|%t|%G' 2>"$dir/why2" || echo "!$(tail -n 1 "$dir/why2")"
  } >"$dir/31partitions" &
  timeout 10 squeue -h -u "$(id -un)" -o '%i|%j|%T|%r' >"$dir/32jobs" 2>/dev/null &
fi
if have nvidia-smi; then
  nvidia-smi --format=csv,noheader,nounits \
    --query-gpu=index,name,memory.total,memory.used,memory.free,utilization.gpu \
    >"$dir/40gpu" 2>&1 &
fi
{ uname -sm; uname -n; } >"$dir/50system"
{ nproc || getconf _NPROCESSORS_ONLN; } >"$dir/51cpus" 2>/dev/null
sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo >"$dir/52memory" 2>/dev/null
"$python" --version >"$dir/53python" 2>&1
rsync --version 2>/dev/null | sed 1q >"$dir/54rsync"
for program in rsync docker nvidia-smi sha256sum shasum mkfifo timeout setsid base64 git-lfs \
  ffmpeg sbatch squeue scontrol scancel flock
do have "$program" && echo "$program"; done >"$dir/55programs"
place=$root
while [ ! -d "$place" ]; do
  case $place in / | .) break ;; esac
  place=$(dirname "$place")
done
{ [ -w "$place" ] && echo yes || echo no; df -Pk "$place" 2>/dev/null | sed 1d
  printf '%s\n' "$place"; } >"$dir/56disk"
if [ -n "$checkpoints" ]; then
  { [ -d "$checkpoints" ] && echo yes || echo no
    for file do
      path=$checkpoints/$file
      if [ -d "$path" ]; then kind=folder size=0
      elif [ ! -e "$path" ]; then kind=missing size=0
      else
        size=$(($(wc -c <"$path"))) kind=file
        if [ "$size" -lt 1024 ]; then
          case $(head -c 40 "$path" | tr -d '\0') in
            'version https://git-lfs'*) kind=pointer ;;
          esac
        fi
      fi
      printf '%s %s %s\n' "$kind" "$size" "$file"
    done; } >"$dir/60checkpoints"
fi
wait
date +%s >"$dir/70clock"
for file in "$dir"/[0-9]*; do
  name=${file##*/[0-9][0-9]}
  printf '@@%s\n' "${name%%.*}"
  cat "$file"
done
"""
"""PROBE ROOT CHECKPOINTS PYTHON ENGINE(yes|no|cluster) COUNT IMAGE... FILE...

Sections ``@@name`` on stdout.  A program that is missing leaves its section out or empty; slow
ones run beside each other.
"""


def probe(
    site: Site,
    files: Sequence[str] = (),
    *,
    images: Sequence[str] | None = None,
    cluster: bool = False,
) -> Sequence[str]:
    """The command; ``files`` are relative to the checkpoint folder; ``images`` None: no docker."""
    docker = "cluster" if cluster else "no" if images is None else "yes"
    images = images or ()
    return [
        "sh", "-c", PROBE, "sh", site.root, site.checkpoints, site.python, docker,
        str(len(images)), *images, *files,
    ]  # fmt: skip


def read_probe(text: str) -> HostFacts:
    """What the command printed.  Sections that are missing or odd leave their fact empty."""
    parts = _sections(text)

    def first(name: str) -> str:
        return next(iter(parts.get(name, [[]])[0]), "")

    system = [*parts.get("system", [[]])[0], "", ""]
    gpus, gpu_error = _gpus(parts.get("gpu", [[]])[0])
    checkpoints = parts.get("checkpoints", [None])[0]
    return HostFacts(
        system=system[0],
        hostname=system[1],
        cpus=_number(first("cpus")) or 0,
        memory=(_number(first("memory")) or 0) * 1024,
        clock=float(clock) if (clock := first("clock")) else None,
        python=first("python").removeprefix("Python ") if "ython" in first("python") else "",
        rsync=_rsync(first("rsync")),
        programs=frozenset(parts.get("programs", [[]])[0]),
        disk=_disk(parts.get("disk", [[]])[0]),
        cluster=_cluster(parts) if "partitions" in parts else None,
        docker=_engine(parts) if "version" in parts else None,
        images=tuple(_image(lines) for lines in reversed(parts.get("image", [])) if lines),
        containers=tuple(_container(line) for line in parts.get("containers", [[]])[0]),
        gpus=gpus,
        gpu_error=gpu_error,
        checkpoints_folder=None if checkpoints is None else checkpoints[:1] == ["yes"],
        checkpoints=tuple(_checkpoint(line) for line in (checkpoints or [])[1:]),
    )


def _sections(text: str) -> dict[str, list[list[str]]]:
    parts: dict[str, list[list[str]]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith("@@"):
            lines = []
            parts.setdefault(line[2:], []).append(lines)
        elif line.strip():
            lines.append(line.strip())
    return parts


def _cluster(parts: dict[str, list[list[str]]]) -> Cluster:
    lines = parts["partitions"][0]
    if any(line.startswith("!") for line in lines):
        return Cluster(error=lines[-1].removeprefix("!").removeprefix("sinfo: ") or "no answer")
    found: dict[str, Partition] = {}
    for line in lines:
        name, up, nodes, state, gres = (line + "||||").split("|")[:5]
        name = name.removesuffix("*")
        known = found.get(name, Partition(name, up == "up"))
        does = NODE_STATES.get(state.rstrip("*~#!%$@^-+"), "down")
        gres = known.gres or gres.removeprefix("(null)")
        count = getattr(known, does) + (_number(nodes) or 0)
        found[name] = replace(known, gres=gres, **{does: count})
    rows = (line.split("|", 3) for line in parts.get("jobs", [[]])[0])
    jobs = (_job(*row) for row in rows if len(row) == 4 and row[1].startswith("rs_"))
    return Cluster(tuple(found.values()), tuple(jobs))


def _job(number: str, name: str, state: str, reason: str) -> ClusterJob:
    waits = state != "RUNNING" and reason != "None"
    count = sum(1 for _ in each(number))
    return ClusterJob(number, name, state.lower(), reason if waits else "", count)


def each(numbers: str) -> Iterator[str]:
    """The jobs of a row of squeue: 12, 12_3, or those of an array that wait: 12_[4-6,9%2]."""
    base, bracket, rest = numbers.partition("_[")
    if not bracket:
        yield numbers
        return
    for part in rest.rstrip("]").partition("%")[0].split(","):
        first, _, last = part.partition("-")
        yield from (f"{base}_{place}" for place in range(int(first), int(last or first) + 1))


def _number(text: str) -> int | None:
    return int(text) if text.strip().isdigit() else None


def _rsync(line: str) -> str:
    words = line.split()
    return words[words.index("version") + 1] if "version" in words else ""


def _disk(lines: Sequence[str]) -> Disk | None:
    """``yes``, the line of ``df -Pk`` (device, blocks, used, free, ...), the folder."""
    if len(lines) < 3:
        return None
    # A device may have spaces in its name: numbers are counted from the percentage.
    words = lines[1].split()
    share = next((n for n, word in enumerate(words) if word.endswith("%")), -1)
    if share < 4:
        return None
    total, free = int(words[share - 3]) * 1024, int(words[share - 1]) * 1024
    return Disk(lines[-1], total, free, writable=lines[0] == "yes")


def _engine(parts: dict[str, list[list[str]]]) -> DockerEngine:
    lines = parts["version"][0]
    client, _, server = (lines[0] if lines else "").partition("|")
    words = [word for line in parts.get("runtimes", [[]])[0] for word in line.split()]
    error = "" if server else next((line for line in lines if "|" not in line), "no answer")
    return DockerEngine(
        client=client if "|" in (lines[0] if lines else "") else "",
        server=server,
        runtimes=tuple(word for word in words if not word.startswith("nvidia-container")),
        nvidia=any(word.startswith("nvidia") for word in words),
        error=error,
    )


def _image(lines: Sequence[str]) -> Image:
    words = lines[0].split()
    if len(words) < 2:
        return Image(lines[-1])
    return Image(lines[-1], words[0], int(words[1]), tuple(words[2:]))


def _container(line: str) -> Container:
    name, run, job, status = (line + "|||").split("|")[:4]
    return Container(name, run, job, status)


def _gpus(lines: Sequence[str]) -> tuple[tuple[Gpu, ...], str]:
    rows = [[cell.strip() for cell in line.split(",")] for line in lines]
    good = [row for row in rows if len(row) >= 6 and row[0].isdigit()]
    if not good:
        return (), lines[0] if lines else ""
    return tuple(
        Gpu(int(row[0]), ", ".join(row[1:-4]), *(_number(cell) for cell in row[-4:]))
        for row in good
    ), ""


def _checkpoint(line: str) -> Checkpoint:
    kind, size, path = line.split(" ", 2)
    assert kind in ("file", "folder", "pointer", "missing")
    return Checkpoint(path, kind, int(size))  # type: ignore[arg-type]
