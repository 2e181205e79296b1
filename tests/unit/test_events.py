"""Events on disk: what was written is what is read, by older and newer programs too."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosmos_workflow import events
from cosmos_workflow.events import ExecutionStatus, Output, RemoteFile, from_json, to_json

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
FILES = st.builds(RemoteFile, TEXT, st.integers(0), TEXT)
OUTPUTS = st.builds(Output, TEXT, st.integers(0), TEXT)
EVENTS = st.one_of(
    st.builds(events.Planned, TEXT, TEXT, TEXT),
    st.builds(events.Transferring, st.sampled_from(["up", "down"]), st.integers(0), st.integers(0)),
    st.builds(events.Staged, st.integers(0), st.integers(0), st.floats(0, 1e6)),
    st.builds(events.Submitted, st.dictionaries(TEXT, TEXT)),
    st.builds(events.Log, TEXT, st.integers(0)),
    st.builds(events.Progress, TEXT, st.none() | st.floats(0, 1), TEXT),
    st.builds(events.Disconnected, TEXT, st.floats(0, 100)),
    st.builds(
        events.JobEnded,
        st.none() | st.integers(0, 255),
        st.sampled_from(["exited", "oom", "gone"]),
        st.lists(FILES).map(tuple),
    ),
    OUTPUTS,
    st.builds(events.Succeeded, st.lists(OUTPUTS).map(tuple)),
    st.builds(events.Blocked, TEXT, TEXT, TEXT, TEXT),
    st.builds(events.Failed, TEXT, TEXT, TEXT),
    st.builds(events.Cancelled, TEXT),
)


@given(EVENTS, st.integers(0, 2_000_000_000))
def test_an_event_survives_its_line(event: events.Event, at: int) -> None:
    line = json.dumps(to_json(event, at), ensure_ascii=False)
    assert "\n" not in line
    assert from_json(json.loads(line)) == (event, at)


def test_every_kind_of_event_can_be_read_back() -> None:
    kinds = {kind.__name__ for kind in events.Event.__subclasses__()}
    assert kinds == set(events._KINDS)


def test_unknown_fields_are_dropped_and_unknown_events_refused() -> None:
    data = to_json(events.Planned("rs_1.1", "e", "t"), 1.0)
    assert from_json({**data, "later": 1})[0] == events.Planned("rs_1.1", "e", "t")
    with pytest.raises(KeyError):
        from_json({"event": "Later", "at": 1})


def test_a_newer_programs_nested_fields_are_dropped_too() -> None:
    file = {"path": "x", "size": 1, "sha256": "s", "later": True}
    data = {"event": "JobEnded", "at": 1, "exit_code": 0, "reason": "exited", "files": [file]}
    assert from_json(data)[0] == events.JobEnded(0, "exited", (RemoteFile("x", 1, "s"),))


def test_the_final_states() -> None:
    final = {status for status in ExecutionStatus if status.final}
    assert final == set(ExecutionStatus) - {ExecutionStatus.PENDING, ExecutionStatus.RUNNING}
