"""The Cosmos 3 framework through the command line, over SSH and Docker, against its stand-in."""

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
from need import need
from project import Project, remote_config, video
from sshd import Sshd

from cosmos_workflow.events import Blocked, ExecutionStatus
from cosmos_workflow.workflows import compare


@pytest.fixture(scope="session")
def image(docker: Docker) -> str:
    return images.cosmos3(docker)


@pytest.fixture
def gpu(project: Project, shared_sshd: Sshd, image: str, tmp_path: Path) -> Project:
    """A project whose default target is behind SSH, with Docker and the stand-in."""
    project.configure(remote_config(shared_sshd, tmp_path / "host dir", image))
    return project


def told(project: Project, spec: str) -> dict[str, Any]:
    """What the stand-in was told, from the comment of its video."""
    folder = project.run(spec)
    run = folder.run()
    assert run.status is ExecutionStatus.SUCCESS, run.message
    argv = [need("ffprobe"), "-v", "error", "-show_entries", "format_tags=comment", "-of", "json"]
    argv.append(str(folder.path / run.outputs[0].path))
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    return dict(json.loads(json.loads(done.stdout)["format"]["tags"]["comment"]))


def words(project: Project, prompt: str, *args: str, frames: int = 5) -> str:
    """A run from words alone."""
    made = project.json("create-spec", "words", prompt)[-1]
    more = ("--option", f"num_frames={frames}", "--option", "resolution=256", "--steps", "2", *args)
    return str(project.json("create-run", made["id"], "--engine", "cosmos3", *more)[-1]["id"])


def test_a_transfer_comes_home(gpu: Project) -> None:
    one = gpu.spec(
        "a wet street", "--weight", "depth=0.4", "--weight", "edge=0.6", "--seed", "11",
        "--steps", "3", "--option", "num_video_frames_per_chunk=5", engine="cosmos3",
    )  # fmt: skip
    gpu.cosmos("run", one)
    said = told(gpu, one)
    assert (said["seed"], said["num_steps"], said["checkpoint"]) == (11, 3, "Cosmos3-Nano")
    assert said["depth"]["weight"] == 0.4
    used = {row.name: row.used for row in compare.of_run(gpu.run(one))}
    assert (used["seed"], used["num_steps"]) == (11, 3), "as the model echoes it"
    assert said["edge"]["preset_edge_threshold"] == "medium"
    assert "steps.py: sample 1/1 chunk 3/3 step 3/3" in gpu.run(one).log_lines()
    names = {Path(output.path).name for output in gpu.run(one).run().outputs}
    assert any("sample_outputs" in name for name in names)


def test_words_alone_and_a_caption(gpu: Project) -> None:
    one = words(gpu, '{"description": "a wet street"}')
    gpu.cosmos("run", one)
    said = told(gpu, one)
    assert said["model_mode"] == "text2video"
    assert json.loads(said["prompt"]) == {"description": "a wet street"}


def test_an_image_and_a_video_go_on(gpu: Project) -> None:
    still = gpu.root / "still.png"
    video(gpu.root / "shot" / "one.mp4", "testsrc", frames=1)
    argv = [need("ffmpeg"), "-v", "error", "-i", str(gpu.root / "shot" / "one.mp4"), str(still)]
    subprocess.run(argv, check=True)
    one = words(gpu, "a street", "--option", "image_path=still.png", "--option", "model=edge")
    gpu.cosmos("run", one)
    said = told(gpu, one)
    assert (said["model_mode"], said["checkpoint"]) == ("image2video", "Cosmos3-Edge")
    made = gpu.json("create-spec", "on", "a street", "--input-video", "shot/color.mp4")[-1]
    more = ("--option", "num_frames=5", "--option", "resolution=256", "--steps", "2")
    two = str(gpu.json("create-run", made["id"], "--engine", "cosmos3", *more)[-1]["id"])
    gpu.cosmos("run", two)
    assert told(gpu, two)["model_mode"] == "video2video"


def test_super_is_shared_out(gpu: Project) -> None:
    one = words(gpu, "a street", "--option", "model=super")
    assert "shares out" in gpu.cosmos("run", one, code=3).stderr
    gpu.cosmos("run", one, "--num-gpu", "2")
    assert told(gpu, one)["checkpoint"] == "Cosmos3-Super"


@pytest.mark.parametrize(
    ("prompt", "what"),
    [("a [[block]]\nGuardrail", "prompt"), ("a [[blockvideo]]", "generated video")],
)
def test_a_refusal_is_no_crash(gpu: Project, prompt: str, what: str) -> None:
    one = words(gpu, prompt)
    gpu.cosmos("run", one, code=None)
    folder = gpu.run(one)
    assert folder.run().status is ExecutionStatus.BLOCKED
    said = next(event for event, _ in folder.events() if isinstance(event, Blocked))
    assert said.what == what
    assert said.by in ("Qwen3Guard", "video content safety filter")


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("[[oom]]", "32 GB of weights"),
        ("[[nooutput]]", "without outputs/"),
        ("[[exit=5]]", "exit code 5"),
        ("[[fulldisk]]", "the disk of the host is full"),
    ],
)
def test_what_went_wrong_and_what_to_do(gpu: Project, prompt: str, expected: str) -> None:
    one = words(gpu, prompt)
    gpu.cosmos("run", one, code=None)
    run = gpu.run(one).run()
    assert run.status is ExecutionStatus.FAILED
    assert expected in f"{run.message} {run.hint}"


# -- the stand-in itself --------------------------------------------------------------------------


@dataclass(frozen=True)
class Ran:
    code: int
    err: str


@pytest.fixture
def run(docker: Docker, image: str, tmp_path: Path) -> Callable[..., Ran]:
    """Runs one sample, written to /run/specs."""
    video(tmp_path / "specs" / "in.mp4", "testsrc", frames=6)

    def start(sample: dict[str, Any], *flags: str) -> Ran:
        (tmp_path / "specs" / "s.json").write_text(json.dumps(sample))
        argv = [
            docker.program, "run", "--rm", "--init", f"-v{tmp_path}:/run", image, "python", "-m",
            "cosmos_framework.scripts.inference", "-i", "/run/specs/s.json", "-o", "/run/out",
            "--checkpoint-path", "Cosmos3-Nano", *flags,
        ]  # fmt: skip
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
        return Ran(done.returncode, done.stderr)

    return start


GOOD: dict[str, Any] = {
    "prompt": "a street", "vision_path": "in.mp4", "num_steps": 2, "resolution": "256",
    "num_frames": 6,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"sigma": 1}, "sigma\n  Extra inputs are not permitted"),
        ({"edge": {"control_weight": 1}}, "edge.control_weight\n  Extra inputs are not permitted"),
        ({"edge": {"weight": -1}}, "edge.weight\n  Input should be greater than or equal to 0"),
        ({"resolution": 720}, "resolution\n  Input should be '256', '480'"),
        ({"aspect_ratio": "16:9"}, "aspect_ratio\n  Input should be"),
        ({"guidance": 7.5}, "guidance\n  Input should be less than or equal to 7"),
        ({"fps": 23.976}, "fps\n  Input should be a valid integer"),
        ({"vision_path": "no.mp4"}, "Path does not point to a file: no.mp4"),
        ({"max_frames": 5}, "requires at least one control hint"),
        ({"vision_path": None, "edge": {}}, "requires 'vision_path' or a pre-computed"),
        ({"depth": {}}, "Missing pre-computed control input for 'depth'"),
    ],
)
def test_what_is_refused(run: Callable[..., Ran], change: dict[str, Any], expected: str) -> None:
    done = run({**GOOD, **change})
    assert (done.code, expected in done.err) == (1, True), done.err


def test_frames_are_rounded_and_a_refusal_leaves_no_account(
    run: Callable[..., Ran], tmp_path: Path
) -> None:
    assert run(GOOD).code == 0
    account = tmp_path / "out" / "s" / "sample_outputs.json"
    said = json.loads(account.read_text())
    assert (said["status"], said["args"]["num_frames"]) == ("success", 9)
    account.unlink()
    assert run({**GOOD, "prompt": "[[block]]"}, "--keep-going").code == 0
    assert not account.exists(), "only its log says so"
    left_out = {**GOOD, "vision_path": None, "edge": {}}
    assert run(left_out, "--skip-invalid-samples").code == 0
    assert json.loads(account.read_text())["status"] == "skip"


def test_many_share_a_model_and_one_that_is_refused_costs_only_itself(gpu: Project) -> None:
    text = (gpu.root / "config.toml").read_text()
    gpu.configure(text + "\n[queue]\nretry_pause = 0.1\n")
    first, bad, last = (words(gpu, text) for text in ("a lake", "a [[block]] lake", "a sea"))
    shot = gpu.spec("a street", "--steps", "2", engine="cosmos3")
    said = gpu.cosmos("batch", first, bad, last, shot, code=6)
    assert "1 of 4 runs did not succeed" in said.stderr
    assert told(gpu, first)["prompt"] == "a lake"
    assert gpu.run(bad).run().status is ExecutionStatus.BLOCKED
    assert told(gpu, last)["prompt"] == "a sea", "in the same job, which went on"
    assert gpu.run(first).job().name == gpu.run(bad).job().name == gpu.run(last).job().name
    assert gpu.run(shot).job().name != gpu.run(first).job().name
    assert told(gpu, shot)["prompt"] == "a street"


def test_an_image_of_several_comes_home_while_the_job_goes_on(gpu: Project) -> None:
    first, last = words(gpu, "a lake", frames=1), words(gpu, "a sea [[slow=6]]", frames=1)
    gpu.cosmos("batch", first, last)
    ends = [gpu.run(one).run().ended or 0.0 for one in (first, last)]
    assert ends[1] - ends[0] > 4
    assert gpu.run(first).run().outputs[0].path.endswith(".jpg")
