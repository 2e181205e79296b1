"""The engine of NIMs: what is refused before anything is sent, which form a request has."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cosmos_workflow.engines.nim import Nim
from cosmos_workflow.engines.nim_forms import COSMOS3, PREDICT1, TRANSFER25, form_of
from cosmos_workflow.errors import SpecError
from cosmos_workflow.events import Blocked, Failed, JobEnded, Progress, RemoteFile, Succeeded
from cosmos_workflow.prompts.enums import Modality
from tests.engine_samples import prompt_spec, request, smaller
from tests.golden.cases_nim import of

NIM = Nim()
WORDS = prompt_spec(video=False)


def refused(**run: Any) -> str:
    """What the plan of a run from words says no to."""
    prompt, media = run.pop("prompt", WORDS), run.pop("media", None)
    with pytest.raises(SpecError) as error:
        NIM.plan([request(NIM, prompt, media=media, **run)])
    return f"{error.value.message} | {error.value.hint}"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"duration": "0"}, "more than 0 seconds"),
        ({"duration": "-2"}, "more than 0 seconds"),
        ({"duration": "0.01"}, "less than a frame"),
        ({"size": "0x176"}, "multiples of 8"),
        ({"size": "1280x700"}, "multiples of 8"),
        ({"size": "1280"}, "WIDTHxHEIGHT"),
        ({"size": "640x352", "ratio": "1:1"}, "two ways to say one thing"),
        ({"timeout": "0"}, "timeout"),
        ({"attempts": "9"}, "attempts"),
        ({"video": "shot/a.mp4"}, "this is an address"),
        ({"image": "https://a.example/b.png", "video": "https://a.example/b.mp4"}, "one of them"),
        ({"mode": "video2world"}, "the spec has no video"),
        ({"mode": "text2world", "image": "https://a.example/b.png"}, "words alone"),
        ({"image": "stills/first.exr"}, "an image is .png"),
        ({"extras": '{"model": "nvidia/x"}'}, "refuses the field model"),
        ({"extras": '{"seed": 3}'}, "made from the spec already"),
        ({"resolution": "480"}, "a Cosmos Predict1 NIM has no such thing"),
        ({"model": "cosmos3", "size": "640x352"}, "a Cosmos 3 NIM has no such thing"),
        ({"model": "cosmos3", "resolution": "512"}, "it has 256, 480, 720"),
        ({"model": "cosmos3", "duration": "0.5"}, "25 to 197"),
        ({"model": "cosmos3", "duration": "9"}, "25 to 197"),
        ({"model": "transfer25"}, "takes video2world, not text2world"),
    ],
)
def test_options_that_no_service_would_take(options: dict[str, str], said: str) -> None:
    assert said in refused(options=options)


@pytest.mark.parametrize(
    ("model", "parameters", "said"),
    [
        ("predict1", {"fps": 0}, "--fps 0"),
        ("predict1", {"seed": -1}, "--seed -1"),
        ("predict1", {"num_steps": 101}, "--steps 101"),
        ("predict1", {"sigma_max": 80.0}, "has none"),
        ("cosmos3", {"guidance": 0.5}, "takes 1 to 7"),
        ("cosmos3", {"guidance": 7.5}, "takes 1 to 7"),
        ("transfer25", {"guidance": 3.5}, "whole numbers 0 to 7"),
    ],
)
def test_ranges_of_each_form(model: str, parameters: dict[str, Any], said: str) -> None:
    prompt = prompt_spec(controls=["edge"]) if model == "transfer25" else WORDS
    assert said in refused(prompt=prompt, options={"model": model}, parameters=parameters)


def test_a_long_prompt() -> None:
    prompt = prompt_spec("rain " * 251, video=False)
    assert "has 251 words" in refused(prompt=prompt)
    assert NIM.plan([request(NIM, prompt, options={"model": "cosmos3"})])
    assert NIM.plan([request(NIM, prompt_spec("rain " * 250, video=False))])


@pytest.mark.parametrize("frames", [92, 481])
def test_the_frames_that_transfer25_reads(frames: int) -> None:
    prompt = prompt_spec(controls=["edge"])
    media = {"color": smaller(frames=frames), "edge": smaller(frames=frames)}
    assert "takes 93 to 480" in refused(prompt=prompt, media=media)


def test_a_control_of_another_length() -> None:
    media = {"edge": smaller(frames=120)}
    assert "the input video 121" in refused(prompt=prompt_spec(controls=["edge"]), media=media)


def test_transfer25_wants_a_control_and_the_others_none() -> None:
    assert "--weight edge=1" in refused(prompt=prompt_spec(), options={"model": "transfer25"})
    said = refused(prompt=prompt_spec(controls=["depth"]), options={"model": "predict1"})
    assert "takes no controls, and the run has depth" in said
    assert "--weight depth=0" in said


@pytest.mark.parametrize(
    ("model", "form"),
    [
        ("cosmos-predict1-7b-text2world:hf-1", PREDICT1),
        ("nvidia/Cosmos-1.0-Diffusion-7B-Text2World", PREDICT1),
        ("cosmos3-generator:1.0.0", COSMOS3),
        ("nvidia/Cosmos3-Nano", COSMOS3),
        ("ngc://nim/nvidia/cosmos-transfer2.5-2b:1.2.0", TRANSFER25),
    ],
)
def test_the_form_by_the_model_s_name(model: str, form: object) -> None:
    assert form_of(of(model, request(NIM, WORDS))) is form


def test_a_model_of_another_kind() -> None:
    with pytest.raises(SpecError, match="the service names llama3-8b") as error:
        NIM.plan([of("llama3-8b", request(NIM, WORDS))])
    assert "--option model=" in error.value.hint


def test_a_named_form_wins() -> None:
    asked = request(NIM, WORDS, options={"model": "cosmos3"})
    assert form_of(of("cosmos-predict1-7b-text2world", asked)) is COSMOS3
    assert not NIM.asks_service(asked.run)
    assert NIM.asks_service(request(NIM, WORDS).run)


def test_the_very_model_has_to_take_what_it_starts_from() -> None:
    with pytest.raises(SpecError, match="the run is video2world"):
        NIM.plan([of("cosmos-predict1-7b-text2world", request(NIM, prompt_spec()))])
    with pytest.raises(SpecError, match="the run is text2world"):
        NIM.plan([of("cosmos-predict1-7b-video2world", request(NIM, WORDS))])
    left = request(NIM, prompt_spec(), options={"mode": "text2world"})
    assert NIM.plan([of("cosmos-predict1-7b-text2world", left)]).inputs == ()


def test_what_is_held_how_long_is_in_the_job() -> None:
    job = NIM.plan([request(NIM, WORDS)])
    assert (job.patience, job.attempts) == (300, 1)
    job = NIM.plan([request(NIM, WORDS, options={"timeout": "3600", "attempts": "2"})])
    assert (job.patience, job.attempts) == (3600, 2)


def test_a_weight_of_nothing_is_not_sent() -> None:
    job = NIM.plan([request(NIM, prompt_spec(controls=["edge"]), weights={"edge": 1, "vis": 0})])
    assert "vis" not in job.body
    assert job.body["edge"]["control_weight"] == 1


def answered(code: int, **told: Any) -> Any:
    files = (RemoteFile("outputs/output.mp4", 9, "d" * 64),) if code == 0 else ()
    log = ["held: asking", f"answer: {json.dumps(told)}"]
    return NIM.verdict("rs_00000000.1", JobEnded(code, "exited", files), log)


def test_verdicts() -> None:
    assert isinstance(answered(0, seed=7), Succeeded)
    blocked = answered(1, error="HTTP 400: Guardrail blocked the prompt", cause="engine")
    assert isinstance(blocked, Blocked)
    late = answered(1, error="no answer in 300 s", cause="timeout", hint="--option timeout=3600")
    assert late == Failed("timeout", "no answer in 300 s", "--option timeout=3600")
    odd = answered(1, error="x", cause="nonsense")
    assert (odd.cause, odd.hint) == ("engine", "cosmos logs rs_00000000.1 has its last answer")


def test_a_process_that_did_not_come_to_its_end() -> None:
    killed = NIM.verdict("rs_00000000.1", JobEnded(137, "exited"), ["held: asking"])
    assert isinstance(killed, Failed) and killed.cause == "killed"
    log = ["Traceback (most recent call last):", "ModuleNotFoundError: No module named 'httpx'"]
    broken = NIM.verdict("rs_00000000.1", JobEnded(1, "exited"), log)
    assert isinstance(broken, Failed) and "No module named 'httpx'" in broken.message


def test_what_it_says_on_the_way() -> None:
    assert NIM.progress("held: the answer comes") == Progress("the answer comes")
    assert NIM.progress('exchange: {"operation": "health"}') is None
    assert NIM.echoed(['answer: {"seed": 7}'], {}) == {"seed": 7}


def test_controls_are_those_of_transfer25() -> None:
    assert set(NIM.modalities) == {
        Modality.EDGE, Modality.DEPTH, Modality.SEGMENTATION, Modality.VIS
    }  # fmt: skip
