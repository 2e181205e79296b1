"""Transfer2.5 through the command line, over SSH and Docker, against its stand-in."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import images
import pytest
from dockerd import Docker
from need import need
from project import Project, remote_config, video
from sshd import Sshd

from cosmos_workflow.events import Blocked, ExecutionStatus, Progress
from cosmos_workflow.workflows import compare


@pytest.fixture(scope="session")
def image(docker: Docker) -> str:
    return images.transfer25(docker)


@pytest.fixture
def gpu(project: Project, shared_sshd: Sshd, image: str, tmp_path: Path) -> Project:
    """A project whose default target is behind SSH, with Docker and the stand-in."""
    project.configure(remote_config(shared_sshd, tmp_path / "host dir", image))
    return project


def told(path: Path) -> dict[str, Any]:
    """What the stand-in was told, from the comment of its video."""
    argv = [need("ffprobe"), "-v", "error", "-show_entries", "format_tags=comment", "-of", "json"]
    done = subprocess.run([*argv, str(path)], capture_output=True, text=True, check=True)
    return dict(json.loads(json.loads(done.stdout)["format"]["tags"]["comment"]))


def spec(project: Project, prompt: str, *args: str) -> str:
    return project.spec(prompt, *args, engine="transfer25")


def test_a_run_comes_home(gpu: Project) -> None:
    one = spec(gpu, "a wet street", "--weight", "depth=0.4", "--seed", "11", "--steps", "4")
    gpu.cosmos("run", one)
    folder = gpu.run(one)
    run = folder.run()
    assert run.status is ExecutionStatus.SUCCESS
    result = folder.path / run.outputs[0].path
    said = told(result)
    assert (said["seed"], said["guidance"], said["num_steps"]) == (11, 3, 4)
    assert said["depth"]["control_weight"] == 0.4
    assert said["branches"] == ["depth"]
    used = {row.name: row.used for row in compare.of_run(folder)}
    assert (used["seed"], used["num_steps"]) == (11, 4), "as the model echoes it"
    assert {Path(output.path).suffix for output in run.outputs} == {".mp4", ".json", ".txt"}
    assert "steps.py: sample 1/1 chunk 1/1 step 4/4" in folder.log_lines()
    steps = [event for event, _ in folder.events() if isinstance(event, Progress)]
    assert any(event.stage == "sampling" for event in steps)
    fractions = [event.fraction for event in steps if event.fraction is not None]
    assert fractions == sorted(fractions)


def test_every_kind_of_input_at_once(gpu: Project) -> None:
    video(gpu.root / "masks" / "road.mp4", "testsrc")
    (gpu.root / "dusk.png").write_bytes(_png())
    one = spec(
        gpu, "a wet street", "--weight", "depth=0.9", "--weight", "edge=0.5", "--steps", "1",
        "--sigma-max", "90", "--canny-threshold", "high",
        "--option", "mask_path=depth=masks/road.mp4", "--option", "mask_prompt=edge=car",
        "--option", "image_context_path=dusk.png",
        "--option", "guided_generation_mask=masks/road.mp4",
    )  # fmt: skip
    gpu.cosmos("run", one)
    folder = gpu.run(one)
    said = told(folder.path / folder.run().outputs[0].path)
    assert said["sigma_max"] == "90"
    assert said["edge"]["preset_edge_threshold"] == "high"
    assert said["edge"]["mask_prompt"] == "car"
    assert said["depth"]["mask_path"].endswith("depth_mask.mp4")
    assert said["image_context_path"].endswith("style.png")
    assert said["guided_generation_mask"].endswith("guide.mp4")
    assert said["branches"] == ["edge", "vis", "depth", "seg"]


def _png() -> bytes:
    done = subprocess.run(
        [need("ffmpeg"), "-v", "error", "-f", "lavfi", "-i", "color=c=red:s=64x36", "-frames:v",
         "1", "-f", "image2pipe", "-c:v", "png", "-"],
        capture_output=True, check=True,
    )  # fmt: skip
    return done.stdout


def test_the_distilled_model(gpu: Project) -> None:
    one = spec(gpu, "a street", "--weight", "edge=1", "--option", "use_distilled=true")
    gpu.cosmos("run", one)
    said = told(gpu.run(one).path / gpu.run(one).run().outputs[0].path)
    assert (said["model"], said["num_steps"]) == ("edge/distilled", 4)


def test_guidance_is_whole_before_anything_is_sent(gpu: Project) -> None:
    made = gpu.json("create-spec", "street", "a street", "--input-video", "shot/color.mp4")[-1]
    refused = gpu.cosmos(
        "create-run", made["id"], "--engine", "transfer25", "--weight", "edge=1",
        "--guidance", "3.5", code=3,
    )  # fmt: skip
    assert "no whole number" in refused.stderr


def refused(project: Project, spec: str) -> Blocked:
    folder = project.run(spec)
    assert folder.run().status is ExecutionStatus.BLOCKED
    return next(event for event, _ in folder.events() if isinstance(event, Blocked))


@pytest.mark.parametrize(
    ("prompt", "what"),
    [("a [[block]]", "prompt"), ("a [[blockvideo]]", "generated video")],
)
def test_a_refusal_is_no_crash(gpu: Project, prompt: str, what: str) -> None:
    one = spec(gpu, prompt, "--steps", "1")
    gpu.cosmos("run", one, code=None)
    assert refused(gpu, one).what == what


def test_a_refused_negative_prompt_is_named(gpu: Project) -> None:
    made = gpu.json(
        "create-spec", "street", "a street", "--negative-prompt", "no [[block]]",
        "--input-video", "shot/color.mp4",
    )[-1]  # fmt: skip
    one = gpu.json("create-run", made["id"], "--engine", "transfer25", "--weight", "edge=1")[-1]
    gpu.cosmos("run", str(one["id"]), code=None)
    assert refused(gpu, str(one["id"])).what == "negative prompt"


@pytest.mark.parametrize("word", ["block", "blockvideo"])
def test_a_refusal_on_several_gpus_ends_the_job(gpu: Project, word: str) -> None:
    """The first process alone knows of it: without --no-keep-going the others would hang."""
    one = spec(gpu, f"a [[{word}]]", "--steps", "1")
    gpu.cosmos("run", one, "--num-gpu", "2", code=None)
    assert gpu.run(one).run().status is ExecutionStatus.BLOCKED


def test_two_gpus(gpu: Project) -> None:
    one = spec(gpu, "a street", "--steps", "3")
    gpu.cosmos("run", one, "--num-gpu", "2")
    log = "\n".join(gpu.run(one).log_lines())
    assert log.count("step 2/3") == 1, "two processes draw one bar each; it is told once"


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("[[oom]]", "65.4 GB"),
        ("[[gated]]", "accept the licence"),
        ("[[nooutput]]", "without outputs/"),
        ("[[exit=5]]", "exit code 5"),
        ("[[fulldisk]]", "the disk of the host is full"),
    ],
)
def test_what_went_wrong_and_what_to_do(gpu: Project, prompt: str, words: str) -> None:
    one = spec(gpu, prompt, "--steps", "1")
    gpu.cosmos("run", one, code=None)
    run = gpu.run(one).run()
    assert run.status is ExecutionStatus.FAILED
    assert words in f"{run.message} {run.hint}"


def test_another_model_in_the_image_is_said(
    gpu: Project, shared_sshd: Sshd, model_image: str, tmp_path: Path
) -> None:
    gpu.configure(remote_config(shared_sshd, tmp_path / "host dir", model_image))
    one = spec(gpu, "a street")
    gpu.cosmos("run", one, code=None)
    assert "Transfer2.5 is not in /workspace" in gpu.run(one).run().message
