"""The live trial of a NIM: what it writes, what it says when it goes wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from project import Project, video
from servers.nim import NimServer, nim_server

from cosmos_workflow.ids import sha256_file
from cosmos_workflow.video.probe import probe

FILES = ("--output", "out.mp4", "--summary-json", "s.json", "--run-manifest", "m.json")
KEY = "nvapi-secret-5678"


@pytest.fixture
def nim() -> Iterator[NimServer]:
    with nim_server() as one:
        yield one


def test_it_leaves_a_video_and_a_record(project: Project, nim: NimServer) -> None:
    nim.be.kind, nim.be.token = "cosmos3", KEY
    env = {"COSMOS_BASE_URL": nim.url, "NVIDIA_API_KEY": KEY}
    project.cosmos("smoke", "nim", "--prompt", "rain", *FILES, env=env)
    out = project.root / "out.mp4"
    assert probe(out).frames == 25
    summary = json.loads((project.root / "s.json").read_text())
    assert summary["status"] == "SUCCESS"
    assert (summary["prompt"], summary["mode"], summary["seed"]) == ("rain", "text2world", 1)
    assert summary["model"].startswith("cosmos3-generator")
    assert summary["video"]["sha256"] == sha256_file(out)
    text = (project.root / "m.json").read_text()
    manifest = json.loads(text)
    assert manifest["variables"] == {"COSMOS_BASE_URL": True, "NVIDIA_API_KEY": True}
    assert manifest["result"] == {"sha256": sha256_file(out), "bytes": out.stat().st_size}
    assert manifest["path"] == "out.mp4"
    assert manifest["input"]["fields"]["prompt"] == "text of 4"
    assert [call["operation"] for call in manifest["calls"]] == ["health", "generate"]
    assert manifest["events"] >= 6
    assert KEY not in text
    assert {path.name for path in project.root.iterdir()} == {"shot", "out.mp4", "s.json", "m.json"}


def test_it_starts_from_a_video_where_the_model_wants_one(project: Project, nim: NimServer) -> None:
    nim.be.kind = "transfer25"
    video(project.root / "shot" / "long.mp4", "testsrc2", 93)
    start = ("--input-video", "shot/long.mp4")
    done = project.json("smoke", "nim", *start, *FILES[:2], "--target", "mine", code=2)
    assert done[-1]["message"] == "there is no target named 'mine'"
    project.configure(f'[services.mine]\ndialect = "nim"\nurl = "{nim.url}/v1/"\n')
    summary = project.json("smoke", "nim", *start, "--target", "mine")[-1]
    assert (summary["status"], summary["mode"]) == ("SUCCESS", "video2world")
    assert nim.asked[0]["edge"] == {"control_weight": 1.0}


def test_a_failure_is_recorded_too(project: Project, nim: NimServer) -> None:
    nim.be.fault = "failed"
    done = project.cosmos("smoke", "nim", *FILES, env={"COSMOS_BASE_URL": nim.url}, code=6)
    assert "the NIM says failed: CUDA out of memory" in " ".join(done.stderr.split())
    assert json.loads((project.root / "m.json").read_text())["status"] == "FAILED"
    assert json.loads((project.root / "s.json").read_text())["error"].startswith("the NIM says")
    assert not (project.root / "out.mp4").exists()


def test_a_hint_does_not_name_a_run_that_is_gone(project: Project, nim: NimServer) -> None:
    nim.be.fault = "failed"
    env = {"COSMOS_BASE_URL": nim.url}
    done = project.cosmos("smoke", "nim", *FILES, env=env, code=6)
    assert "cosmos logs" not in done.stderr + (project.root / "s.json").read_text()


def test_a_nim_that_is_not_there_is_recorded_too(project: Project) -> None:
    (project.root / "s.json").write_text('{"status": "SUCCESS"}')
    env = {"COSMOS_BASE_URL": "http://127.0.0.1:1"}
    done = project.cosmos("smoke", "nim", *FILES, env=env, code=4)
    assert "no connection to nim" in done.stderr
    summary = json.loads((project.root / "s.json").read_text())
    assert summary["status"] == "FAILED" and "no connection to nim" in summary["error"]
    manifest = json.loads((project.root / "m.json").read_text())
    assert (manifest["status"], manifest["calls"], manifest["path"]) == ("FAILED", [], None)
    assert not (project.root / "out.mp4").exists()


def test_a_place_that_cannot_be_written_costs_no_video(project: Project, nim: NimServer) -> None:
    env = {"COSMOS_BASE_URL": nim.url}
    for flag in ("--output", "--summary-json", "--run-manifest"):
        done = project.cosmos("smoke", "nim", flag, "shot", env=env, code=3)
        assert f"{flag} shot is a folder" in done.stderr
        done = project.cosmos("smoke", "nim", flag, "/proc/x.mp4", env=env, code=7)
        assert f"{flag} /proc/x.mp4 cannot be written" in done.stderr
    assert nim.asked == []


def test_a_machine_is_no_nim(project: Project, nim: NimServer) -> None:
    env = {"COSMOS_BASE_URL": nim.url}
    done = project.cosmos("smoke", "nim", "--target", "local", env=env, code=2)
    assert "local is a machine" in done.stderr and "--target nim" in done.stderr


def test_it_says_what_it_wants(project: Project) -> None:
    said = project.cosmos("smoke", "nim", "--needs").stdout
    for word in ("COSMOS_BASE_URL", "NVIDIA_API_KEY", "the host owns", "expected:"):
        assert word in said
    (facts,) = project.json("smoke", "nim", "--needs")
    assert list(facts["required"]) == ["COSMOS_BASE_URL"]
    done = project.cosmos("smoke", "nim", code=2)
    assert "COSMOS_BASE_URL is not set" in done.stderr
    done = project.cosmos("smoke", "nin", code=2)
    assert "did you mean 'nim'?" in done.stderr
