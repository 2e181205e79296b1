"""create-run from a RunSpec: wishes go along, flags go first, losses are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.calling import Cosmos


@pytest.fixture
def run(cosmos: Cosmos, shot: Path) -> dict[str, Any]:
    """A RunSpec for transfer1, with wishes and defaults."""
    made = cosmos(
        "create-spec", "street", "a street", "--input-video", "in put/color.mp4",
        "--control-inputs", "depth:in put/depth.mp4", "edge:in put/edge.mp4", "--json",
    )  # fmt: skip
    return one(cosmos, made.objects[0]["id"], "--engine", "transfer1", "--guidance", "5.5",
               "--sigma-max", "60", "--weight", "edge=0.7", "depth=0.3")  # fmt: skip


def one(cosmos: Cosmos, *argv: str) -> dict[str, Any]:
    said = cosmos("create-run", *argv, "--json")
    assert said.code == 0, said.err + said.out
    (made,) = said.objects
    return made


def changes(made: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {change["what"]: (change["asked"], change["becomes"]) for change in made["changes"]}


def test_a_run_becomes_a_run_for_another_engine(cosmos: Cosmos, run: dict[str, Any]) -> None:
    made = one(cosmos, run["id"], "--engine", "transfer25")
    assert made["engine"] == "transfer25" and made["parent"] == run["id"]
    assert made["prompt_spec_id"] == run["prompt_spec_id"]
    assert made["control_weights"] == {"edge": 0.7, "depth": 0.3}
    assert made["parameters"]["guidance"] == 6.0 and made["parameters"]["sigma_max"] == 60.0
    assert made["parameters"]["seed"] == 2025, "a default is no wish"
    assert changes(made) == {"guidance": (5.5, 6), "sigma_max": (60.0, 60.0)}


def test_what_is_said_now_goes_first(cosmos: Cosmos, run: dict[str, Any]) -> None:
    flags = ["--engine", "transfer25", "--guidance", "2", "--seed", "4", "--weight", "edge=0.1"]
    made = one(cosmos, run["id"], *flags, "--name", "other")
    assert made["control_weights"] == {"edge": 0.1, "depth": 0.3} and made["name"] == "other"
    assert made["parameters"]["guidance"] == 2.0 and made["parameters"]["seed"] == 4
    assert changes(made) == {"sigma_max": (60.0, 60.0)}
    made = one(cosmos, run["id"], "--engine", "vllm_omni", "--weights", "0", "1", "0", "0")
    assert made["control_weights"] == {"edge": 1.0}
    assert changes(made) == {"sigma_max": (60.0, None)}


def test_a_variant_for_the_same_engine(cosmos: Cosmos, run: dict[str, Any]) -> None:
    made = one(cosmos, run["id"], "--seed", "9")
    assert (made["engine"], made["changes"], made["parent"]) == ("transfer1", [], run["id"])
    assert made["parameters"] == {**run["parameters"], "seed": 9}
    assert made["control_weights"] == run["control_weights"]


def test_it_is_found_by_path_pattern_and_start_of_id(cosmos: Cosmos, run: dict[str, Any]) -> None:
    said = cosmos("create-run", "inputs/runs/*/*.json", "--engine", "preview", "--json")
    (made,) = said.objects
    assert made["parent"] == run["id"]
    for name in (run["path"], run["id"][:7]):
        assert one(cosmos, name, "--engine", "preview")["id"] == made["id"]
    copy = Path("my run.json")
    copy.write_bytes(Path(run["path"]).read_bytes())
    assert one(cosmos, str(copy), "--engine", "preview")["id"] == made["id"]
    assert one(cosmos, "street", "--engine", "preview")["parent"] is None, "prompts come first"


def test_what_is_lost_is_printed(cosmos: Cosmos, run: dict[str, Any]) -> None:
    said = cosmos("create-run", run["id"], "--engine", "upscale")
    assert all(len(line) <= 80 for line in said.out.splitlines())
    rows = [line.split() for line in said.out.splitlines()]
    assert ["what", "asked", "becomes", "why"] in rows
    assert any(row[:6] == ["weight", "of", "depth", "0.3", "left", "out"] for row in rows)
    said = cosmos("create-run", run["id"], "--engine", "preview")
    assert f"nothing that {run['id']} asks for is lost" in said.out


def test_a_conversion_that_cannot_work_says_why(
    cosmos: Cosmos, run: dict[str, Any], project: Path
) -> None:
    before = sorted((project / "inputs/runs").rglob("*.json"))
    said = cosmos(
        "create-run", run["id"], "--engine", "transfer25", "--option", "use_distilled=true"
    )
    assert said.code == 3
    assert "made for transfer1, cannot become a run for transfer25:" in " ".join(said.err.split())
    assert sorted((project / "inputs/runs").rglob("*.json")) == before


def test_a_prompt_that_is_gone_is_named(cosmos: Cosmos, run: dict[str, Any], project: Path) -> None:
    for path in (project / "inputs/prompts").rglob("*.json"):
        path.unlink()
    said = cosmos("create-run", run["id"], "--engine", "preview")
    assert said.code == 3 and run["prompt_spec_id"] in said.err
