"""What one remote run costs beside its engine's time, against a script a person would write.

Both move three passes of 2 MB to a host behind 100 ms, start the same container, whose engine
needs no time, and bring its video of 2 MB home.  Both start from nothing, the connection included.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from need import need

from benchmarks.lab import PASSES, Lab, line_and_engine
from benchmarks.table import Row, in_turn, timed
from cosmos_workflow.connection.ssh import SshHost

ROUNDS = 5
GOAL_RATIO, GOAL_S, GOAL_COMMANDS = 0.7, 3.0, 6
SPEC_BYTES = 32_000
"""More than spec, scripts and the protocols around them; a hundredth of one input."""

SCRIPT = r"""
set -e
rsync -a -e "$SSH" "$@" "$HOST:$DIR/"
$SSH "$HOST" docker run --rm --ipc=host -v "$DIR:/job" "$IMAGE" \
  bash /job/inference.sh --controlnet_specs /job/spec.json --video_save_folder /job/outputs
rsync -a -e "$SSH" "$HOST:$DIR/outputs/" "$INTO/"
"""
"""What it says of itself: three logins, nothing verified, nothing that survives a lost line."""

SHARED = ' -o ControlMaster=auto -o ControlPersist=5 -o ControlPath="{}"'

STARTED = "Starting session: "

STAGES = {
    "Planned": "to start up and plan",
    "Transferring up": "to connect and look",
    "Staged": "to upload",
    "Submitted": "to submit",
    "JobEnded": "to run and follow",
    "Succeeded": "to download and verify",
    "end": "to end",
}
"""The event that ends each stage; the connection begins while the plan is made."""


def measure() -> Iterator[Row]:
    """Rows for the run, its commands, and the second run's upload."""
    with line_and_engine() as lab:
        image = lab.project.root.joinpath("config.toml").read_text().split('image = "')[1]
        script = _Script(lab, image.split('"')[0])
        ours, theirs, master = [], [], []
        for number in range(ROUNDS):
            spec = _spec(lab, number)
            for host in (lab.remote, lab.folder / "script", lab.folder / "shared"):
                shutil.rmtree(host, ignore_errors=True)
            ours.append(timed(lambda spec=spec: lab.cosmos("run", spec)))  # type: ignore[misc]
            theirs.append(timed(lambda: script("script")))
            master.append(timed(lambda: script("shared", shared=True)))
        yield from _compared(min(ours), min(theirs), min(master))
        yield from _where(lab)
        yield from _bounds(lab)
        yield from _second(lab)
        yield _commands(lab)


def _compared(ours: float, theirs: float, master: float) -> Iterator[Row]:
    yield Row(
        "overhead of one remote run, 3 inputs, 100 ms round trip", f"{ours:.2f} s",
        f"{GOAL_S:.0f} s or less", ours <= GOAL_S, "13.1 s, the public predecessor",
    )  # fmt: skip
    yield Row(
        "  against a script: rsync up, ssh docker run, rsync down", f"{ours / theirs:.2f}",
        f"{GOAL_RATIO} or less", ours / theirs <= GOAL_RATIO,
        f"{theirs:.2f} s; with a ControlMaster {master:.2f} s",
    )  # fmt: skip


class _Script:
    """The hand-written script, over the same line."""

    def __init__(self, lab: Lab, image: str) -> None:
        self.lab = lab
        self.image = image
        import cosmos_workflow.scripts

        scripts = Path(str(cosmos_workflow.scripts.__file__)).parent
        self.files = [*lab.videos, scripts / "inference.sh", lab.folder / "spec.json"]
        passes = {name: {"input_control": f"/job/{name}.mp4"} for name in PASSES}
        (lab.folder / "spec.json").write_text(json.dumps(passes))

    def __call__(self, name: str, *, shared: bool = False) -> None:
        into = self.lab.folder / f"result-{name}"
        shutil.rmtree(into, ignore_errors=True)
        host = self.lab.folder / name
        ssh = shlex.join(self.lab.ssh)
        if shared:
            ssh += SHARED.format(self.lab.folder / f"master-{time.monotonic_ns()}")
        subprocess.run(
            ["sh", "-c", SCRIPT, "sh", *map(str, self.files)],
            env={
                "PATH": "/usr/local/bin:/usr/bin:/bin", "SSH": ssh, "HOST": self.lab.server.host,
                "DIR": str(host), "IMAGE": self.image, "INTO": str(into),
            },
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        assert (into / "output.mp4").stat().st_size == self.lab.videos[0].stat().st_size


def _spec(lab: Lab, seed: int) -> str:
    """The id of a RunSpec of the three passes."""
    color, depth, seg = (f"shot/{name}.mp4" for name in PASSES)
    make = lab.project.json
    prompt = make(
        "create-spec", "street", "a wet street at night", "--input-video", color,
        "--control-inputs", f"depth:{depth}", "--control-inputs", f"seg:{seg}",
    )[-1]["id"]  # fmt: skip
    spec = make("create-run", prompt, "--engine", "transfer1", "--seed", str(seed + 1))
    return str(spec[-1]["id"])


def _where(lab: Lab) -> Iterator[Row]:
    """Seconds by stage of the quickest of a few runs, from the times its events appear at."""
    found = [_stages(lab, _spec(lab, ROUNDS + number)) for number in range(3)]
    for name, seconds in min(found, key=lambda spent: sum(spent.values())).items():
        yield Row(f"  of it {name}", f"{seconds:.2f} s")


def _stages(lab: Lab, spec: str) -> dict[str, float]:
    shutil.rmtree(lab.remote, ignore_errors=True)
    last = time.perf_counter()
    spent: dict[str, float] = {}
    with lab.began("run", spec, "--json") as process:
        assert process.stdout is not None
        for text in process.stdout:
            event = json.loads(text)
            name = " ".join(filter(None, (event.get("event"), event.get("direction"))))
            if name in STAGES and STAGES[name] not in spent:
                now = time.perf_counter()
                spent[STAGES[name]], last = now - last, now
    return {**spent, STAGES["end"]: time.perf_counter() - last}


def _bounds(lab: Lab) -> Iterator[Row]:
    """What no client can go below on this line: logging in, and a command that does nothing."""
    host = SshHost("bench", lab.server.address(lab.link.port))
    login = timed(lambda: host.run(["true"]))
    nothing = in_turn([lambda: host.run(["true"])], ROUNDS)[0]
    host.close()
    yield Row("    for comparison: to connect and run true", f"{login:.2f} s")
    yield Row("    for comparison: true on the open connection", f"{nothing:.2f} s")
    argv = [need("ffmpeg"), "-v", "error", "-i", str(lab.videos[0]), "-f", "null", "-"]
    decode = in_turn([lambda: subprocess.run(argv, check=True)], ROUNDS)[0]
    yield Row("    for comparison: to decode the result once", f"{decode:.2f} s")


def _second(lab: Lab) -> Iterator[Row]:
    spec = _spec(lab, 2 * ROUNDS)
    before = lab.link.bytes_up
    events = lab.project.json("run", spec)
    crossed = lab.link.bytes_up - before
    sent = next(event["sent"] for event in events if event.get("event") == "Staged")
    yield Row(
        "bytes uploaded by a second run with the same inputs", f"{sent:,}", "only the spec",
        sent < SPEC_BYTES, f"everything again: {sum(v.stat().st_size for v in lab.videos):,}",
    )  # fmt: skip
    yield Row("  all that crossed the line upwards, SSH included", f"{crossed:,} bytes")


def _commands(lab: Lab) -> Row:
    """As the server counts them: every command or subsystem that it starts is in its log."""
    spec = _spec(lab, 2 * ROUNDS + 1)
    before = lab.server.log.read_text().count(STARTED)
    lab.cosmos("run", spec)
    count = lab.server.log.read_text().count(STARTED) - before
    return Row(
        "remote commands of one run", str(count), f"{GOAL_COMMANDS} or fewer",
        count <= GOAL_COMMANDS, "32, the public predecessor",
    )  # fmt: skip
