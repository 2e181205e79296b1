"""Requested against effective: what is told apart, and what is the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cosmos_workflow.engines.preview import Preview
from cosmos_workflow.engines.rules import settle
from cosmos_workflow.events import Output, Submitted, Succeeded
from cosmos_workflow.execution.job import CommandJob
from cosmos_workflow.runs.store import RunFolder, Store
from cosmos_workflow.workflows.compare import compare, documents, in_a_line, of_run, same
from tests.engine_samples import prompt_spec, run_spec


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (7, "7.0", True),
        (0.3, 0.30000001192092896, True),
        (7, "7.1", False),
        (True, "true", True),
        (True, 1, False),
        ("medium", "medium", True),
        ("medium", "high", False),
        ("nan", "nan", False),
        ([1, 2.0], (1, 2), True),
        ([1], [1, 2], False),
        ({"a": 1}, {"a": "1"}, True),
        ({"a": 1}, {"b": 1}, False),
        (None, 0, False),
    ],
)
def test_what_is_the_same(one: Any, other: Any, alike: bool) -> None:
    assert same(one, other) is alike and same(other, one) is alike


def test_each_difference_is_named_and_what_agrees_is_not() -> None:
    found = compare(
        asked={"seed": 7, "guidance": 7.0, "num_steps": 35, "fps": 24, "blur_strength": "high",
               "canny_threshold": "medium"},
        sent={"seed": 7, "guidance": 7, "num_steps": 30, "fps": "24", "extra": 1},
        used={"seed": "7", "guidance": 5.0},
        usual={"canny_threshold": "medium", "blur_strength": "medium"},
    )  # fmt: skip
    assert {one.name: one.differs for one in found} == {
        "seed": "",
        "guidance": "used otherwise",
        "num_steps": "sent otherwise",
        "fps": "",
        "blur_strength": "not sent",
        "canny_threshold": "",
        "extra": "",
    }
    line = in_a_line(found)
    assert line == "guidance 7 -> 5, num_steps 35 -> 30, blur_strength high -> none"
    assert (found[1].asked, found[1].sent, found[1].used) == (7.0, 7, 5.0)


def test_a_run_of_before_this_was_kept_has_no_differences() -> None:
    (one,) = compare({"seed": 7}, {}, {}, {})
    assert (one.sent, one.used, one.differs) == (None, None, "")


def finished(root: Path, echo: str, sent: dict[str, Any]) -> RunFolder:
    prompt = prompt_spec(controls=["edge"])
    run = settle(Preview(), run_spec("preview", prompt, parameters={"guidance": 5.0}), prompt)

    def plan(run_id: str, name: str) -> CommandJob:
        files = {run_id: ("outputs/o.mp4",)}
        return CommandJob(name, "preview", ("x",), files, parameters={run_id: sent})

    folder = Store(root).create(run, prompt, plan, "local")
    (folder.path / "echo.json").write_text(echo, encoding="utf-8")
    folder.record(Submitted({"target": "local", "job": "x", "ref": "1"}))
    names = ("o.mp4", "echo.json", "gone.json")
    folder.record(Succeeded(tuple(Output(name, len(echo), "") for name in names)))
    return folder


def test_a_run_is_compared_with_the_models_own_document(tmp_path: Path) -> None:
    said = {"preview": True, "parameters": {"guidance": 4.0, "seed": 1, "fps": None}}
    sent = {"guidance": 5.0, "seed": 1}
    found = {one.name: one for one in of_run(finished(tmp_path, json.dumps(said), sent))}
    assert found["guidance"].used == 4.0 and found["guidance"].differs == "used otherwise"
    assert found["seed"].used == 1 and found["seed"].differs == ""
    assert found["fps"].used is None


def test_a_document_that_is_none_says_nothing(tmp_path: Path) -> None:
    folder = finished(tmp_path, "{torn", {"guidance": 5.0})
    assert documents(folder) == {}
    assert all(one.used is None for one in of_run(folder))
