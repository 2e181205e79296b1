"""Luma, from the command line to a video that is home: a service that is data and one engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from project import Project
from scene import counted, until
from servers.luma import TOKEN, LumaServer, luma_server

from cosmos_workflow.events import ExecutionStatus
from cosmos_workflow.video.probe import probe


@pytest.fixture
def server(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[LumaServer]:
    """The service, configured, with its token in the environment."""
    monkeypatch.setenv("LUMAAI_API_KEY", TOKEN)
    with luma_server() as one:
        project.configure(f'[services.luma]\ndialect = "luma"\nurl = "{one.url}"\n')
        yield one


def made(project: Project, *args: str) -> str:
    spec = project.json("create-spec", "street", "a wet street")[-1]["id"]
    return str(project.json("create-run", spec, "--engine", "luma", *args)[-1]["id"])


def ran(project: Project, run: str, *args: str, code: int = 0) -> str:
    done = project.cosmos("run", run, "--target", "luma", *args, code=code)
    return " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize("loud", [False, True])
def test_words_become_a_video(project: Project, server: LumaServer, loud: bool) -> None:
    server.loud = loud
    link = "https://example.com/first.jpg"
    run = made(project, "--option", "duration=9s", "--option", f"first={link}")
    ran(project, run)
    folder = project.run(run)
    assert probe(folder.path / folder.run().outputs[0].path).frames == 9
    (one,) = server.generations.values()
    assert one.body["duration"] == "9s"
    assert one.body["keyframes"] == {"frame0": {"type": "image", "url": link}}
    assert server.tokens == [None], "the token went to the host of the results"


def test_a_failure_and_a_refusal(project: Project, server: LumaServer) -> None:
    server.fails = "400: Prompt not allowed because of moderation"
    run = made(project)
    ran(project, run, code=6)
    assert project.run(run).run().status is ExecutionStatus.BLOCKED
    server.fails = "the model ended"
    other = made(project, "--option", "duration=9s")
    ran(project, other, code=6)
    found = project.run(other).run()
    assert (found.status, found.message) == (ExecutionStatus.FAILED, "the model ended")


def test_a_result_that_is_gone(project: Project, server: LumaServer) -> None:
    server.gone = True
    assert "HTTP 403" in ran(project, made(project), code=None)  # type: ignore[arg-type]


def test_it_cannot_be_cancelled_and_says_so(project: Project, server: LumaServer) -> None:
    server.seconds = 3.0
    run = made(project)
    ran(project, run, "--detach")
    said = project.cosmos("cancel", run, code=4).stderr
    assert "luma has no way to end a job" in said and f"cosmos follow {run}.1 brings" in said
    project.cosmos("follow", run)
    assert project.run(run).run().status is ExecutionStatus.SUCCESS


def test_left_and_taken_up(project: Project, server: LumaServer) -> None:
    server.seconds = 2.0
    run = made(project)
    ran(project, run, "--detach")
    until(lambda: "Submitted" in counted(project.run(run)), "it does not begin")
    project.cosmos("follow", run)
    assert project.run(run).run().status is ExecutionStatus.SUCCESS


def test_status_and_a_wrong_token(
    project: Project, server: LumaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "ready" in project.cosmos("status", "--target", "luma").stdout
    monkeypatch.setenv("LUMAAI_API_KEY", "wrong")
    assert "refuses us (HTTP 403): Not authenticated" in ran(project, made(project), code=4)
