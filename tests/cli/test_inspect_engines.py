"""engines: what each accepts, and what of a RunSpec it cannot keep."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosmos_workflow.engines import ENGINES
from tests.cli.calling import Cosmos


@pytest.fixture
def run(cosmos: Cosmos, shot: Path) -> str:
    made = cosmos("create-spec", "street", "a street", "--input-video", "in put/color.mp4",
                  "--control-inputs", "depth:in put/depth.mp4", "--json")  # fmt: skip
    flags = ["--engine", "transfer1", "--guidance", "12", "--json"]
    return str(cosmos("create-run", made.objects[0]["id"], *flags).objects[0]["id"])


@pytest.mark.parametrize("name", ENGINES.rows)
def test_every_engine_can_be_shown(cosmos: Cosmos, name: str) -> None:
    said = cosmos("engines", "show", name)
    assert said.code == 0 and said.out.startswith(f"{name}: ")
    assert all(len(line) <= 80 for line in said.out.splitlines()[1:])
    (facts,) = cosmos("engines", name, "--json").objects
    assert facts["engine"] == name and "usual_shot" in facts


def test_it_says_words_ranges_frames_and_licence(cosmos: Cosmos) -> None:
    out = " ".join(cosmos("engines", "show", "transfer25").out.split())
    for text in ("licence NVIDIA Open Model License", "needs 61 GiB", "1280x704 (16:9)",
                 "121 frames in 2 chunks", "on one H100 for 121 frames", "segmentation 0 to 1 seg",
                 "sent as vis.preset_blur_strength", "whole numbers 0 to 7"):  # fmt: skip
        assert text in out
    (facts,) = cosmos("engines", "vllm_omni", "--json").objects
    assert facts["words"]["vis"] == ["blur"]
    assert facts["parameters"]["guidance"]["words"] == ["guidance_scale"]


def test_which_wishes_it_cannot_keep(cosmos: Cosmos, run: str, project: Path) -> None:
    said = cosmos("engines", "show", "transfer25", "--for", run)
    assert said.code == 0 and "made for transfer1, it does not keep:" in said.out
    assert ["guidance", "12", "7"] in [line.split()[:3] for line in said.out.splitlines()]
    (facts,) = cosmos("engines", "transfer25", "--for", run, "--json").objects
    assert facts["for"] == run and facts["possible"] is True
    assert [change["what"] for change in facts["changes"]] == ["guidance"]
    said = cosmos("engines", "show", "preview", "--for", run)
    assert f"{run} loses nothing with it" in said.out
    assert len(list((project / "inputs/runs").rglob("*.json"))) == 1


def test_what_could_not_be_a_run_for_it_at_all(cosmos: Cosmos, shot: Path) -> None:
    made = cosmos("create-spec", "words", "a street", "--control-inputs",
                  "depth:in put/depth.mp4", "--json")  # fmt: skip
    made = cosmos("create-run", made.objects[0]["id"], "--engine", "preview", "--json")
    run = made.objects[0]["id"]
    (facts,) = cosmos("engines", "transfer25", "--for", run, "--json").objects
    assert facts["possible"] is False and "input video" in facts["fault"]
    assert f"{run} cannot be a run for it" in cosmos("engines", "transfer25", "--for", run).out


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["show"], "no engine is named"),
        (["preview", "transfer1"], "one engine at a time"),
        (["--for", "x"], "--for without an engine"),
        (["show", "transfer1", "--for", "nothing"], "there is no RunSpec 'nothing'"),
        (["show", "transfr1"], "did you mean 'transfer1'?"),
    ],
)
def test_what_is_meant_must_be_clear(cosmos: Cosmos, argv: list[str], expected: str) -> None:
    said = cosmos("engines", *argv)
    assert said.code in (2, 3) and expected in said.err
