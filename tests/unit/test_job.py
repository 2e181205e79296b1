"""A job on disk: places stay places, and text that looks like one stays text."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from cosmos_workflow.execution.job import (
    CommandJob,
    Derived,
    Input,
    Place,
    WrittenFile,
    fill,
    render,
)
from cosmos_workflow.execution.job_json import job_from_json, job_to_json

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
PLACES = st.builds(Place, st.sampled_from(["workspace", "input", "checkpoints", "python"]), TEXT)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT | PLACES,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=8,
)
INPUTS = st.builds(
    Input,
    TEXT,
    TEXT,
    st.sampled_from(
        [Path("/a b/c.mp4"), Derived("canny", Path("c.mp4"), {"low": 100, "high": 200})]
    ),
    TEXT,
    st.integers(0),
)
JOBS = st.builds(
    CommandJob,
    name=TEXT,
    engine=TEXT,
    argv=st.lists(TEXT | PLACES).map(tuple),
    outputs=st.dictionaries(TEXT, st.lists(TEXT).map(tuple)),
    image=st.none() | TEXT,
    env=st.dictionaries(TEXT, TEXT),
    secrets=st.lists(TEXT).map(tuple),
    gpus=st.integers(0, 8),
    inputs=st.lists(INPUTS, max_size=3).map(tuple),
    files=st.lists(st.builds(WrittenFile, TEXT, VALUES), max_size=3).map(tuple),
)


@given(JOBS)
def test_a_job_survives_its_file(job: CommandJob) -> None:
    assert job_from_json(json.loads(json.dumps(job_to_json(job)))) == job


def where(place: Place) -> str:
    return f"/on/host/{place.root}/{place.path}"


def test_only_places_are_filled() -> None:
    value = {"prompt": "{workspace}/x $(y)", "video": [Place("input", "c"), 1, None]}
    assert fill(value, where) == {
        "prompt": "{workspace}/x $(y)",
        "video": ["/on/host/input/c", 1, None],
    }


def test_files_are_rendered_as_a_document_or_as_lines() -> None:
    items = [{"a": "é\n"}, {"b": Place("input", "k")}]
    assert json.loads(render(WrittenFile("x.json", items), where))[1] == {"b": "/on/host/input/k"}
    lines = render(WrittenFile("x.jsonl", items), where)
    assert lines.count("\n") == 2 and [json.loads(line) for line in lines.splitlines()]
