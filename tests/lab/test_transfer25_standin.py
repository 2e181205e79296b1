"""Transfer2.5's stand-in is as strict as the model: its words, its rules for a sample's JSON."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import images
import pytest
from dockerd import Docker
from project import video

import cosmos_workflow.scripts
from cosmos_workflow.engines.transfer25 import Transfer25
from cosmos_workflow.events import Blocked, JobEnded, RemoteFile, Succeeded
from cosmos_workflow.execution.job import Place, fill, render
from tests.engine_samples import prompt_spec, request, smaller

SCRIPTS = Path(next(iter(cosmos_workflow.scripts.__path__)))


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(docker: Docker, tmp_path: Path) -> Run:
    """Runs samples, written to /run/specs; returns what was said."""
    image = images.transfer25(docker)
    video(tmp_path / "specs" / "in.mp4", "testsrc", frames=6)
    video(tmp_path / "specs" / "short.mp4", "testsrc", frames=4)

    def start(*samples: dict[str, Any], flags: tuple[str, ...] = (), env: str = "A=1") -> Ran:
        paths = []
        for number, one in enumerate(samples):
            path = tmp_path / "specs" / f"{number}.json"
            path.write_text(json.dumps({"name": f"s{number}", **one}))
            paths.append(f"/run/specs/{number}.json")
        argv = [
            docker.program, "run", "--rm", "--init", "-e", "PYTHONPATH=/workspace", "-e", env,
            f"-v{tmp_path}:/run", image, "python", "examples/inference.py", "-i", *paths,
            "-o", "/run/out", *flags,
        ]  # fmt: skip
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
        return Ran(done.returncode, done.stdout, done.stderr)

    return start


GOOD: dict[str, Any] = {
    "prompt": "a street", "video_path": "in.mp4", "num_steps": 2, "edge": {}
}  # fmt: skip


def test_paths_are_found_from_the_file_and_typing_errors_in_a_control_are_silent(
    run: Run, tmp_path: Path
) -> None:
    done = run({**GOOD, "guidance": 3.0, "edge": {"control_wait": 0.1}})
    assert done.code == 0, done.err
    said = json.loads((tmp_path / "out" / "s0.json").read_text())
    assert said["edge"]["control_weight"] == 1.0
    assert said["guidance"] == 3
    assert "Generating chunk" not in done.out, "only at length, and in debug.log"
    assert "Generating chunk 1/1" in (tmp_path / "out" / "debug.log").read_text()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fps": 24}, "fps\n  Extra inputs are not permitted [type=extra_forbidden"),
        ({"output_dir": "x"}, "output_dir\n  Extra inputs are not permitted"),
        ({"keypoint": {}}, "keypoint\n  Extra inputs are not permitted"),
        ({"guidance": 3.5}, "guidance\n  Input should be a valid integer, got a number with a"),
        ({"guidance": 8}, "guidance\n  Input should be less than or equal to 7"),
        ({"resolution": 720}, "resolution\n  Input should be a valid string"),
        ({"sigma_max": 80}, "sigma_max\n  Input should be a valid string"),
        ({"context_frame_index": 0}, "context_frame_index\n  Input should be greater than 0"),
        ({"num_conditional_frames": 3}, "Input should be 0, 1 or 2"),
        ({"edge": {"control_weight": 1.5}}, "edge.control_weight\n  Input should be less than"),
        ({"edge": {"control_path": "no.mp4"}}, "Path does not point to a file"),
        ({"video_path": "/specs/in.mp4"}, "video_path\n  Path does not point to a file"),
        ({"edge": None}, "No controls provided"),
        ({"vis": {}, "image_context_path": "in.mp4"}, "both used to transfer style"),
    ],
)
def test_what_is_refused(run: Run, tmp_path: Path, change: dict[str, Any], words: str) -> None:
    done = run({**GOOD, **change})
    assert done.code == 1
    assert "Error validating parameters from '/run/specs/0.json' at line 0" in done.err
    assert words in done.err
    assert not (tmp_path / "out").exists(), "before anything is loaded"


def test_names_and_lengths(run: Run) -> None:
    assert "is not unique" in run({**GOOD, "name": "s1"}, GOOD).err
    short = run({**GOOD, "edge": {"control_path": "short.mp4"}})
    assert (short.code, "No input frames; cannot pad" in short.err) == (1, True)


def test_a_refusal_leaves_exit_code_0(run: Run, tmp_path: Path) -> None:
    bad = {**GOOD, "prompt": "a [[blockvideo]]"}
    done = run(bad, GOOD)
    assert done.code == 0
    assert "GUARDRAIL BLOCKED" not in done.out
    out = tmp_path / "out"
    assert "GUARDRAIL BLOCKED: VIDEOCONTENTSAFETYFILTER" in (out / "debug.log").read_text()
    assert (out / "s0.json").exists() and (out / "s0_control_edge.mp4").exists()
    assert (out / "s1.mp4").exists() and not (out / "s0.mp4").exists()
    stopped = run(bad, GOOD, flags=("--no-keep-going",))
    assert stopped.code == 1
    assert "Exception: Guardrail blocked video2world generation." in stopped.err
    assert "GUARDRAIL BLOCKED" in run(bad, env="COSMOS_VERBOSE=1").out


def test_other_controls_in_one_job_load_all_branches(run: Run, tmp_path: Path) -> None:
    done = run(GOOD, {**GOOD, "edge": None, "vis": {}})
    assert "Loading the multicontrol model" in done.out
    assert json.loads((tmp_path / "out" / "config.yaml").read_text())["branches"] == [
        "edge", "vis", "depth", "seg",
    ]  # fmt: skip


def test_the_distilled_model_has_to_be_allowed(run: Run) -> None:
    flags = ("--model", "edge/distilled")
    assert run(GOOD, flags=flags).code != 0
    assert run(GOOD, flags=flags, env="COSMOS_EXPERIMENTAL_CHECKPOINTS=1").code == 0


def test_several_runs_in_one_job(docker: Docker, tmp_path: Path) -> None:
    """As the engine plans it: each run has its own video and its own verdict."""
    engine, folder = Transfer25(), tmp_path / "run"
    texts = ("one", "two [[block]]", "three")
    asked = [
        request(
            engine, prompt_spec(text, controls=["depth"]), parameters={"num_steps": 1},
            media={name: smaller(frames=6) for name in ("color", "depth")},
        )
        for text in texts
    ]  # fmt: skip
    job = engine.plan(asked)

    def where(place: Place) -> str:
        names = {item.key: item.name for item in job.inputs}
        return f"/run/{names[place.path] if place.root == 'input' else place.path}"

    for item in job.inputs:
        video(folder / item.name, "testsrc", frames=6)
    for file in job.files:
        source = SCRIPTS / file.script if file.script else None
        text = source.read_text() if source else render(file, where)
        (folder / file.path).write_text(text)
    env = [part for key, value in job.env.items() for part in ("-e", f"{key}={value}")]
    argv = [
        docker.program, "run", "--rm", "--init", *env, f"-v{folder}:/run",
        images.transfer25(docker), *fill(job.argv, where),
    ]  # fmt: skip
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout
    files = tuple(
        RemoteFile(str(path.relative_to(folder)), path.stat().st_size, "a" * 64)
        for path in sorted((folder / "outputs").iterdir())
    )
    log = done.stdout.splitlines()
    verdicts = [engine.verdict(one.run_id, JobEnded(0, "exited", files), log) for one in asked]
    assert [type(verdict) for verdict in verdicts] == [Succeeded, Blocked, Succeeded]
    assert isinstance(verdicts[2], Succeeded)
    assert verdicts[2].outputs[0].path == job.outputs[asked[2].run_id][0]
    fractions = [said.fraction for line in log if (said := engine.progress(line))]
    known = [fraction for fraction in fractions if fraction is not None]
    assert known == sorted(known)
    assert known[-1] == 0.95
