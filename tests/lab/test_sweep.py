"""``cosmos sweep`` as it is typed, with real videos: what it takes, what is kept, and its runs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from project import Project

GPU = """
[targets.gpu]
kind = "local"
launcher = "shell"
price_per_hour = 36
slots = 2
[defaults]
target = "gpu"
"""


@pytest.fixture
def prompt(project: Project) -> str:
    controls = ("--input-video", "shot/color.mp4", "--control-inputs", "depth:shot/depth.mp4")
    return str(project.json("create-spec", "street", "a {weather} street", *controls)[-1]["id"])


def sweep(project: Project, *args: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was told before, and the sweep."""
    before, made = project.json("sweep", "street", "--vary", "weather=wet", *args)
    return before, made


def test_a_sweep_is_run_by_its_name(project: Project, prompt: str) -> None:
    _, made = sweep(project, "seed=1,2", "--name", "two")
    project.cosmos("batch", "two")
    assert project.json("show", made["id"])[-1]["so_far"] == {"SUCCESS": 2}


def test_bounds_by_what_one_run_took(project: Project, prompt: str) -> None:
    project.configure(GPU)
    said = project.cosmos("sweep", "street", "--vary", "weather=wet", "seed=1", "--budget", "3",
                          code=3)  # fmt: skip
    assert "nobody knows how long these runs take" in said.stderr
    _, first = sweep(project, "seed=77")
    project.cosmos("batch", first["id"])
    (dry,) = project.json(
        "sweep", "street", "--vary", "weather=wet", "seed=1..10", "--dry-run"
    )  # fmt: skip
    assert dry["runs"] == 10 and dry["slots"] == 2 and dry["gpu_seconds"] > 0
    assert dry["cost"] == pytest.approx(dry["gpu_seconds"] / 100)
    assert len(list((project.root / "inputs" / "runs").rglob("*.json"))) == 1, "it is a dry run"
    half = str(dry["cost"] * 0.55)
    before, made = sweep(project, "seed=1..10", "--budget", half, "--limit", "9")
    assert len(made["runs"]) == 5 and len(before["left_out"]) == 2
    assert before["left_out"][0] == "1 by --limit 9"
    assert before["left_out"][1].startswith(f"4 by --budget {float(half):g}: all 9 would cost")
    late = f"{datetime.now() + timedelta(hours=2):%H:%M}"
    before, made = sweep(project, "seed=1..100000..100", "--until", late)
    assert len(made["runs"]) <= 1000
    all_of_them, _ = sweep(project, "seed=1..10")
    assert all_of_them["runs"] == 10, "a longer sweep is another one than the one cut short"
