"""The stand-in model keeps the contract that it stands in for: its words, files and faults."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from dockerd import Docker
from images import make_checkpoints
from need import need

TRANSFER = "cosmos_transfer1/diffusion/inference/transfer.py"


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Model:
    """The stand-in's container with a folder mounted at /run."""

    docker: Docker
    image: str
    folder: Path

    def __call__(
        self, spec: dict[str, Any], *flags: str, gpus: int = 1, python: bool = False, **mounts: Path
    ) -> Ran:
        (self.folder / "spec.json").write_text(json.dumps(spec))
        start = ["python3"] if python else ["torchrun", f"--nproc_per_node={gpus}"]
        volumes = [f"-v{path}:/workspace/{name}" for name, path in mounts.items()]
        argv = [
            self.docker.program, "run", "--rm", "--init", "-e", "PYTHONPATH=/workspace",
            f"-v{self.folder}:/run", *volumes, self.image, *start, TRANSFER,
            "--controlnet_specs", "/run/spec.json", "--video_save_folder", "/run/out", *flags,
        ]  # fmt: skip
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
        return Ran(done.returncode, done.stdout, done.stderr)

    def comment(self, name: str = "output.mp4") -> dict[str, Any]:
        """The effective settings, from the video itself."""
        asked = ["-show_entries", "format_tags=comment", "-of", "json"]
        said = probe(self.folder / "out" / name, *asked)
        return dict(json.loads(said["format"]["tags"]["comment"]))


def probe(video: Path, *asked: str) -> dict[str, Any]:
    done = subprocess.run(
        [need("ffprobe"), "-v", "error", *asked, str(video)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def film(path: Path, frames: int = 12, size: str = "1280x704", pix_fmt: str = "yuv420p") -> Path:
    subprocess.run(
        [
            need("ffmpeg"), "-v", "error", "-y", "-f", "lavfi", "-i", f"testsrc=s={size}:r=24",
            "-frames:v", str(frames), "-c:v", "libx264", "-preset", "ultrafast",
            "-pix_fmt", pix_fmt, str(path),
        ],
        check=True,
    )  # fmt: skip
    return path


@pytest.fixture
def model(docker: Docker, model_image: str, tmp_path: Path) -> Model:
    film(tmp_path / "in.mp4")
    film(tmp_path / "depth.mp4", frames=10)
    return Model(docker, model_image, tmp_path)


def spec(**more: Any) -> dict[str, Any]:
    return {
        "prompt": "a street",
        "input_video_path": "/run/in.mp4",
        "depth": {"input_control": "/run/depth.mp4", "control_weight": 0.5},
        **more,
    }


def test_a_run(model: Model) -> None:
    done = model(spec(), "--seed", "7")
    assert done.code == 0, done.err
    said = probe(
        model.folder / "out/output.mp4", "-count_packets", "-of", "json",
        "-show_entries", "stream=codec_name,width,height,nb_read_packets,r_frame_rate",
    )["streams"][0]  # fmt: skip
    assert said == {
        "codec_name": "h264", "width": 1280, "height": 704, "r_frame_rate": "24/1",
        "nb_read_packets": "10",
    }  # fmt: skip
    assert (model.folder / "out/output.txt").read_text() == "a street"
    assert model.comment()["seed"] == 7
    milestones = [
        "running preprocessor", "Starting data augmentation", "Starting latent encoding",
        "Starting diffusion sampling", "Completed diffusion sampling", "Starting VAE decode",
        "Completed VAE decode", "Finish generation", "Run guardrail on generated videos",
        "Saved video to /run/out/output.mp4", "Saved prompt to /run/out/output.txt",
    ]  # fmt: skip
    at = [done.out.index(word) for word in milestones]
    assert at == sorted(at)
    assert re.search(
        r"^\[\d\d-\d\d \d\d:\d\d:\d\d\|INFO\|cosmos_transfer1/\S+:\d+:\w+\] ", done.out, re.M
    )
    assert "100%|" in done.err and "1/1" in done.err


def test_two_tokens_win_over_the_spec_and_an_equals_sign_does_not(model: Model) -> None:
    file = spec(seed=3, guidance=9.0, num_steps=2, unknown_word="kept")
    assert model(file, "--seed", "7", "--guidance=3", "--num_st", "4").code == 0
    said = model.comment()
    assert (said["seed"], said["guidance"], said["num_steps"]) == (7, 9.0, 2)
    assert said["unknown_word"] == "kept"


@pytest.mark.parametrize(
    ("change", "flags", "words"),
    [
        ({"deepness": {}}, (), "ValueError: Invalid hint_key: deepness. Must be one of {"),
        ({"input_video_path": ""}, (), "Must have 'input_video' specified if sigma_max < 80"),
        (
            {"input_video_path": "", "depth": {}}, ("--sigma_max", "80"),
            "depth controlnet must have 'input_control' video specified if no 'input_video'",
        ),
        ({}, ("--use_distilled",), "No default distilled checkpoint for depth"),
        (
            {"depth": {"control_weight": -1}}, (),
            "Control weight for depth must be a valid non-negative float or a path to a .pt file.",
        ),
        ({"depth": {"control_weight": "/run/no.pt"}}, (), "such file or directory: '/run/no.pt'"),
        ({"depth": {"input_control": "no.mp4"}}, (), "No such file or directory: 'no.mp4'"),
        ({"hdmap": {}}, (), "hdmap has no preprocessor"),
        ({}, ("--blur_strength", "huge"), "invalid choice: 'huge'"),
        ({}, ("--num_steps", "3.5"), "invalid int value: '3.5'"),
        ({}, ("--num_gpus", "2"), "world_size (1) is not divisible"),
        ({"regional_prompts": [{"prompt": "x"}]}, (), "not divisible by chunk_length 121"),
    ],
)  # fmt: skip
def test_what_is_refused(
    model: Model, change: dict[str, Any], flags: tuple[str, ...], words: str
) -> None:
    done = model(spec(**change), *flags)
    assert done.code == 1
    assert words in done.err
    assert "ChildFailedError" in done.err
    assert not (model.folder / "out").exists()


@pytest.mark.parametrize("pix_fmt", ["yuvj420p", "yuv444p"])
def test_a_coding_that_it_does_not_read(model: Model, pix_fmt: str) -> None:
    film(model.folder / "in.mp4", pix_fmt=pix_fmt)
    assert "Unsupported pixel format" in model(spec()).err


def test_only_torchrun_gives_a_rank(model: Model) -> None:
    assert "KeyError: 'RANK'" in model(spec(), "--upsample_prompt", python=True).err
    assert model(spec(), python=True).code == 0


def test_two_gpus(model: Model) -> None:
    film(model.folder / "depth.mp4", frames=12)
    done = model(spec(), "--num_gpus", "2", gpus=2)
    assert done.code == 0, done.err
    assert done.out.count("Saved video to") == 1


@pytest.mark.parametrize(("word", "who"), [("block", "BLOCKLIST"), ("blockvideo", "VIDEOCONTENT")])
def test_the_guardrail(model: Model, word: str, who: str) -> None:
    done = model(spec(prompt=f"a [[{word}]]"))
    assert done.code == 1
    assert f"GUARDRAIL BLOCKED: {who}" in done.out
    assert "|CRITICAL|" in done.out
    assert "Guardrail blocked generation for entire batch." in done.out
    assert "TypeError: cannot unpack non-iterable NoneType object" in done.err


def test_a_batch_and_how_a_refusal_shifts_it(model: Model) -> None:
    rows = [
        {"visual_input": "/run/in.mp4", "prompt": "one", "control_overrides": {"edge": {}}},
        {"visual_input": "/run/in.mp4", "prompt": "two [[block]]"},
        {
            "visual_input": "/run/in.mp4", "prompt": "three",
            "control_overrides": {"depth": {"control_weight": 0.9}},
        },
    ]  # fmt: skip
    (model.folder / "batch.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = model(spec(), "--batch_input_path", "/run/batch.jsonl", "--batch_size", "3")
    assert done.code == 0, done.err
    assert "Ignoring unknown control key in override: edge" in done.out
    texts = {
        file.parent.name: file.read_text() for file in (model.folder / "out").glob("*/prompt.txt")
    }
    assert texts == {"video_0": "one", "video_1": "three"}
    assert model.comment("video_1/output.mp4")["hints"]["depth"]["control_weight"] == 0.9
    (model.folder / "batch.jsonl").write_text("\n".join(json.dumps(row) for row in rows) + "\n\n")
    blank = model(spec(), "--batch_input_path", "/run/batch.jsonl")
    assert "JSONDecodeError" in blank.err


def test_the_upscaler(model: Model) -> None:
    film(model.folder / "in.mp4", frames=2)
    file = {"input_video_path": "/run/in.mp4", "upscale": {"control_weight": 0.5}}
    done = model(file, "--num_steps", "10")
    assert done.code == 0, done.err
    shown = ["-show_entries", "stream=width,height", "-of", "json"]
    said = probe(model.folder / "out/output.mp4", *shown)
    assert said["streams"] == [{"width": 3840, "height": 2112}]


def test_checkpoints_missing_and_not_fetched(model: Model) -> None:
    weights = make_checkpoints(model.folder / "w", missing=["depth_control.pt"])
    assert (
        "No such file or directory: 'checkpoints/nvidia" in model(spec(), checkpoints=weights).err
    )
    weights = make_checkpoints(model.folder / "p", pointers=["7B/base_model.pt"])
    assert "invalid load key, 'v'" in model(spec(), checkpoints=weights).err
    weights = make_checkpoints(model.folder / "f", fault="[[exit=5]]")
    assert "exitcode  : 5" in model(spec(), checkpoints=weights).err
    assert model(spec(), checkpoints=make_checkpoints(model.folder / "g")).code == 0


def video_is(model: Model, check: Callable[[Path], bool]) -> bool:
    return check(model.folder / "out/output.mp4")


def test_faults(model: Model) -> None:
    assert "torch.cuda.OutOfMemoryError: CUDA out of memory." in model(spec(prompt="[[oom]]")).err
    assert "exitcode  : -11" in model(spec(prompt="[[crash]]")).err
    assert "No space left on device" in model(spec(prompt="[[fulldisk]]")).err
    leak = model(spec(prompt="[[env]] [[leak=HOME]]"))
    assert " PYTHONPATH " in leak.out and "HOME is /root" in leak.out
    assert video_is(model, Path.is_file)
    assert model(spec(prompt="[[nooutput]]")).code == 0
    assert not video_is(model, Path.exists)
    assert model(spec(prompt="[[badvideo]]")).code == 0
    assert video_is(model, lambda video: video.read_bytes().startswith(b"this is no video"))
    assert model(spec(prompt="[[big=3]]")).code == 0
    assert video_is(model, lambda video: video.stat().st_size > 3e6)
    assert model.comment()["prompt"] == "[[big=3]]"
