"""show: everything about a run, and what became of what was asked."""

from __future__ import annotations

import json
from pathlib import Path

from cosmos_workflow.engines.preview import Preview
from cosmos_workflow.engines.rules import settle
from cosmos_workflow.events import Output, Submitted, Succeeded
from cosmos_workflow.execution.job import CommandJob
from cosmos_workflow.runs.store import RunFolder, Store
from tests.cli.calling import Cosmos
from tests.engine_samples import prompt_spec, run_spec


def finished(project: Path, used: dict[str, object]) -> RunFolder:
    """A run that is over, and what its renderer says it used."""
    prompt = prompt_spec(controls=["edge"])
    run = settle(Preview(), run_spec("preview", prompt, parameters={"guidance": 5.0}), prompt)
    sent = run.parameters.model_dump(mode="json")

    def plan(run_id: str, name: str) -> CommandJob:
        return CommandJob(name, "preview", ("x",), {run_id: ("outputs/o.mp4",)}, parameters=sent)

    folder = Store(project / "outputs").create(run, prompt, plan, "local")
    echo = json.dumps({"preview": True, "parameters": {**sent, **used}})
    (folder.path / "echo.json").write_text(echo, encoding="utf-8")
    folder.record(Submitted({"target": "local", "job": "x", "ref": "1"}))
    outputs = (Output("o.mp4", 1, ""), Output("echo.json", len(echo), ""))
    folder.record(Succeeded(outputs))
    return folder


def test_asked_sent_and_used_stand_side_by_side(cosmos: Cosmos, project: Path) -> None:
    folder = finished(project, {"guidance": 4.5})
    said = cosmos("show", folder.id)
    assert said.code == 0
    rows = [line.split() for line in said.out.splitlines()]
    assert ["parameter", "asked", "sent", "used"] in rows
    assert ["guidance", "5", "5", "4.5", "used", "otherwise"] in rows
    assert ["seed", "1", "1", "1"] in rows
    (facts,) = cosmos("show", folder.id, "--json").objects
    assert facts["parameters"]["guidance"] == 5.0
    differing = [row for row in facts["compared"] if row["differs"]]
    assert differing == [
        {"name": "guidance", "asked": 5.0, "sent": 5.0, "used": 4.5, "differs": "used otherwise"}
    ]


def test_following_a_run_that_is_over_says_what_differs(cosmos: Cosmos, project: Path) -> None:
    folder = finished(project, {"guidance": 4.5})
    last = cosmos("follow", folder.id, "--json").objects[-1]
    assert [row["name"] for row in last["differences"]] == ["guidance"]
    said = cosmos("follow", folder.id)
    assert "not as it was asked: guidance 5 -> 4.5; cosmos show rs_" in said.out
    assert said.code == 0


def test_a_run_that_was_done_as_asked_says_nothing(cosmos: Cosmos, project: Path) -> None:
    folder = finished(project, {})
    assert "not as it was asked" not in cosmos("follow", folder.id).out
    assert "used otherwise" not in cosmos("show", folder.id).out
