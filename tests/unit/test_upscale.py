"""The upscaler: any video, brought to the model's size first, at its own speed."""

from __future__ import annotations

import pytest

from cosmos_workflow.engines.rules import settle
from cosmos_workflow.engines.upscale import Upscale
from cosmos_workflow.errors import SpecError
from cosmos_workflow.execution.job import Derived
from cosmos_workflow.video.media import Media
from tests.engine_samples import prompt_spec, request, run_spec, smaller

ENGINE = Upscale()


@pytest.mark.parametrize(
    ("media", "conformed"),
    [
        (smaller(), None),
        (smaller(width=1920, height=1080), (1280, 704)),
        (smaller(pix_fmt="yuvj420p", full_range=True), (1280, 704)),
        (smaller(width=640, height=480), (960, 704)),
        (smaller(codec="hevc", width=1080, height=1920), (704, 1280)),
    ],
)
def test_any_video(media: Media, conformed: tuple[int, int] | None) -> None:
    job = ENGINE.plan([request(ENGINE, prompt_spec(), media={"color": media})])
    (video,) = job.inputs
    if conformed is None:
        assert not isinstance(video.source, Derived)
    else:
        assert isinstance(video.source, Derived)
        assert (video.source.settings["width"], video.source.settings["height"]) == conformed


@pytest.mark.parametrize(("fps", "sent"), [(29.97, "30"), (23.976, "24"), (0.4, "1"), (60, "60")])
def test_plays_as_fast_as_the_video(fps: float, sent: str) -> None:
    one = request(ENGINE, prompt_spec(), media={"color": smaller(fps=fps)})
    assert one.run.parameters.fps is None
    argv = list(ENGINE.plan([one]).argv)
    assert argv[argv.index("--fps") + 1] == sent


def test_weight() -> None:
    job = ENGINE.plan([request(ENGINE, prompt_spec(), options={"upscale_weight": "0.5"})])
    (spec,) = [file.json for file in job.files if file.path == "spec.json"]
    assert spec["upscale"] == {"control_weight": 0.5}


def test_refused() -> None:
    with pytest.raises(SpecError, match="no input video"):
        request(ENGINE, prompt_spec(video=False))
    with pytest.raises(SpecError, match="5001 frames"):
        ENGINE.plan([request(ENGINE, prompt_spec(), media={"color": smaller(frames=5001)})])
    prompt = prompt_spec(controls=["depth"])
    with pytest.raises(SpecError, match="takes no depth control"):
        settle(ENGINE, run_spec("upscale", prompt, weights={"depth": 0.5}), prompt)
    with pytest.raises(SpecError, match=r"upscale_weight=1\.5"):
        request(ENGINE, prompt_spec(), options={"upscale_weight": "1.5"})


def test_the_shots_controls_are_no_obstacle() -> None:
    one = request(ENGINE, prompt_spec(controls=["depth", "edge"]))
    assert [item.key for item in ENGINE.plan([one]).inputs] == ["color"]
