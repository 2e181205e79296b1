"""The chat dialect and its engine: what is asked, what is made of the answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cosmos_workflow.engines.chat import Chat
from cosmos_workflow.errors import SpecError, TransferError
from cosmos_workflow.events import Blocked, Failed, JobEnded, Progress, RemoteFile, Succeeded
from cosmos_workflow.execution.dialect import Answer, Call
from cosmos_workflow.execution.dialects.chat import TEXT
from cosmos_workflow.execution.dialects.chat import Chat as Dialect
from cosmos_workflow.execution.dialects.chat_text import is_refusal, json_of, spoken
from cosmos_workflow.execution.facts import ServiceFacts
from cosmos_workflow.execution.job import Derived, RequestJob
from tests.engine_samples import prompt_spec, request, smaller
from tests.lab.servers.chat_answers import caption

ENGINE, DIALECT = Chat(), Dialect()


def planned(text: str = "a street", **run: Any) -> RequestJob:
    return ENGINE.plan([request(ENGINE, prompt_spec(text), **run)])


def fields(content: Any, why: str = "stop", **message: Any) -> dict[str, Any]:
    said = {"role": "assistant", "content": content, **message}
    return {"choices": [{"message": said, "finish_reason": why}], "model": "m"}


# -- the text -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A street.", "A street."),
        ("  A street.\n", "A street."),
        ('"A street."', "A street."),
        ("\u201cA street.\u201d", "A street."),
        ('"A street" and "a car"', '"A street" and "a car"'),
        ("```\nA street.\n```", "A street."),
        ("<think>What?\n</think>\n\nA street.", "A street."),
        ("What? no start\n</think>A street.", "A street."),
        ('<think>x</think>```text\n"A street."\n```', "A street."),
        ("", ""),
    ],
)
def test_what_is_said(text: str, said: str) -> None:
    assert spoken(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help.", "I\u2019m very sorry, no.", "I cannot describe this.",
        "I can't.", "Sorry, no.", "As an AI, I do not", "<think>no</think>I am unable to",
    ],
)  # fmt: skip
def test_refusals(text: str) -> None:
    assert is_refusal(text)


@pytest.mark.parametrize("text", ["A man says: I'm sorry.", "Sorrow in a street", "Icy roads."])
def test_no_refusals(text: str) -> None:
    assert not is_refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}', '```json\n{"a": 1}\n```', 'Here it is:\n```json\n{"a": 1}\n```\nGood?',
        'Sure: {"a": 1} as you wished', '<think>{"b"</think>{"a": 1}',
    ],
)  # fmt: skip
def test_json_is_found(text: str) -> None:
    assert json_of(text) == ({"a": 1}, "")


@pytest.mark.parametrize("text", ["", "no", '{"a": 1', "{'a': 1}"])
def test_no_json_is_told(text: str) -> None:
    value, why = json_of(text)
    assert value is None
    assert why


# -- the dialect ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("http://localhost:8000", "http://localhost:8000/v1"),
        ("http://localhost:8000/", "http://localhost:8000/v1"),
        ("https://api.openai.com/v1", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1"),
        ("https://x.test/v1beta/openai/", "https://x.test/v1beta/openai"),
    ],
)
def test_any_usual_address(url: str, root: str) -> None:
    assert DIALECT.root(url) == root
    assert DIALECT.root(root) == root


def test_a_token_only_where_there_is_one() -> None:
    assert "Authorization" not in DIALECT.headers("")
    assert DIALECT.headers("abc")["Authorization"] == "Bearer abc"


def test_models_as_far_as_they_are_told() -> None:
    rows = {"data": [{"id": "a"}, {"id": "b"}, {}, 3]}
    assert DIALECT.service([Answer(200, {}, rows)]).models == ("a", "b")
    assert DIALECT.service([Answer(404, {}, {"detail": "no"})]) == ServiceFacts(True, "ready")
    assert not DIALECT.service([Answer(503, {}, None, "busy")]).ready
    assert not DIALECT.service([None]).ready


def test_a_good_answer_is_taken() -> None:
    job, answer = planned(), fields('"A wet street."')
    call = DIALECT.create(job, "")
    assert DIALECT.fault(answer) == DIALECT.missing(answer) == ""
    assert DIALECT.better(job, call, answer) is None
    assert DIALECT.written(job, answer) == {TEXT: "A wet street.\n"}


def test_parts_of_text_are_one_text() -> None:
    answer = fields([{"type": "text", "text": "A wet "}, {"type": "text", "text": "street."}])
    assert DIALECT.written(planned(), answer) == {TEXT: "A wet street.\n"}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (fields(None, refusal="No."), "the model refused: No."),
        (fields("", "content_filter"), "the model refused: its content filter"),
        (fields("I'm sorry, no."), "the model refused: I'm sorry, no."),
        ({"error": {"message": "away"}}, "away"),
    ],
)
def test_faults(answer: dict[str, Any], said: str) -> None:
    assert DIALECT.fault(answer).startswith(said)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({}, "the answer has no choices, only nothing"),
        ({"choices": []}, "the answer has no choices, only choices"),
        ({"choices": [3]}, "the answer has no choices"),
        (fields(None), "the answer has no text (finish_reason stop)"),
        (fields("  "), "the answer has no text"),
        (fields(7), "the answer has no text"),
        (fields("<think>only</think>"), "the answer has no text"),
        (fields("A str", "length"), "the answer was cut off"),
        (
            {**fields("A str", "length"), "usage": {"completion_tokens": 9}},
            "the answer was cut off after 9 tokens",
        ),
    ],
)
def test_no_result(answer: dict[str, Any], said: str) -> None:
    assert DIALECT.missing(answer).startswith(said)


def test_it_is_asked_again_with_what_is_wrong_and_not_for_ever() -> None:
    job = planned(options={"structured": True})
    call: Call | None = DIALECT.create(job, "")
    bad = fields(json.dumps(caption(lighting=None)))
    for number in (1, 2):
        assert call is not None
        call = DIALECT.better(job, call, bad)
        assert call is not None and call.fields is not None
        sent = call.fields["messages"]
        assert len(sent) == 2 + 2 * number
        assert sent[:2] == job.body["messages"]
        assert "- lighting: it is missing" in sent[-1]["content"]
        assert {key: call.fields[key] for key in ("seed", "response_format")} == {
            "seed": 1, "response_format": {"type": "json_object"},
        }  # fmt: skip
    assert call is not None
    with pytest.raises(TransferError, match=r"3 answers .* lighting: it is missing"):
        DIALECT.better(job, call, bad)
    assert DIALECT.better(job, call, fields(json.dumps(caption()))) is None


def test_a_caption_is_written_as_it_was_trained_on() -> None:
    job = planned(options={"structured": True, "fps": 30})
    text = DIALECT.written(job, fields(json.dumps(caption(context="nächtlich"))))[TEXT]
    assert text.count("\n") == 1
    assert text.isascii()
    assert json.loads(text)["context"] == "nächtlich"
    assert json.loads(text)["fps"] == 30


def test_prose_has_a_length() -> None:
    job = planned(options={"words": 20})
    call = DIALECT.create(job, "")
    following = DIALECT.better(job, call, fields("word " * 60))
    assert following is not None and following.fields is not None
    said = following.fields["messages"][-1]["content"]
    assert "it has 299 characters, and at most 180 are allowed" in said


def test_what_is_kept() -> None:
    told = {**fields("A."), "id": "c1", "system_fingerprint": None, "usage": {"prompt_tokens": 3}}
    assert DIALECT.told(told) == {"id": "c1", "model": "m", "prompt_tokens": 3}


# -- the engine -----------------------------------------------------------------------------------


def test_frames_are_spread_over_the_video() -> None:
    def numbers(frames: int, of: int) -> list[int]:
        media = {"color": smaller(frames=of)}
        job = planned(options={"frames": frames}, media=media)
        sources = [item.source for item in job.inputs]
        assert all(isinstance(source, Derived) for source in sources)
        return [source.settings["frame"] for source in sources if isinstance(source, Derived)]

    assert numbers(0, 121) == []
    assert numbers(1, 121) == [0]
    assert numbers(2, 121) == [0, 120]
    assert numbers(4, 121) == [0, 40, 80, 120]
    assert numbers(8, 3) == [0, 1, 2]


def test_a_small_video_stays_as_it_is() -> None:
    (one,) = planned(options={"frames": 1}, media={"color": smaller(width=320, height=180)}).inputs
    assert isinstance(one.source, Derived)
    assert one.source.settings == {"frame": 0, "width": 320, "height": 180}


def test_a_model_is_found_where_there_is_one() -> None:
    from dataclasses import replace

    def body(*models: str, **options: Any) -> dict[str, Any]:
        asked = request(ENGINE, prompt_spec(), options=options)
        asked = replace(asked, service=ServiceFacts(True, models=models))
        return dict(ENGINE.plan([asked]).body)

    assert body("a")["model"] == "a"
    assert body("a", "b", model="b")["model"] == "b"
    with pytest.raises(SpecError) as refused:
        body("a", "b")
    assert "one of: a, b" in refused.value.hint
    with pytest.raises(SpecError, match="does not say which models"):
        body()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"instructions": "caption-1"}, "does not go with structured=false"),
        ({"structured": True, "instructions": "prose-1"}, "does not go with structured=true"),
        ({"extras": {"model": "x"}}, "the field model is made from the spec"),
        ({"extras": {"stream": True}}, "the field stream"),
        ({"frames": 99}, "--option frames"),
    ],
)
def test_options_that_contradict(options: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        planned(options=options)


def test_what_a_caption_is_for() -> None:
    job = planned(options={"structured": True, "aspect_ratio": "9,16", "seconds": 8})
    fixed = {key: rule.get("const") for key, rule in job.expects["properties"].items()}
    assert fixed["resolution"] == {"H": 1280, "W": 720}
    assert (fixed["aspect_ratio"], fixed["duration"], fixed["fps"]) == ("9,16", "8s", 24)


def ended(code: int, *paths: str) -> JobEnded:
    return JobEnded(code, "exited", tuple(RemoteFile(path, 9, "d" * 64) for path in paths))


def test_a_text_is_a_success() -> None:
    verdict = ENGINE.verdict("rs_1.1", ended(0, "outputs/a.txt", TEXT), ["answer: {}"])
    assert isinstance(verdict, Succeeded)
    assert (verdict.outputs[0].path, verdict.outputs[0].media) == (TEXT, "text")


@pytest.mark.parametrize(
    ("told", "cause", "hint"),
    [
        ({"error": "HTTP 400: use 'max_completion_tokens'", "http_status": 400}, "engine",
         "max_completion_tokens"),
        ({"error": "HTTP 400: it is no multimodal model", "http_status": 400}, "engine",
         "frames=0"),
        ({"error": "HTTP 404: The model `x` does not exist", "http_status": 404}, "engine",
         "--option model=NAME"),
        ({"error": "HTTP 500: a model is lost", "http_status": 500}, "engine", "cosmos logs"),
        ({"error": "HTTP 401: no", "http_status": 401, "hint": "X is not set"}, "engine",
         "X is not set"),
        ({"error": "the answer was cut off", "cause": "no_output"}, "bad_output", "max_tokens"),
        ({"error": "no answer in 3 s", "cause": "timeout"}, "timeout", "cosmos logs"),
    ],
)  # fmt: skip
def test_failures(told: dict[str, Any], cause: str, hint: str) -> None:
    verdict = ENGINE.verdict("rs_1.1", ended(1), [f"answer: {json.dumps(told)}"])
    assert isinstance(verdict, Failed)
    assert verdict.cause == cause
    assert hint in verdict.hint


def test_a_refusal_is_no_crash() -> None:
    log = ['answer: {"error": "the model refused: I cannot."}']
    verdict = ENGINE.verdict("rs_1.1", ended(1), log)
    assert isinstance(verdict, Blocked)
    assert (verdict.what, verdict.message) == ("prompt", "I cannot.")


def test_progress() -> None:
    assert ENGINE.progress("held: asking, with 0.4 MB") == Progress("asking, with 0.4 MB")
    assert ENGINE.progress("held: the answer also has usage") is None
    assert ENGINE.progress("exchange: {}") is None
