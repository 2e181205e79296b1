"""Transfer1's upsampler through the command line, over SSH and Docker, against its stand-in."""

from __future__ import annotations

import json
from pathlib import Path

import images
import pytest
from project import Project, remote_config, video
from sshd import Sshd

from cosmos_workflow.events import ExecutionStatus
from cosmos_workflow.runs.store import RunFolder

HOSTILE = "--offload=1 $(touch /tmp/x) `id` \"quoted\" 'single' {workspace} 夜の雨\n--prompt two\n"


def street(project: Project, prompt: str = "a wet street", *args: str) -> str:
    controls = args or ("--input-video", "shot/color.mp4")
    return str(project.json("create-spec", "street", prompt, *controls)[-1]["id"])


def last_run(project: Project) -> RunFolder:
    return max(project.store.folders(), key=lambda folder: folder.run().created or 0)


def test_a_prompt_becomes_a_new_one(remote: Project) -> None:
    before = street(remote)
    made = remote.json("enhance", before)[-1]
    assert made["prompt"] == (
        "The video shows a wet street. It was seen in 2 frames of 320x176. The camera moves slowly."
    )
    assert made["parent"] == before
    assert made["metadata"]["enhanced"] == {
        "engine": "enhance", "run": last_run(remote).id,
        "model": "Cosmos-UpsamplePrompt1-12B-Transfer",
    }  # fmt: skip
    run = last_run(remote).run()
    assert run.status is ExecutionStatus.SUCCESS
    assert [(one.media, Path(one.path).suffix) for one in run.outputs] == [("text", ".txt")]
    assert remote.json("enhance", before)[-1]["id"] == made["id"]
    assert len(remote.store.folders()) == 1, "the same is not asked twice"


def test_words_reach_the_model_as_they_are(remote: Project) -> None:
    flags = ("--input-video", "shot/color.mp4", "--json")
    done = remote.cosmos("create-spec", *flags, "--", "street", HOSTILE)
    made = remote.json("enhance", json.loads(done.stdout)["id"])[-1]
    assert " ".join(HOSTILE.split()) in made["prompt"]


def test_a_large_video_is_made_small(remote: Project) -> None:
    odd = ("-vf", "scale=1920:1080", "-pix_fmt", "yuv444p")
    video(remote.root / "shot" / "large.mp4", "testsrc2", 3, odd)
    before = street(remote, "a street", "--input-video", "shot/large.mp4")
    made = remote.json("enhance", before)[-1]
    assert "2 frames of 632x354" in made["prompt"]


def test_a_shot_without_colour_shows_a_control(remote: Project) -> None:
    before = street(remote, "a street", "--control-inputs", "depth:shot/depth.mp4")
    assert "2 frames of 320x176" in remote.json("enhance", before)[-1]["prompt"]
    none = str(remote.json("create-spec", "words", "a street")[-1]["id"])
    done = remote.cosmos("enhance", none, code=3)
    assert "--engine chat" in done.stderr


def test_an_unfinished_sentence_is_left_away(remote: Project) -> None:
    done = remote.cosmos("enhance", street(remote, "a street [[long]]"))
    assert "the last sentence has no end and was left away: And then the" in done.stdout
    (path,) = (remote.root / "inputs").rglob("street_enhanced*.json")
    assert json.loads(path.read_text())["prompt"].endswith("The light is soft.")


def test_a_refusal_is_no_crash(remote: Project) -> None:
    remote.cosmos("enhance", street(remote, "[[refuse]]"), code=6)
    assert last_run(remote).run().status is ExecutionStatus.BLOCKED


@pytest.mark.parametrize(
    ("prompt", "cause", "said"),
    [
        ("[[shared]]", "out_of_memory", "98 % of a GPU"),
        ("[[oom]]", "out_of_memory", "98 % of a GPU"),
        ("[[empty]]", "no_output", "said nothing"),
        ("[[exit=5]]", "engine", "exit code 5"),
        ("[[crash]]", "engine", "crashed (signal 11"),
        ("[[fulldisk]]", "engine", "the disk of the host is full"),
    ],
)
def test_what_went_wrong_and_what_to_do(
    remote: Project, prompt: str, cause: str, said: str
) -> None:
    done = remote.cosmos("enhance", street(remote, prompt), code=6)
    run = last_run(remote).run()
    assert (run.status, run.cause) == (ExecutionStatus.FAILED, cause), done.stdout
    assert said in f"{run.message} {run.hint}"


def test_missing_weights_are_named(
    project: Project, shared_sshd: Sshd, model_image: str, tmp_path: Path
) -> None:
    weights = images.make_checkpoints(tmp_path / "weights", missing=["consolidated.safetensors"])
    more = f'checkpoints = "{weights}"'
    folder = tmp_path / "host dir"
    project.configure(remote_config(shared_sshd, folder, model_image, more=more))
    project.cosmos("enhance", street(project), code=6)
    run = last_run(project).run()
    assert "download nvidia/Cosmos-UpsamplePrompt1-12B-Transfer" in run.hint


def test_another_model_in_the_image_is_said(
    project: Project, shared_sshd: Sshd, plain_image: str, tmp_path: Path
) -> None:
    project.configure(remote_config(shared_sshd, tmp_path / "host dir", plain_image))
    project.cosmos("enhance", street(project), code=6)
    assert last_run(project).run().status is ExecutionStatus.FAILED
