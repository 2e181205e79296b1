"""The preview engine: what it sends to its renderer, what it refuses, how it reads the end."""

from __future__ import annotations

from typing import Any

import pytest

from cosmos_workflow.engines.preview import Preview
from cosmos_workflow.engines.rules import settle
from cosmos_workflow.engines.transfer1 import Transfer1
from cosmos_workflow.errors import SpecError
from cosmos_workflow.events import Failed, JobEnded, RemoteFile, Succeeded
from cosmos_workflow.execution.job import CommandJob, Place, fill
from cosmos_workflow.rehearsal.request import Request
from cosmos_workflow.video.media import Media
from tests.engine_samples import prompt_spec, request, run_spec, smaller

ENGINE = Preview()
ALL = ("depth", "segmentation", "edge", "vis")
WEIGHTS = {"vis": 0.3, "edge": 0.4, "depth": 0.2, "segmentation": 0.1}


def spec_of(job: CommandJob) -> dict[str, Any]:
    (file,) = job.files
    return dict(file.json)


def test_plan_is_one_plain_command() -> None:
    job = ENGINE.plan([request(ENGINE, prompt_spec(controls=ALL), weights=WEIGHTS)])
    assert job.image is None and job.gpus == 0 and not job.secrets
    assert job.argv == (
        Place("python"),
        "-m",
        "cosmos_workflow.rehearsal",
        Place("workspace", "spec.json"),
        Place("workspace", "outputs"),
    )
    (patterns,) = job.outputs.values()
    assert patterns == ("outputs/output.mp4", "outputs/*.json")
    assert {item.key: item.name for item in job.inputs} == {
        "color": "color.mp4",
        "vis": "vis.mp4",
        "edge": "edge.mp4",
        "depth": "depth.mp4",
        "segmentation": "segmentation.mp4",
    }


def test_renderer_reads_what_the_engine_writes() -> None:
    one = request(
        ENGINE,
        prompt_spec("neon rain", negative="snow", controls=ALL),
        weights=WEIGHTS,
        parameters={"seed": 7, "guidance": 3.5, "fps": 30},
        options={"depth_near": "black"},
    )
    job = ENGINE.plan([one])
    read = Request.model_validate(fill(spec_of(job), lambda place: f"/there/{place.path}"))
    assert (read.prompt, read.negative_prompt) == ("neon rain", "snow")
    assert (read.parameters.seed, read.parameters.guidance, read.parameters.fps) == (7, 3.5, 30)
    assert read.parameters.num_steps == 35 and read.parameters.sigma_max == 70
    assert {name: control.weight for name, control in read.controls.items()} == WEIGHTS
    assert read.options.depth_near == "black"


def test_a_weight_of_zero_sends_nothing() -> None:
    prompt = prompt_spec(controls=["depth", "edge"])
    job = ENGINE.plan([request(ENGINE, prompt, weights={"depth": 0.0, "edge": 1.0})])
    assert [item.key for item in job.inputs] == ["color", "edge"]
    assert list(spec_of(job)["controls"]) == ["edge"]


def test_vis_and_edge_are_made_from_the_input() -> None:
    one = request(ENGINE, prompt_spec(), weights={"vis": 0.5, "edge": 0.5})
    job = ENGINE.plan([one])
    assert [item.key for item in job.inputs] == ["color"]
    assert spec_of(job)["controls"] == {
        "vis": {"weight": 0.5, "video": None},
        "edge": {"weight": 0.5, "video": None},
    }
    assert ENGINE.facts(one)[-1] == "made from the input video: vis, edge"


def test_without_input_video_a_control_is_drawn_on() -> None:
    prompt = prompt_spec(video=False, controls=["edge", "depth"])
    job = ENGINE.plan([request(ENGINE, prompt)])
    assert spec_of(job)["base"] == {"modality": "depth", "video": Place("input", "depth")}
    assert sorted(item.key for item in job.inputs) == ["depth", "edge"]


def test_parameters_made_for_transfer1_can_be_rehearsed() -> None:
    assert set(ENGINE.limits) == set(Transfer1.limits)
    for name, limit in Transfer1.limits.items():
        ours = ENGINE.limits[name]
        assert (ours.default, ours.low, ours.high, ours.choices) == (
            limit.default, limit.low, limit.high, limit.choices,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("depth", "said"),
    [
        (smaller(frames=47), "depth has 47 frames, color has 121"),
        (smaller(width=640), "depth is 640x704, color is 1280x704"),
    ],
)
def test_controls_must_fit(depth: Media, said: str) -> None:
    one = request(ENGINE, prompt_spec(controls=["depth"]), media={"depth": depth})
    with pytest.raises(SpecError, match=said):
        ENGINE.plan([one])


def test_odd_sides_are_refused() -> None:
    one = request(ENGINE, prompt_spec(), media={"color": smaller(width=1279)})
    with pytest.raises(SpecError, match="1279x704") as caught:
        ENGINE.plan([one])
    assert "1278x704" in caught.value.hint


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({"lidar": 0.5}, "takes no lidar control"),
        ({"depth": 1.5}, "out of range"),
        ({"depth": "maps/depth.pt"}, "a number, not a weight map"),
        ({"segmentation": 0.5}, "no video of it"),
    ],
)
def test_weights_that_are_refused(weights: dict[str, float | str], said: str) -> None:
    prompt = prompt_spec(controls=["depth"])
    with pytest.raises(SpecError, match=said):
        settle(ENGINE, run_spec("preview", prompt, weights=weights), prompt)


def test_nothing_to_draw_on() -> None:
    prompt = prompt_spec(video=False)
    with pytest.raises(SpecError, match="no video that could be drawn on"):
        settle(ENGINE, run_spec("preview", prompt), prompt)


def test_several_runs_have_folders_of_their_own() -> None:
    one, two = (request(ENGINE, prompt_spec(text)) for text in ("a", "b"))
    job = ENGINE.plan([one, two])
    assert [str(arg) for arg in job.argv[3:]] == [
        f"{{workspace}}/01_{one.run_id}.json", f"{{workspace}}/outputs/{one.run_id}",
        f"{{workspace}}/02_{two.run_id}.json", f"{{workspace}}/outputs/{two.run_id}",
    ]  # fmt: skip
    assert job.outputs[two.run_id][0] == f"outputs/{two.run_id}/output.mp4"
    assert [item.key for item in job.inputs] == ["1_color", "2_color"]


def test_progress() -> None:
    progress = ENGINE.progress("frame 12/48")
    assert progress and (progress.stage, progress.fraction) == ("painting", 0.25)
    assert ENGINE.progress("words: neon, frame 12/48") is None


VIDEO = RemoteFile("outputs/output.mp4", 9, "ab")
ECHO = RemoteFile("outputs/echo.json", 5, "cd")


def test_success_names_the_video_first() -> None:
    verdict = ENGINE.verdict("rs_1.1", JobEnded(0, "exited", (ECHO, VIDEO)), [])
    assert isinstance(verdict, Succeeded)
    assert [output.path for output in verdict.outputs] == [
        "outputs/output.mp4",
        "outputs/echo.json",
    ]


@pytest.mark.parametrize(
    ("code", "files", "log", "cause", "said", "hint"),
    [
        (
            7,
            (),
            ["error: depth has 3 frames", "hint: render it"],
            "engine",
            "depth has 3",
            "render",
        ),
        (1, (), ["x: No module named cosmos_workflow"], "engine", "No module", "pip install"),
        (-9, (VIDEO,), [], "engine", "said nothing", "cosmos logs rs_1.1"),
        (0, (ECHO,), [], "no_output", "without a video", "cosmos logs rs_1.1"),
        (0, (RemoteFile("outputs/output.mp4", 0, ""),), [], "no_output", "without", "cosmos logs"),
    ],
)
def test_failures(
    code: int, files: tuple[RemoteFile, ...], log: list[str], cause: str, said: str, hint: str
) -> None:
    verdict = ENGINE.verdict("rs_1.1", JobEnded(code, "exited", files), log)
    assert isinstance(verdict, Failed)
    assert verdict.cause == cause
    assert said in verdict.message and hint in verdict.hint
