"""The main job end to end: on this machine, and over SSH and Docker with the stand-in model."""

from __future__ import annotations

from project import Project

from cosmos_workflow.events import ExecutionStatus, Staged
from cosmos_workflow.video.probe import probe


def test_a_remote_run_comes_home(remote: Project) -> None:
    spec = remote.spec("a wet street", "--weight", "depth=0.4", "--seed", "11")
    lines = remote.json("run", spec)
    assert lines[-1]["status"] == "SUCCESS"
    run = remote.run(spec).run()
    assert run.status is ExecutionStatus.SUCCESS
    result = remote.run(spec).path / run.outputs[0].path
    assert probe(result).frames == 12
    assert "Saved video to" in remote.run(spec).log_file.read_text()


def test_the_second_run_uploads_only_the_spec(remote: Project) -> None:
    first, second = remote.spec("a wet street"), remote.spec("a dry street")
    remote.cosmos("run", first)
    remote.cosmos("run", second)
    staged = [e for e, _ in remote.run(second).events() if isinstance(e, Staged)]
    assert staged[0].sent < 20_000 < staged[0].total


def test_a_success_is_not_run_twice(remote: Project) -> None:
    spec = remote.spec("a wet street")
    remote.cosmos("run", spec)
    assert "succeeded already" in remote.cosmos("run", spec).stdout
    assert len(remote.store.attempts(spec)) == 1
    remote.cosmos("run", spec, "--again")
    assert len(remote.store.attempts(spec)) == 2


def test_a_blocked_prompt_is_not_a_crash(remote: Project) -> None:
    spec = remote.spec("an [[block]] street")
    done = remote.cosmos("run", spec, code=6)
    assert "BLOCKED" in done.stdout
    assert remote.run(spec).run().status is ExecutionStatus.BLOCKED


def test_the_log_of_a_run_that_nobody_follows(remote: Project) -> None:
    spec = remote.spec("a [[slow=60]] street")
    remote.cosmos("run", spec, "--detach")
    logs = remote.begin("logs", spec, "-f")
    assert logs.stdout is not None
    assert any("running preprocessor" in line for line in logs.stdout)
    logs.kill()
    logs.wait()
    assert "running preprocessor" in remote.cosmos("logs", spec).stdout
    remote.cosmos("cancel", spec)
