"""A batch gives what single runs would give: for every field, by the models' own rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from cosmos_workflow.engines.cosmos3 import Cosmos3
from cosmos_workflow.engines.engine import Engine, RunRequest
from cosmos_workflow.engines.preview import Preview
from cosmos_workflow.engines.rules import settle
from cosmos_workflow.engines.together import inputs_of
from cosmos_workflow.engines.transfer1 import Transfer1
from cosmos_workflow.engines.transfer25 import Transfer25
from cosmos_workflow.errors import SpecError
from cosmos_workflow.execution.job import CommandJob
from tests.effective import READERS, Effective
from tests.engine_samples import prompt_spec, request

ENGINES: Mapping[str, Engine] = {
    one.name: one for one in (Transfer1(), Transfer25(), Cosmos3(), Preview())
}
CONTROLS = ("depth", "seg", "edge", "vis")

Change = tuple[Mapping[str, Any], Mapping[str, Any]]
"""What is asked of one run, and what of the other, which differs from it in one field."""


def option(name: str, value: Any, *, instead_of: Any = None, **both: Any) -> Change:
    """A change of one option, ``both`` being asked of both runs."""
    more = both.pop("options", {})
    before = more if instead_of is None else {**more, name: instead_of}
    return {**both, "options": before}, {**both, "options": {**more, name: value}}


def parameter(name: str, one: Any, other: Any, **both: Any) -> Change:
    """A change of one parameter."""
    return {**both, "parameters": {name: one}}, {**both, "parameters": {name: other}}


SEG: Mapping[str, Any] = {"weights": {"seg": 0.5}, "options": {"auto": "seg"}}
UPSAMPLED = {"offload_diffusion_transformer": "true", "offload_prompt_upsampler": "true"}
COMMON: Mapping[str, Change] = {
    "prompt": ({}, {"text": "a dry street"}),
    "negative_prompt": ({"negative": "rain"}, {"negative": " rain"}),
    "no negative_prompt": ({"negative": "rain"}, {}),
    "weight": ({"weights": {"depth": 0.25, "seg": 0.5}}, {"weights": {"depth": 0.5, "seg": 0.5}}),
    "weight 0": ({"weights": {"depth": 0.5}}, {"weights": {"depth": 0.5, "seg": 0.0}}),
    "another control": ({"weights": {"depth": 0.5}}, {"weights": {"seg": 0.5}}),
    "one control more": ({"weights": {"depth": 0.5}}, {"weights": {"depth": 0.5, "seg": 0.5}}),
    "gpus": ({}, {"gpus": 2}),
}
SEED, STEPS = parameter("seed", 1, 2), parameter("num_steps", 10, 20)
GUIDANCE = parameter("guidance", 3.0, 5.0)
BLUR = parameter("blur_strength", "low", "high", weights={"vis": 0.5}, options={"auto": "vis"})
CANNY = parameter("canny_threshold", "low", "high", weights={"edge": 0.5}, controls=("depth",))
WORDS: Mapping[str, Any] = {"controls": ()}
AUTO = option("auto", "edge", weights={"edge": 0.5})

FIELDS: Mapping[str, Mapping[str, Change]] = {
    "transfer1": {
        "seed": SEED, "num_steps": STEPS, "guidance": GUIDANCE, "blur_strength": BLUR,
        "canny_threshold": CANNY, "sigma_max": parameter("sigma_max", 60.0, 75.0),
        "fps": parameter("fps", 24, 30),
        "offload_diffusion_transformer": option("offload_diffusion_transformer", "true"),
        "offload_text_encoder_model": option("offload_text_encoder_model", "false"),
        "offload_guardrail_models": option("offload_guardrail_models", "false"),
        "offload_prompt_upsampler": option("offload_prompt_upsampler", "true"),
        "upsample_prompt": option(
            "upsample_prompt", "true", weights={"vis": 0.5}, options=UPSAMPLED
        ),
        "use_distilled": option("use_distilled", "true", weights={"edge": 1.0}),
        "is_av_sample": (
            {}, {"controls": ("hdmap",), "weights": {"hdmap": 0.5},
                 "options": {"is_av_sample": "true"}},
        ),
        "save_input_noise": option("save_input_noise", "true"),
        "ignore_input": option("ignore_input", "true"), "auto": AUTO,
        "input_control_prompt": option("input_control_prompt", "car", instead_of="road", **SEG),
        "control_weight_prompt": option(
            "control_weight_prompt", "car", instead_of="road", weights={"seg": 0.5}
        ),
        "regional_prompts": option(
            "regional_prompts", '[{"prompt": "car", "box": [0, 0, 0.5, 1]}]'
        ),
        "a weight map": ({"weights": {"depth": 0.5}}, {"weights": {"depth": "maps/depth.pt"}}),
    },
    "transfer25": {
        "seed": SEED, "num_steps": STEPS, "guidance": GUIDANCE, "blur_strength": BLUR,
        "canny_threshold": CANNY, "sigma_max": parameter("sigma_max", 60.0, 75.0),
        "resolution": option("resolution", "480"),
        "keep_input_resolution": option("keep_input_resolution", "false"),
        "max_frames": option("max_frames", "93"),
        "num_video_frames_per_chunk": option("num_video_frames_per_chunk", "61"),
        "num_conditional_frames": option("num_conditional_frames", "2"), "auto": AUTO,
        "control_prompt": option("control_prompt", "car", **SEG),
        "mask_path": option("mask_path", "depth=masks/road.mp4", weights={"depth": 0.5}),
        "mask_prompt": option("mask_prompt", "depth=road", weights={"depth": 0.5}),
        "image_context_path": option("image_context_path", "style.png", weights={"depth": 0.5}),
        "context_frame_index": option("context_frame_index", "5", weights={"depth": 0.5}),
        "guided_generation_mask": option("guided_generation_mask", "masks/road.mp4"),
        "guided_generation_step_threshold": option(
            "guided_generation_step_threshold", "9",
            options={"guided_generation_mask": "masks/road.mp4"},
        ),
        "guided_generation_foreground_labels": option(
            "guided_generation_foreground_labels", "1,2",
            options={"guided_generation_mask": "masks/road.npz"},
        ),
        "show_control_condition": option("show_control_condition", "true"),
        "show_input": option("show_input", "true"),
        "use_distilled": option("use_distilled", "true", weights={"edge": 1.0}),
        "offload_guardrail_models": option("offload_guardrail_models", "false"),
        "disable_guardrails": option("disable_guardrails", "true"),
        "compile_tokenizer": option("compile_tokenizer", "moderate"),
        "enable_parallel_tokenizer": option("enable_parallel_tokenizer", "true", gpus=2),
        "checkpoint_path": option("checkpoint_path", "my.pt", weights={"depth": 0.5}),
        "experiment": option(
            "experiment", "mine", weights={"depth": 0.5}, options={"checkpoint_path": "my.pt"}
        ),
    },
    "cosmos3": {
        "seed": SEED, "num_steps": STEPS, "guidance": GUIDANCE, "blur_strength": BLUR,
        "canny_threshold": CANNY,
        "fps": parameter("fps", 12, 24, video=False, **WORDS),
        "model": option("model", "edge", **WORDS, options={"mode": "text2video"}),
        "mode": option("mode", "text2video"),
        "image_path": option("image_path", "b.png", instead_of="a.png", **WORDS),
        "resolution": option("resolution", "480"),
        "aspect_ratio": option("aspect_ratio", "4,3", video=False, **WORDS),
        "num_frames": option("num_frames", "93", video=False, **WORDS),
        "shift": option("shift", "5"), "control_guidance": option("control_guidance", "3"),
        "max_frames": option("max_frames", "93"),
        "num_video_frames_per_chunk": option("num_video_frames_per_chunk", "61"),
        "num_conditional_frames": option("num_conditional_frames", "5"),
        "num_first_chunk_conditional_frames": option("num_first_chunk_conditional_frames", "1"),
        "share_vision_temporal_positions": option("share_vision_temporal_positions", "false"),
        "emphasize_control_in_prompt": option("emphasize_control_in_prompt", "false"),
        "show_control_condition": option("show_control_condition", "true"),
        "show_input": option("show_input", "true"), "auto": AUTO,
        "condition_video_keep": option("condition_video_keep", "last", **WORDS),
        "video_save_quality": option("video_save_quality", "5"),
        "diffusion_cache": option("diffusion_cache", "false"),
        "offload_guardrail_models": option("offload_guardrail_models", "false"),
        "disable_guardrails": option("disable_guardrails", "true"),
        "checkpoint_path": option("checkpoint_path", "mine"),
    },
    "preview": {
        "seed": SEED, "num_steps": STEPS, "guidance": GUIDANCE,
        "blur_strength": parameter("blur_strength", "low", "high"),
        "canny_threshold": CANNY, "sigma_max": parameter("sigma_max", 60.0, 75.0),
        "fps": parameter("fps", 24, 30), "depth_near": option("depth_near", "black"),
    },
}  # fmt: skip
"""Two runs for every parameter and every option: they differ in it, and in nothing else."""

CHANGES = [
    (name, field, change)
    for name, fields in FIELDS.items()
    for field, change in {**COMMON, **fields}.items()
    if not (name == "preview" and field == "gpus")  # it has none
]


def asked(engine: Engine, change: Mapping[str, Any], attempt: int) -> RunRequest:
    more = dict(change)
    prompt = prompt_spec(
        more.pop("text", "a wet street"), negative=more.pop("negative", ""),
        video=more.pop("video", True), controls=more.pop("controls", CONTROLS),
    )  # fmt: skip
    one = request(engine, prompt, **more)
    return replace(one, run_id=f"{one.run.id}.{attempt}")


def used(engine: Engine, *requests: RunRequest) -> dict[str, Effective]:
    job = engine.plan(requests)
    assert isinstance(job, CommandJob)
    return READERS[engine.name](job)


@pytest.mark.parametrize("name", ENGINES)
def test_every_field_is_tried(name: str) -> None:
    engine = ENGINES[name]
    assert {*engine.limits, *engine.Options.model_fields} <= set(FIELDS[name])


@pytest.mark.parametrize(
    ("name", "field", "change"), CHANGES, ids=[f"{name}-{field}" for name, field, _ in CHANGES]
)
def test_runs_that_differ_in_one_field(name: str, field: str, change: Change) -> None:
    """Together they are used as alone, in either order; or they are kept apart, and refused."""
    engine = ENGINES[name]
    one, other = (asked(engine, asks, attempt) for attempt, asks in enumerate(change, 1))
    alone = used(engine, one) | used(engine, other)
    if field != "weight 0":
        assert alone[one.run_id] != alone[other.run_id], "the field is seen by the model"
    keys = {(engine.batch_key(r.run, r.prompt), r.gpus) for r in (one, other)}
    for pair in ((one, other), (other, one)):
        if len(keys) > 1:
            with pytest.raises(SpecError, match="cannot share a job"):
                engine.plan(pair)
        else:
            assert used(engine, *pair) == alone


@pytest.mark.parametrize("name", ENGINES)
def test_many_keep_their_order_and_what_is_theirs(name: str) -> None:
    """More than nine: a model that sorts file names would take the tenth after the first."""
    engine = ENGINES[name]
    words = [f"street {number}" for number in range(12)]
    requests = [asked(engine, {"text": text}, 1) for text in words]
    found = used(engine, *requests)
    assert list(found) == [one.run_id for one in requests]
    assert [one["prompt"] for one in found.values()] == words


@pytest.mark.parametrize("name", ENGINES)
def test_the_inputs_of_one_run_of_a_job_are_told_as_its_own(name: str) -> None:
    engine = ENGINES[name]
    requests = [asked(engine, {"text": f"street {number}"}, 1) for number in range(12)]
    shared = engine.plan(requests)
    for one in requests:
        alone = inputs_of(engine.plan([one]), one.run_id)
        together = inputs_of(shared, one.run_id)
        assert alone and {k: i.source for k, i in alone.items()} == {
            k: i.source for k, i in together.items()
        }


# -- any runs -------------------------------------------------------------------------------------


@st.composite
def requests(draw: st.DrawFn, engine: Engine) -> RunRequest:
    """Any run of the engine that it accepts."""
    controls = draw(st.lists(st.sampled_from(CONTROLS), min_size=1, max_size=3, unique=True))
    parameters: dict[str, Any] = {
        "seed": draw(st.integers(0, 2)), "guidance": float(draw(st.integers(1, 7))),
        "canny_threshold": draw(st.sampled_from(["low", "high"])),
        "num_steps": draw(st.sampled_from([10, 35])),
        "sigma_max": draw(st.sampled_from([None, 60.0, 75.0])),
        "fps": draw(st.sampled_from([None, 24])),
    }  # fmt: skip
    known = {k: v for k, v in parameters.items() if k in engine.limits and v is not None}
    asks = {
        "text": draw(st.text(min_size=1, max_size=30).filter(str.strip)),
        "negative": draw(st.sampled_from(["", "no rain", " no rain"])),
        "controls": draw(st.sampled_from([controls, list(CONTROLS)])),
        "weights": {one: draw(st.sampled_from([0.0, 0.25, 0.5, 1.0])) for one in controls},
        "parameters": {k: v for k, v in known.items() if draw(st.booleans())},
    }
    try:
        one = asked(engine, asks, draw(st.integers(1, 10**6)))
        engine.plan([one])
    except SpecError:
        reject()
    return one


@pytest.mark.parametrize("name", ENGINES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_batch_gives_what_single_runs_would(name: str, data: st.DataObject) -> None:
    engine = ENGINES[name]
    some = {
        one.run_id: one for one in data.draw(st.lists(requests(engine), min_size=2, max_size=8))
    }
    groups: dict[str, list[RunRequest]] = {}
    for one in some.values():
        key = engine.batch_key(settle(engine, one.run, one.prompt), one.prompt)
        groups.setdefault(key, []).append(one)
    for key, group in groups.items():
        if len(group) > 1 and key == group[0].run.id:
            continue  # attempts of a run that is always alone
        together = engine.plan(group)
        assert isinstance(together, CommandJob)
        found = READERS[name](together)
        for one in group:
            assert found[one.run_id] == used(engine, one)[one.run_id]
            assert together.parameters[one.run_id] == engine.plan([one]).parameters[one.run_id]


# -- Transfer1: what a line says ------------------------------------------------------------------


def some(count: int) -> list[RunRequest]:
    return [
        asked(ENGINES["transfer1"],
              {"text": f"street {n}", "controls": ("depth", "vis"),
               "weights": {"depth": 0.2 * (n + 1), "vis": 0.5}}, 1)
        for n in range(count)
    ]  # fmt: skip


def test_every_weight_of_every_line_is_said() -> None:
    job = ENGINES["transfer1"].plan(some(3))
    assert isinstance(job, CommandJob)
    (lines,) = [file.json for file in job.files if file.path == "batch.jsonl"]
    for number, line in enumerate(lines):
        assert {hint: set(values) for hint, values in line["control_overrides"].items()} == {
            "depth": {"control_weight", "input_control"},
            "vis": {"control_weight", "input_control"},
        }
        assert line["control_overrides"]["depth"]["control_weight"] == 0.2 * (number + 1)
    proofs = [tuple(proof.values()) for proof in job.proofs.values()]
    assert len(set(proofs)) == 3, "each is known by its words"
    alone = ENGINES["transfer1"].plan(some(1))
    assert isinstance(alone, CommandJob) and alone.proofs == {}


@pytest.mark.parametrize(("name", "asks"), [
    ("transfer1", {"options": {"auto": "depth"}, "weights": {"depth": 0.5}}),
    ("transfer1", {"options": {"save_input_noise": "true"}}),
    ("transfer1", {"options": {"use_distilled": "true"}, "weights": {"edge": 1.0}}),
    ("cosmos3", {"options": {"model": "super"}, "gpus": 2}),
])  # fmt: skip
def test_two_copies_of_what_must_be_alone(name: str, asks: Mapping[str, Any]) -> None:
    engine = ENGINES[name]
    one, again = (asked(engine, asks, attempt) for attempt in (1, 2))
    assert one.run.id == again.run.id
    with pytest.raises(SpecError, match="by itself"):
        engine.plan([one, again])
    assert engine.plan([again]).outputs
