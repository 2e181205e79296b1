"""plan: what a run would do, send, take and cost; and nothing of it is done."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from cosmos_workflow.cli.planned import tell, tell_sum
from cosmos_workflow.cli.screen import LineScreen
from cosmos_workflow.config.load import load
from cosmos_workflow.execution.job import Attached, CommandJob, Derived, Input, Job, RequestJob
from cosmos_workflow.workflows.plan import Drawn, uploads_of
from cosmos_workflow.workflows.plan_estimate import Estimate
from tests.engine_samples import prompt_spec, run_spec


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    one, two = tmp_path / "a.mp4", tmp_path / "b.mp4"
    one.write_bytes(b"x" * 1000)
    two.write_bytes(b"x" * 3001)
    return one, two


def request(files: tuple[Path, Path]) -> RequestJob:
    body = {
        "video": Attached("a", "base64"),
        "extra": {"edge": {"control_path": Attached("b", "path")}},
        "prompt": "words",
    }
    inputs = (Input("a", "a.mp4", files[0]), Input("b", "b.mp4", files[1]))
    return RequestJob("j", "nim", "nim", body, {}, inputs=inputs)


def drawn(job: Job, kind: str, estimate: Estimate) -> Drawn:
    run = run_spec("preview", prompt_spec())
    return Drawn(
        run, "lab", job, ("a fact",), "the command", tuple(uploads_of(job, kind)), estimate
    )


def test_each_file_with_its_size_on_the_way(files: tuple[Path, Path]) -> None:
    one, two = uploads_of(request(files), "http")
    assert (one.size, one.way) == (1336, "with the request, in base64")
    assert (two.size, two.way) == (3001, "to the server's machine, once")
    made = Derived("canny", files[0], {"low": 1, "high": 2})
    job = CommandJob("j", "e", ("x",), {}, inputs=(Input("e", "edge.mp4", made),))
    (only,) = uploads_of(job, "ssh")
    assert (only.size, only.way) == (None, "made first, then to the machine, once")


def said(
    project: Path, capsys: pytest.CaptureFixture[str], job: Job, kind: str, estimate: Estimate
) -> str:
    (project / "config.toml").write_text('[targets.lab]\nhost = "lab"\n', encoding="utf-8")
    screen = LineScreen(sys.stdout, sys.stderr)
    tell(screen, load(), drawn(job, kind, estimate))
    return capsys.readouterr().out


def test_time_and_cost(
    project: Path, capsys: pytest.CaptureFixture[str], files: tuple[Path, Path]
) -> None:
    made = Derived("canny", files[0], {})
    inputs = (Input("a", "a.mp4", files[0]), Input("e", "edge.mp4", made))
    job = CommandJob("j", "e", ("x",), {}, gpus=2, inputs=inputs)
    text = said(project, capsys, job, "ssh", Estimate(7200.0, "its makers' figures", 2, 2.5))
    assert "a fact\n" in text and "the command\n" in text
    assert "up to 1.0 kB in 1 file, and 1 file of unknown size that is made first" in text
    assert "time         about 1:00:00 (its makers' figures)" in text
    assert "GPU seconds  about 7200 on 2 GPUs" in text
    assert "cost         about 5.00 (2.5 an hour of one GPU)" in text


def test_what_nobody_knows_is_said(
    project: Path, capsys: pytest.CaptureFixture[str], files: tuple[Path, Path]
) -> None:
    text = said(project, capsys, request(files), "http", Estimate(None, "nobody told", 1, 0.0))
    assert "time         unknown: nobody told" in text and "GPU seconds" not in text
    assert "cost         unknown: [targets.lab] has no price_per_hour" in text


def test_a_sum_counts_what_is_known(
    capsys: pytest.CaptureFixture[str], files: tuple[Path, Path]
) -> None:
    known = drawn(request(files), "http", Estimate(3600.0, "x", 1, 2.0))
    unknown = drawn(request(files), "http", Estimate(None, "x", 1, 2.0))
    tell_sum(LineScreen(sys.stdout, sys.stderr), [known, known])
    assert capsys.readouterr().out == "2 runs: 2:00:00 of GPU time, cost 4.00\n"
    tell_sum(LineScreen(sys.stdout, sys.stderr), [known, unknown])
    assert (
        "1:00:00 of GPU time, cost 2.00; 1 run of which nobody can tell" in capsys.readouterr().out
    )


def test_json_holds_it_all(files: tuple[Path, Path]) -> None:
    one = drawn(request(files), "http", Estimate(3600.0, "x", 1, 2.0)).to_json()
    one = json.loads(json.dumps(one, default=str))
    assert one["upload_bytes"] == 4337 and one["cost"] == 2.0 and one["gpu_seconds"] == 3600.0
    assert one["uploads"][0]["name"] == "a.mp4" and one["plan"] == "the command"
