"""Replicate's ways: what is called for what, and what each answer means."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cosmos_workflow.errors import ConfigError, HostUnreachable, SubmissionRejected
from cosmos_workflow.execution.dialect import Answer
from cosmos_workflow.execution.dialects.luma import Luma
from cosmos_workflow.execution.dialects.replicate import Replicate
from cosmos_workflow.execution.dialects.replicate_schema import faults, schema_of
from cosmos_workflow.execution.job import Attached, Input, RequestJob

DIALECT = Replicate()
HASH = "a" * 64
JOB = RequestJob(
    name="rs_1.1-abc",
    engine="replicate",
    dialect="replicate",
    route="me/model",
    body={"input": {"prompt": "a street", "image": Attached("image", "url", "image/png")}},
    outputs={"rs_1.1": ("outputs/output.mp4",)},
    requires=("models/me/model",),
)
SCHEMA: dict[str, Any] = {
    "components": {
        "schemas": {
            "Input": {
                "type": "object",
                "required": ["prompt"],
                "properties": {
                    "prompt": {"type": "string", "maxLength": 20},
                    "image": {"type": "string", "format": "uri"},
                    "num_frames": {"type": "integer", "minimum": 5, "maximum": 100},
                    "steps": {"type": "integer", "maximum": 40},
                    "guidance": {"type": "number", "minimum": 0},
                    "width": {"type": "integer", "multipleOf": 32},
                    "fast": {"type": "boolean"},
                    "mode": {"allOf": [{"$ref": "#/components/schemas/mode"}], "default": "Off"},
                    "any": {"title": "Any"},
                },
            },
            "mode": {"type": "string", "enum": ["Off", "Balanced", "Fast"]},
        }
    }
}


def answer(status: int, body: Any = None, **headers: str) -> Answer:
    return Answer(status, headers, body, "" if body is not None else "words")


def page(**facts: Any) -> Answer:
    return answer(200, {"latest_version": {"id": HASH, "openapi_schema": SCHEMA}, **facts})


@pytest.mark.parametrize(
    ("route", "path", "version"),
    [
        ("me/model", "/models/me/model/predictions", None),
        (f"me/model:{HASH}", "/predictions", f"me/model:{HASH}"),
        ("deployments/me/mine", "/deployments/me/mine/predictions", None),
    ],
)
def test_where_a_prediction_is_asked_for(route: str, path: str, version: str | None) -> None:
    call = DIALECT.create(replace(JOB, route=route))
    assert (call.method, call.path, call.repeat) == ("POST", path, False)
    assert call.fields is not None and call.fields.get("version") == version
    assert set(call.fields) - {"version"} == {"input"} and call.headers == {}


def test_a_hold_and_a_deadline() -> None:
    call = DIALECT.create(replace(JOB, patience=90, time_limit=3600))
    assert call.headers == {"Prefer": "wait=60", "Cancel-After": "3600s"}
    assert call.seconds > 60, "the connection has to outlive the hold"
    assert DIALECT.create(replace(JOB, time_limit=2)).headers == {"Cancel-After": "5s"}


def test_the_newest_version_unless_it_is_official() -> None:
    assert DIALECT.settled(JOB, [page(is_official=False)]).route == f"me/model:{HASH}"
    assert DIALECT.settled(JOB, [page()]).route == f"me/model:{HASH}"
    assert DIALECT.settled(JOB, [page(is_official=True)]).route == "me/model"
    hidden = answer(200, {"latest_version": {"id": "hidden"}})
    assert DIALECT.settled(JOB, [hidden]).route == "me/model"
    for route in (f"me/model:{'b' * 64}", "deployments/me/mine"):
        assert DIALECT.settled(replace(JOB, route=route), [page()]).route == route


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"promt": "x"}, ["promt: there is no such input; did you mean prompt?", "prompt: it is"]),
        ({"prompt": "x", "num_frames": 4}, ["num_frames: 4 is out of range; it takes 5 to 100"]),
        ({"prompt": "x", "steps": 41}, ["steps: 41 is out of range; it takes 40 or less"]),
        ({"prompt": "x", "guidance": -1}, ["guidance: -1 is out of range; it takes 0 or more"]),
        ({"prompt": "x", "width": 100}, ["width: 100 is no multiple of 32"]),
        ({"prompt": "x", "mode": "Fsat"}, ["did you mean Fast? choices: Off, Balanced, Fast"]),
        ({"prompt": "x", "fast": 1}, ["fast: 1 is not of the type boolean"]),
        ({"prompt": "x", "steps": True}, ["steps: True is not of the type integer"]),
        ({"prompt": "x", "steps": 2.5}, ["steps: 2.5 is not of the type integer"]),
        ({"prompt": "x" * 21}, ["prompt: 21 characters; it takes 20"]),
        ({"prompt": Attached("p", "url"), "image": 3}, ["image: 3 is not of the type string"]),
    ],
)
def test_an_input_is_held_to_the_schema(given: dict[str, Any], said: list[str]) -> None:
    found = faults(given, schema_of({"openapi_schema": SCHEMA}), {"openapi_schema": SCHEMA})
    for part in said:
        assert any(part in one for one in found), found


@pytest.mark.parametrize("body", [None, [], "x", {}, {"openapi_schema": 3}, {"latest_version": []}])
def test_a_page_without_a_schema_forbids_nothing(body: Any) -> None:
    assert faults({"anything": 1}, schema_of(body), body) == ()


def test_a_good_input_has_no_faults() -> None:
    given = {
        "prompt": "x", "image": Attached("i", "url"), "num_frames": 81, "guidance": 5, "fast": True,
        "mode": "Off", "any": [1], "steps": 3.0,
    }  # fmt: skip
    assert list(faults(given, schema_of(page().body), page().body)) == []


def test_a_schema_that_goes_in_circles_ends() -> None:
    loop = {"openapi_schema": {"components": {"schemas": {
        "Input": {"properties": {"a": {"$ref": "#/components/schemas/b"}}},
        "b": {"$ref": "#/components/schemas/b"},
    }}}}  # fmt: skip
    assert list(faults({"a": 1}, schema_of(loop), loop)) == []


def test_a_model_that_is_not_there_and_a_file_too_large() -> None:
    gone = answer(404, {"title": "Not found", "detail": "The requested resource"})
    with pytest.raises(SubmissionRejected, match="does not show the model me/model"):
        DIALECT.allow(JOB, [gone])
    with pytest.raises(HostUnreachable):
        DIALECT.allow(JOB, [answer(503)])
    large = replace(JOB, inputs=(Input("image", "image.png", "", "", 100 * 10**6 + 1),))  # type: ignore[arg-type]
    with pytest.raises(SubmissionRejected, match="files up to 100 MB"):
        DIALECT.allow(large, [page()])


def test_a_refusal_names_each_field() -> None:
    problem = {
        "title": "Input validation failed", "detail": "- see invalid_fields", "status": 422,
        "invalid_fields": [
            {"type": "required", "field": "input", "description": "input is required"}
        ],
    }  # fmt: skip
    with pytest.raises(SubmissionRejected) as refused:
        DIALECT.created(answer(422, problem))
    assert "Input validation failed" in refused.value.message
    assert "input: input is required" in refused.value.message


@pytest.mark.parametrize("body", [None, {}, {"id": None}, {"id": ""}, {"id": True}, [], "ok"])
def test_an_answer_without_an_id_is_no_start(body: Any) -> None:
    with pytest.raises(SubmissionRejected, match="does not say which job"):
        DIALECT.created(answer(201, body))


def test_a_busy_service_and_one_that_moved() -> None:
    for status in (429, 502, 503, 504):
        with pytest.raises(HostUnreachable):
            DIALECT.created(answer(status, {"detail": "later"}))
    with pytest.raises(SubmissionRejected) as moved:
        DIALECT.created(answer(308, location="https://new.example.com"))
    assert "https://new.example.com" in moved.value.hint


STATES = {
    "starting": "queued", "processing": "running", "succeeded": "succeeded", "failed": "failed",
    "canceled": "cancelled", "aborted": "failed", "Succeeded": "succeeded",
}  # fmt: skip


@pytest.mark.parametrize("status", STATES)
def test_what_a_status_means(status: str) -> None:
    seen = DIALECT.seen("x", answer(200, {"id": "x", "status": status}))
    assert seen.phase == STATES[status]


def test_outputs_of_every_shape() -> None:
    def paths(output: Any) -> list[tuple[str, str]]:
        body = {"status": "succeeded", "output": output}
        downloads = DIALECT.seen("x", answer(200, body)).downloads
        return [(one.path, one.call.path) for one in downloads]

    one, two = "https://replicate.delivery/a/out.mp4", "https://replicate.delivery/a/mask.png?x=1"
    assert paths(one) == [("outputs/output.mp4", one)]
    assert paths([one, two]) == [("outputs/output.mp4", one), ("outputs/output_1.png", two)]
    for nothing in (None, [], {}, "words", [None], 3, "file:///etc/passwd"):
        assert paths(nothing) == []


def test_who_ended_it() -> None:
    ended = {"status": "canceled", "completed_at": "2026-01-01T00:10:00.5Z"}
    by_deadline = DIALECT.seen("x", answer(200, {**ended, "deadline": "2026-01-01T00:10:00Z"}))
    assert by_deadline.phase == "failed" and by_deadline.told["by_deadline"] is True
    by_hand = DIALECT.seen("x", answer(200, {**ended, "deadline": "2026-01-01T01:00:00Z"}))
    assert by_hand.phase == "cancelled"


def test_what_is_kept_of_an_answer_is_small() -> None:
    given = {"prompt": "x" * 500, "image": "data:" + "x" * 5000, "seed": 3, "mode": "Off"}
    body = {"status": "succeeded", "output": [], "input": given, "metrics": {"predict_time": 2.0}}
    told = DIALECT.seen("x", answer(200, body)).told
    assert told["input"] == {"seed": 3, "mode": "Off"} and told["metrics"] == {"predict_time": 2.0}


@pytest.mark.parametrize("body", [None, [], "x", {"status": None}, {"status": ["x"]}, {"state": 1}])
def test_an_answer_that_says_nothing_is_asked_again(body: Any) -> None:
    with pytest.raises(HostUnreachable):
        DIALECT.seen("x", answer(200, body))
    assert DIALECT.seen("x", answer(404, {"detail": "Not found"})).phase == "lost"


def test_ours_in_the_list() -> None:
    row = {
        "id": "one", "model": "me/model", "version": HASH, "created_at": "2026-01-01T00:00:10Z",
        "input": {"prompt": "a street", "image": "https://x"},
    }  # fmt: skip
    since = 1767225600.0  # 2026-01-01T00:00:00Z
    job = replace(JOB, route=f"me/model:{HASH}")

    def found(**changes: Any) -> list[str]:
        rows = {"results": [{**row, **changes}, None, "x"]}
        return list(DIALECT.ours(answer(200, rows), job, since))

    assert found() == ["one"] and found(input={}) == ["one"]
    assert found(input={"prompt": "another"}) == []
    assert found(version="b" * 64) == [] and found(model="me/other") == []
    assert found(created_at="2025-12-31T23:59:59Z") == [] and found(created_at=None) == []
    assert list(DIALECT.ours(answer(200, {"results": None}), job, since)) == []


def test_a_webhook_is_asked_for_beside_the_input() -> None:
    call = DIALECT.notified(DIALECT.create(JOB), "https://x/replicate")
    assert call.fields is not None
    assert call.fields["webhook"] == "https://x/replicate"
    assert call.fields["webhook_events_filter"] == ["completed"] and "input" in call.fields
    plain = Luma().create(JOB)
    assert Luma().notified(plain, "https://x") == plain


def test_tokens_that_are_none() -> None:
    assert DIALECT.headers("r8_x") == {"Authorization": "Bearer r8_x"}
    for token in ("", "a b", "a\n", "ä", " a"):
        with pytest.raises(ConfigError) as refused:
            DIALECT.headers(token)
        assert not token.strip() or token not in refused.value.message.split()


def test_an_id_is_no_path() -> None:
    assert DIALECT.look("../account").path == "/predictions/..%2Faccount"
    assert DIALECT.cancel("x?y").path == "/predictions/x%3Fy/cancel"  # type: ignore[union-attr]
