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
