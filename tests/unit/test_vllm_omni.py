"""Cosmos 3 behind the videos API: what cannot be asked, and what the server's words mean."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cosmos_workflow.engines.rules import settle
from cosmos_workflow.engines.sglang import Sglang
from cosmos_workflow.engines.vllm_omni import VllmOmni
from cosmos_workflow.engines.vllm_omni_media import SIZES, groups, size
from cosmos_workflow.errors import SpecError, SubmissionRejected
from cosmos_workflow.events import Blocked, Failed, JobEnded, RemoteFile, Succeeded
from cosmos_workflow.execution.dialect import Answer
from cosmos_workflow.execution.dialects.videos import LARGEST_CONTROL, Videos
from cosmos_workflow.execution.job import Attached, Input, RequestJob
from cosmos_workflow.video.media import Media
from tests.engine_samples import SHOT, prompt_spec, request, run_spec, smaller

OMNI, SGLANG, VIDEOS = VllmOmni(), Sglang(), Videos()


def refused(**kwargs: Any) -> SpecError:
    """Why a request is refused; ``prompt`` and what ``request`` takes."""
    with pytest.raises(SpecError) as why:
        OMNI.plan([request(OMNI, kwargs.pop("prompt", prompt_spec()), **kwargs)])
    return why.value


# -- what cannot be asked -------------------------------------------------------------------------


def test_a_control_that_nobody_can_make() -> None:
    why = refused(weights={"depth": 1.0})
    assert "depth" in why.message and "--control-inputs depth:PATH" in why.hint


def test_nothing_to_make_edges_of() -> None:
    prompt = prompt_spec(video=False, controls=["depth"])
    why = refused(prompt=prompt, weights={"edge": 1.0, "depth": 1.0})
    assert "input video" in why.message


def test_two_uploads() -> None:
    prompt = prompt_spec(controls=["depth", "edge"])
    why = refused(prompt=prompt, options={"controls": "upload"})
    assert "one" in why.message and "controls=path" in why.hint


@pytest.mark.parametrize(("frames", "near"), [(100, "97 or 101"), (4, "5 or 9"), (188, "185")])
def test_frames_are_groups_of_four_and_one(frames: int, near: str) -> None:
    assert near in refused(options={"frames": frames}).message


def test_more_frames_than_the_model_makes_at_once() -> None:
    assert "297" in refused(prompt=prompt_spec(video=False), options={"frames": 301}).hint


def test_more_frames_than_the_controls_have() -> None:
    prompt = prompt_spec(controls=["depth"])
    assert "121" in refused(prompt=prompt, options={"frames": 125}).message


def test_controls_of_different_lengths_and_shapes() -> None:
    prompt = prompt_spec(controls=["depth", "edge"])
    why = refused(prompt=prompt, media={"depth": smaller(frames=120)})
    assert "frames" in why.message and "cut them to 120" in why.hint
    why = refused(prompt=prompt, media={"depth": smaller(width=704, height=1280)})
    assert "aspect" in why.message


def test_a_transfer_keeps_its_rate() -> None:
    prompt = prompt_spec(controls=["depth"])
    assert "--fps 30" in refused(prompt=prompt, parameters={"fps": 30}).message
    OMNI.plan([request(OMNI, prompt, parameters={"fps": 24})])


def test_too_short_to_go_on_from() -> None:
    assert "5" in refused(media={"color": smaller(frames=4)}).message


def test_sglang_takes_no_controls() -> None:
    prompt = prompt_spec(controls=["depth"])
    with pytest.raises(SpecError, match="takes no depth"):
        settle(SGLANG, run_spec("sglang", prompt, weights={"depth": 1.0}), prompt)


# -- what is asked --------------------------------------------------------------------------------


def test_a_picture_is_sent_as_one() -> None:
    prompt = prompt_spec().model_copy(update={"input_video_path": "shot/first.png"})
    one = request(OMNI, prompt)
    still = Path("/shots/first.PNG")
    media = {still: Media(1000, 800, 25.0, 1, "png", "rgb24")}
    one = type(one)(**{**one.__dict__, "input_video": still, "media": media})
    job = OMNI.plan([one])
    assert job.body["input_reference"] == Attached("color", "file", "image/png")
    assert (job.body["size"], job.body["num_frames"]) == ("1104x832", 189)
    assert job.inputs[0].source == still
    assert SGLANG.plan([one_for_sglang(one)]).body["input_reference"].media_type == "image/png"


def one_for_sglang(one: Any) -> Any:
    run = run_spec("sglang", one.prompt)
    return type(one)(**{**one.__dict__, "run": run})


def test_guidance_is_always_sent() -> None:
    for prompt in (prompt_spec(), prompt_spec(video=False), prompt_spec(controls=["depth"])):
        assert OMNI.plan([request(OMNI, prompt)]).body["guidance_scale"] > 0


@pytest.mark.parametrize("frames", range(5, 40))
def test_groups(frames: int) -> None:
    assert groups(frames) % 4 == 1
    assert 0 <= groups(frames) - frames < 4


def test_the_size_is_the_servers_own() -> None:
    for tier, sizes in SIZES.items():
        for wide, high in sizes.values():
            assert size(smaller(width=wide, height=high), tier) == (wide, high)


# -- the server's words ---------------------------------------------------------------------------


def verdict(message: str, engine: Any = OMNI) -> Any:
    line = "answer: " + json.dumps({"status": "failed", "error": {"code": 500, "message": message}})
    return engine.verdict("rs_00000000.1", JobEnded(1, "exited"), [line])


@pytest.mark.parametrize(
    ("message", "what"),
    [
        ("Guardrail blocked prompt", "prompt"),
        ("Input was blocked by Cosmos3 guardrails.", "prompt"),
        ("Guardrail blocked negative prompt 'xbox'", "negative prompt"),
        ("Guardrail blocked video: unsafe frames", "generated video"),
    ],
)
def test_a_refusal_says_which_text(message: str, what: str) -> None:
    for engine in (OMNI, SGLANG):
        found = verdict(message, engine)
        assert isinstance(found, Blocked)
        assert (found.what, found.message) == (what, message)
        assert found.hint


@pytest.mark.parametrize(
    ("message", "cause", "hint"),
    [
        ("Video generation failed: CUDA out of memory. Tried", "out_of_memory", "--quantization"),
        ("Missing Cosmos3 transfer control_path: /x.mp4", "engine", "cosmos serve"),
        ("Unsupported Cosmos3 transfer hint 'edge' fields: ['weight']", "engine", "version"),
        ("condition_frame_indexes_vision outside latent video: latent_frames=1", "engine", "5"),
        ("EngineDeadError: the engine died", "engine", "cosmos serve start"),
        ("The guardrails are enabled but not functional", "engine", "cosmos logs"),
        ("boom", "engine", "cosmos logs"),
    ],
)
def test_a_failure_says_what_to_do(message: str, cause: str, hint: str) -> None:
    found = verdict(message)
    assert isinstance(found, Failed)
    assert found.cause == cause
    assert message in found.message and hint in found.hint


def test_what_the_server_says_it_used() -> None:
    line = 'answer: {"status": "completed", "fps": 24.0, "num_frames": 13}'
    assert OMNI.echoed([line], {}) == {"fps": 24.0}
    done = JobEnded(0, "exited", (RemoteFile("outputs/output.mp4", 0, ""),))
    assert isinstance(OMNI.verdict("rs_00000000.1", done, [line]), Succeeded)


# -- which versions -------------------------------------------------------------------------------


def described(*fields: str) -> Answer:
    form = {"Body_create_video_v1_videos_post": {"properties": {key: {} for key in fields}}}
    return Answer(200, {}, {"components": {"schemas": form}})


def versioned(text: str) -> Answer:
    return Answer(200, {}, {"version": text})


NOTHING = Answer(404, {}, {"detail": "Not Found"})


def job(*requires: str, size: int = 0) -> RequestJob:
    body = {"control_reference": Attached("edge", "file"), "control_type": "edge"}
    inputs = (Input("edge", "edge.mp4", SHOT / "edge.mp4", "a" * 64, size),)
    return RequestJob("x", "vllm_omni", "videos", body, {}, inputs=inputs, requires=requires)


def test_only_whose_server_it_is_is_asked_where_the_version_does_not_matter() -> None:
    assert [call.path for call in VIDEOS.before(job())] == ["/v1/models"]
    VIDEOS.allow(job(), (NOTHING,))


def owned(by: str) -> Answer:
    return Answer(200, {}, {"object": "list", "data": [{"id": "m", "owned_by": by}]})


@pytest.mark.parametrize(("engine", "by"), [("vllm_omni", "sglang"), ("sglang", "vllm")])
def test_the_server_of_another_engine_is_refused(engine: str, by: str) -> None:
    one = replace(job(), engine=engine, outputs={"rs_0.1": ("outputs/output.mp4",)})
    with pytest.raises(SubmissionRejected, match="Nothing was sent") as why:
        VIDEOS.allow(one, (owned(by),))
    other = {"vllm": "vllm_omni", "sglang": "sglang"}[by]
    assert f"create-run rs_0 --engine {other}" in why.value.hint
    VIDEOS.allow(replace(one, engine=other), (owned(by),))
    VIDEOS.allow(one, (owned("tensorrt_llm"),))
    VIDEOS.allow(replace(one, engine="somebodys"), (owned(by),))


@pytest.mark.parametrize(
    ("need", "answers"),
    [
        ("control_weight", (NOTHING, versioned("0.27.1"))),
        ("control_weight", (described("prompt"), versioned("1.0"))),
        ("control_weight", (described("prompt", "control_reference"), NOTHING)),
        ("control_reference", (described("control_reference"), versioned("0.27.9.dev3"))),
        ("control_reference", (NOTHING, versioned("v0.28.0rc1"))),
    ],
)
def test_a_server_that_is_new_enough(need: str, answers: tuple[Answer, Answer]) -> None:
    VIDEOS.allow(job(need), (NOTHING, *answers))


@pytest.mark.parametrize(
    ("need", "answers", "named"),
    [
        ("control_weight", (described("prompt"), versioned("0.22.1")), "0.22.1"),
        ("control_weight", (NOTHING, NOTHING), "does not say"),
        ("control_reference", (described("prompt"), versioned("0.28.0")), "0.28.0"),
        ("control_reference", (Answer(200, {}, None, "<html>"), versioned("0.26.0")), "0.26.0"),
    ],
)
def test_an_older_server_is_refused(need: str, answers: tuple[Answer, Answer], named: str) -> None:
    with pytest.raises(SubmissionRejected) as why:
        VIDEOS.allow(job(need), (NOTHING, *answers))
    assert named in why.value.message and "Nothing was sent" in why.value.message
    assert ("same weight" if need == "control_weight" else "controls=path") in why.value.hint


def test_an_upload_that_is_too_large() -> None:
    VIDEOS.allow(job(size=LARGEST_CONTROL), (NOTHING,))
    with pytest.raises(SubmissionRejected, match="512 MiB"):
        VIDEOS.allow(job(size=LARGEST_CONTROL + 1), (NOTHING,))


# -- what the service says ------------------------------------------------------------------------


def test_a_failed_job_is_answered_with_its_own_code() -> None:
    body = {"id": "v", "status": "failed", "error": {"code": 503, "message": "boom"}}
    seen = VIDEOS.seen("v", Answer(503, {}, body))
    assert (seen.phase, seen.told["error"]) == ("failed", {"code": 503, "message": "boom"})


def test_a_job_it_does_not_know_is_lost() -> None:
    assert VIDEOS.seen("v", Answer(404, {}, {"detail": "Video not found"})).phase == "lost"


def test_ready_is_a_server_with_a_model() -> None:
    models = Answer(200, {}, {"data": [{"id": "nvidia/Cosmos3-Nano"}]})
    facts = VIDEOS.service((models, versioned("0.28.0")))
    assert (facts.ready, facts.version, facts.models) == (True, "0.28.0", ("nvidia/Cosmos3-Nano",))
    assert VIDEOS.service((models, NOTHING)).ready
    assert VIDEOS.service((models, None)).version == ""
    assert not VIDEOS.service((None, None)).ready
    assert not VIDEOS.service((Answer(503, {}, {"detail": "loading"}), None)).ready


def test_a_server_that_has_nowhere_to_put_videos() -> None:
    said = {"detail": "Video delivery is unavailable: configure an output path"}
    with pytest.raises(SubmissionRejected) as why:
        VIDEOS.created(Answer(503, {}, said))
    assert "--output-path" in why.value.hint


def test_the_jobs_that_may_be_ours() -> None:
    mine = {"id": "a", "prompt": "p", "created_at": 100}
    rows = [mine, {**mine, "id": "b", "created_at": 50}, {**mine, "id": "c", "prompt": "q"}]
    asked = RequestJob("x", "vllm_omni", "videos", {"prompt": "p"}, {})
    assert VIDEOS.ours(Answer(200, {}, {"data": rows}), asked, 90.0) == ["a"]
