"""A run folder: attempts, folding, locking, torn lines, and the index over ten thousand of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cosmos_workflow.errors import SpecError
from cosmos_workflow.events import (
    Cancelled,
    ExecutionStatus,
    Failed,
    Log,
    Output,
    Planned,
    Progress,
    Submitted,
    Succeeded,
)
from cosmos_workflow.execution.job import CommandJob, Input, Place, WrittenFile
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.runs import index
from cosmos_workflow.runs.store import RunFolder, RunInUse, Store

PROMPT = PromptSpec.made(name="street", prompt="a wet street; $(rm -rf /) 'and' \"quotes\"\n夜")
RUN = RunSpec.create(
    name="street", prompt_spec_id=PROMPT.id, prompt_spec_path="x.json", engine="preview"
)


def plan(run_id: str, job_name: str) -> CommandJob:
    return CommandJob(
        name=job_name,
        engine="preview",
        argv=(Place("python"), "-m", "x", Place("workspace", "spec.json")),
        outputs={run_id: ("outputs/*.mp4",)},
        inputs=(Input("color", "color.mp4", Path("/shots/color.mp4"), "ab" * 32, 7),),
        files=(WrittenFile("spec.json", json={"video": Place("input", "color"), "n": [1, "{x}"]}),),
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "outputs")


def test_attempts_are_numbered_and_complete(store: Store) -> None:
    first = store.create(RUN, PROMPT, plan, "local")
    second = store.create(RUN, PROMPT, plan, "local")
    assert [first.id, second.id] == [f"{RUN.id}.1", f"{RUN.id}.2"]
    assert first.spec() == RUN and first.prompt() == PROMPT
    assert first.job().name != second.job().name
    job = first.job()
    assert job == plan(first.id, job.name)
    assert [folder.id for folder in store.attempts(RUN.id)] == [first.id, second.id]


def test_a_prompt_that_looks_like_a_place_stays_text(store: Store) -> None:
    text = '{workspace} {"$place": ["workspace", ""]}'
    content = {"prompt": text, "a": {"$place": ["workspace", ""]}, "b": {"$object": {"$place": 1}}}

    def with_text(run_id: str, job_name: str) -> CommandJob:
        files = (WrittenFile("spec.json", json=content),)
        return CommandJob(job_name, "preview", ("true",), {run_id: ()}, files=files)

    assert store.create(RUN, PROMPT, with_text, "local").job().files[0].json == content


def test_status_is_a_fold_and_the_first_end_stands(store: Store) -> None:
    folder = store.create(RUN, PROMPT, plan, "local")
    assert folder.run().status is ExecutionStatus.PENDING
    folder.record(Planned(folder.id, "preview", "local"))
    folder.record(Submitted({"target": "local", "job": "j", "ref": "1"}))
    folder.record(Progress("sampling", 0.5))
    run = folder.run()
    assert (run.status, run.stage, run.fraction) == (ExecutionStatus.RUNNING, "sampling", 0.5)
    folder.record(Succeeded((Output("a.mp4", 1, "00"),)))
    folder.record(Cancelled())
    assert folder.run().status is ExecutionStatus.SUCCESS
    assert folder.run().outputs == (Output("a.mp4", 1, "00"),)


def test_a_torn_last_line_costs_only_itself(store: Store) -> None:
    folder = store.create(RUN, PROMPT, plan, "local")
    folder.record(Planned(folder.id, "preview", "local"))
    with folder.events_file.open("a") as file:
        file.write('{"event": "Submitted", "at": 1, "hand')
    assert folder.run().status is ExecutionStatus.PENDING
    folder.record(Failed("engine", "it broke", "mend it"))
    assert folder.run().status is ExecutionStatus.FAILED
    assert folder.run().message == "it broke"


def test_an_event_of_a_newer_version_is_passed_over(store: Store) -> None:
    folder = store.create(RUN, PROMPT, plan, "local")
    with folder.events_file.open("a") as file:
        file.write(json.dumps({"event": "Teleported", "at": 1}) + "\n")
    folder.record(Planned(folder.id, "preview", "local"))
    assert folder.run().engine == "preview"


def test_the_log_is_kept_byte_for_byte(store: Store) -> None:
    folder = store.create(RUN, PROMPT, plan, "local")
    raw = b"one\r\xfftwo \xe5\xa4\x9c\n"
    folder.record(Log(raw.decode("utf-8", "surrogateescape"), len(raw)))
    assert folder.log_file.read_bytes() == raw
    assert folder.log_size() == len(raw)


def test_one_process_at_a_time(store: Store) -> None:
    folder = store.create(RUN, PROMPT, plan, "local")
    with folder.held(), pytest.raises(RunInUse), RunFolder(folder.path).held():
        pass


def test_find_by_prefix(store: Store) -> None:
    folder = store.create(RUN, PROMPT, plan, "local")
    other = RUN.model_copy(update={"id": "rs_00000000"})
    store.create(other, PROMPT, plan, "local")
    assert store.find(folder.id) == folder
    assert store.find(RUN.id[:6]) == folder
    assert store.find(RUN.id[3:7]) == folder
    with pytest.raises(SpecError, match="2 different runs"):
        store.find("rs_")
    with pytest.raises(SpecError, match="no run"):
        store.find("rs_ffffffff")
    with pytest.raises(SpecError, match="not the id"):
        store.find("../../etc")


def test_the_index_follows_the_folders(store: Store) -> None:
    folder = store.create(RUN, PROMPT, plan, "local")
    assert [row.status for row in index.page(store).rows] == [ExecutionStatus.PENDING]
    folder.record(Planned(folder.id, "preview", "local"))
    folder.record(Failed("engine", "it broke"))
    rows = index.page(store, status=ExecutionStatus.FAILED).rows
    assert [(row.id, row.message) for row in rows] == [(folder.id, "it broke")]
    assert index.page(store, limit=0).total == 1
    assert index.page(store).specs == {RUN.id}
    for path in sorted(folder.path.iterdir()):
        path.unlink()
    folder.path.rmdir()
    assert index.page(store).rows == []


def test_a_spoiled_folder_does_not_hide_the_others(store: Store) -> None:
    first, second = (store.create(RUN, PROMPT, plan, "local") for _ in range(2))
    (first.path / "run.json").unlink()
    names = {row.id: row.name for row in index.page(store).rows}
    assert names[first.id] == "(its run.json cannot be read)"
    assert names[second.id] == second.spec().name


def test_a_broken_index_is_made_anew(store: Store) -> None:
    folder = store.create(RUN, PROMPT, plan, "local")
    (store.root / ".index.sqlite").write_bytes(b"not a database at all" * 100)
    assert [row.id for row in index.page(store).rows] == [folder.id]


def test_without_room_for_an_index_the_runs_are_read_anew(store: Store) -> None:
    folder = store.create(RUN, PROMPT, plan, "local")
    (store.root / ".index.sqlite").mkdir()
    assert [row.id for row in index.page(store).rows] == [folder.id]


def test_looking_at_no_runs_makes_nothing(store: Store) -> None:
    assert index.page(store).rows == []
    assert not store.root.exists()


def test_only_what_is_new_is_read_and_another_file_is_read_anew(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "rs_0a0a0a0a.1")
    folder.path.mkdir()
    assert folder.run().created is None
    folder.record(Planned("rs_0a0a0a0a.1", "preview", "local"))
    assert folder.run().target == "local"
    with folder.events_file.open("ab") as file:
        file.write(b'{"event": "Staged", "at": 1.0, "sent": 7, "to')
    assert folder.run().sent is None, "half a line is no event"
    with folder.events_file.open("ab") as file:
        file.write(b'tal": 7, "seconds": 0.1}\n')
    assert (folder.run().sent, folder.run().target) == (7, "local")
    other = tmp_path / "other"
    other.write_bytes(folder.events_file.read_bytes().replace(b'"local"', b'"other"'))
    other.replace(folder.events_file)
    assert folder.run().target == "other"
    folder.events_file.write_bytes(b"")
    assert folder.run().target == ""
