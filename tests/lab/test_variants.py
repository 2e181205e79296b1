"""Every way to run Transfer1, typed as a user does, on a model as strict as the real one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from project import Project, video
from scene import facts

from cosmos_workflow.video.probe import probe

CASES: dict[str, tuple[dict[str, str], tuple[str, ...], dict[str, Any]]] = {
    # what is given to create-spec; flags of create-run; hints and settings that the model must have
    "several controls": (
        {"depth": "depth", "segmentation": "seg", "edge": "edge", "vis": "vis"},
        ("--weights", "0.1", "0.2", "0.3", "0.4", "--seed", "7", "--steps", "9",
         "--guidance", "3.5"),
        {
            "seed": 7, "num_steps": 9, "guidance": 3.5,
            "hints": {"vis": 0.1, "edge": 0.2, "depth": 0.3, "seg": 0.4},
        },
    ),
    "edges at a threshold": (
        {},
        ("--weight", "edge=0.5", "--option", "auto=edge", "--canny-threshold", "high"),
        {"canny_threshold": "high", "hints": {"edge": 0.5}},
    ),
    "controls that the model makes": (
        {},
        ("--weight", "vis=0.5", "--weight", "depth=0.5", "--option", "auto=vis,depth",
         "--blur-strength", "low"),
        {"blur_strength": "low", "hints": {"vis": 0.5, "depth": 0.5}},
    ),
    "distilled": (
        {"edge": "edge"},
        ("--weight", "edge=1", "--option", "use_distilled=true"),
        {"num_steps": 1, "use_distilled": True, "hints": {"edge": 1.0}},
    ),
    "driving": (
        {"hdmap": "depth", "lidar": "edge"},
        ("--weight", "hdmap=0.3", "--weight", "lidar=0.7", "--option", "is_av_sample=true",
         "--sigma-max", "80"),
        {"is_av_sample": True, "sigma_max": 80.0, "hints": {"hdmap": 0.3, "lidar": 0.7}},
    ),
    "people": (
        {"keypoint": "depth"}, ("--weight", "keypoint=0.8"), {"hints": {"keypoint": 0.8}},
    ),
    "a weight map": (
        {"depth": "depth"}, ("--weight", "depth=shot/mask.pt"), {"hints": {"depth": ".pt"}},
    ),
}  # fmt: skip


def shot(project: Project) -> Path:
    """Further controls beside the project's color and depth."""
    folder = project.root / "shot"
    for name in ("seg", "edge", "vis"):
        video(folder / f"{name}.mp4", "smptebars")
    (folder / "mask.pt").write_bytes(b"PK a weight map")
    return folder


def made(project: Project, controls: Mapping[str, str], flags: tuple[str, ...]) -> str:
    """The id of a RunSpec."""
    given = [f"{kind}:shot/{name}.mp4" for kind, name in controls.items()]
    more = ["--control-inputs", *given] if given else []
    prompt = project.json("create-spec", "v", "a car", "--input-video", "shot/color.mp4", *more)
    return str(project.json("create-run", prompt[-1]["id"], *flags)[-1]["id"])


def result(project: Project, spec: str) -> Path:
    """The video of a run that succeeded."""
    folder = project.run(spec)
    return folder.path / folder.run().outputs[0].path


@pytest.mark.parametrize("name", CASES)
def test_the_model_gets_what_was_asked(remote: Project, name: str) -> None:
    controls, flags, wanted = CASES[name]
    shot(remote)
    spec = made(remote, controls, flags)
    remote.cosmos("run", spec)
    got = facts(result(remote, spec))
    settings = {key: value for key, value in wanted.items() if key != "hints"}
    assert {key: got[key] for key in settings} == settings
    weights = {hint: told["control_weight"] for hint, told in got["hints"].items()}
    if wanted["hints"] == {"depth": ".pt"}:
        assert weights["depth"].endswith(".pt")
    else:
        assert {hint: float(weight) for hint, weight in weights.items()} == wanted["hints"]


def test_words_for_a_part_of_the_picture(remote: Project) -> None:
    video(remote.root / "shot" / "color.mp4", "testsrc2", frames=121)
    video(remote.root / "shot" / "depth.mp4", "gradients", frames=121)
    regions = json.dumps([{"prompt": "a red door", "box": [0.1, 0.1, 0.5, 0.9]}])
    flags = ("--weight", "depth=0.5", "--option", f"regional_prompts={regions}")
    spec = made(remote, {"depth": "depth"}, flags)
    remote.cosmos("run", spec)
    assert probe(result(remote, spec)).frames == 121


def test_two_gpus(remote: Project) -> None:
    spec = made(remote, {"depth": "depth"}, ("--weight", "depth=0.5"))
    remote.cosmos("run", spec, "--num-gpu", "2")
    assert facts(result(remote, spec))["num_gpus"] == 2


def test_a_video_that_no_decoder_there_likes(remote: Project) -> None:
    """Full range and 4:4:4: a copy that is neither is made here and sent."""
    path = remote.root / "shot" / "color.mp4"
    video(path, "testsrc2", coding=("-pix_fmt", "yuvj444p", "-color_range", "pc"))
    assert not probe(path).plain
    spec = made(remote, {"depth": "depth"}, ("--weight", "depth=0.5"))
    remote.cosmos("run", spec)
    assert probe(result(remote, spec)).frames == 12


def test_upscale_a_run_and_a_video(remote: Project) -> None:
    spec = made(remote, {"depth": "depth"}, ("--weight", "depth=0.5"))
    remote.cosmos("run", spec)
    for what in (spec, "shot/color.mp4"):
        lines = remote.json("upscale", what, "--upscale-weight", "0.6")
        video_4k = Path(lines[-1]["video"])
        assert (probe(video_4k).width, probe(video_4k).height) == (3840, 2112)
        told = facts(video_4k)
        assert float(told["hints"]["upscale"]["control_weight"]) == 0.6
        assert told["num_steps"] == 10
