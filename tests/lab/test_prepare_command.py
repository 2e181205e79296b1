"""``cosmos prepare-inference`` as it is typed: what it says, to people and to programs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from project import Project
from shots import shot

from cosmos_workflow.houdini.samples import render_sample


@pytest.fixture
def here(tmp_path: Path) -> Project:
    shot(tmp_path / "renders" / "hall", 4, (192, 108))
    return Project(tmp_path)


def test_what_was_done_is_told_at_80_columns(here: Project) -> None:
    args = ("prepare-inference", "renders/hall", "--no-ai", "--for", "transfer1", "--fit", "crop",
            "--make", "edge,vis", "--masters", "--canny-threshold", "low")  # fmt: skip
    said = here.cosmos(*args, env={"COLUMNS": "80"}).stdout
    assert "hall: 4 frames, 1280x704, 24 fps, 0.17 s\ninputs/videos/hall_" in said
    assert "made from color: canny low" in said and "made from color: blur medium" in said
    assert "color: 192x108 to 1280x720 (lanczos), cut to 1280x704" in said
    assert "transfer1: 4 frames in 1 chunk of 121" in said
    assert "lossless: masters/ (color, depth, segmentation)" in said
    assert 'next: cosmos create-spec NAME "PROMPT" --from hall_' in said
    assert max(map(len, said.splitlines())) <= 80
    again = here.cosmos(*args).stdout
    assert "already prepared: inputs/videos/hall_" in again and "encoding" not in again
    assert "; --again makes it anew" in again
    name = here.json("create-spec", "n", "a hall", "--from", "hall")[-1]["control_inputs"]
    assert set(name) == {"depth", "segmentation", "edge", "vis"}


def test_json_is_the_metadata_and_what_was_said(here: Project) -> None:
    *told, one = here.json("prepare-inference", "renders/hall", "--no-ai", "--frames", "2-3")
    assert {line["event"] for line in told} == {"Progress"} and told[-1]["fraction"] == 1.0
    assert list(dict.fromkeys(line["stage"] for line in told)) == ["checking frames", "encoding"]
    frames = {"first": 2, "last": 3, "step": 1, "handles": 0}
    assert one["frame_range"] == {**frames, "numbers": ""}
    some = here.json("prepare-inference", "renders/hall", "--no-ai", "--frames", "1,2,4")[-1]
    assert some["frame_range"]["step"] == 0 and some["frame_range"]["numbers"] == "1-2, 4"
    assert one["source"] == "renders/hall" and one["notes"] == []
    assert (Path(one["folder"]) / "metadata.json").is_file()
    (two,) = here.json("prepare-inference", "renders/hall", "--no-ai", "--frames", "2-3")
    assert two["folder"] == one["folder"] and "already prepared" in two["notes"][0]


def test_flags_that_change_nothing_are_told(here: Project) -> None:
    idle = ("--canny-threshold", "high", "--blur-strength", "low", "--view", "Raw", "--near", "2")
    args = ("prepare-inference", "renders/hall", "--no-ai", "--make", "vis", *idle)
    said = here.cosmos(*args).stdout
    assert "--canny-threshold changes nothing: edge is not made (--make edge)\n" in said
    assert "--view changes nothing: color is no EXR, and a picture already\n" in said
    assert "--near changes nothing: no depth comes from an EXR\n" in said
    assert "--blur-strength changes" not in said


def test_words_when_nobody_gave_any(here: Project) -> None:
    """No model is on this machine: that is told, with what to do, and the shot is there."""
    said = here.cosmos("prepare-inference", "renders/hall", env={"HF_HOME": str(here.root)})
    assert "cosmos describe" in said.stdout or "pip install" in said.stdout
    assert len(list((here.root / "inputs" / "videos").glob("hall_*"))) == 1


@pytest.mark.parametrize(
    ("args", "message", "hint"),
    [
        (["--make", "depth"], "depth cannot be made", "edge, vis"),
        (["--make", "egde"], "--make egde: there is no such choice", "did you mean 'edge'?"),
        (["--fit", "crop"], "needs an engine", "--for transfer1 --fit crop"),
        (["--for", "transfer1", "--fit", "stretch"], "no such choice", "crop, pad, resize"),
        (["--for", "transfer1"], "works at 1280x704", "--fit pad"),
        (["--blur-strength", "mediun"], "no such choice", "did you mean 'medium'?"),
        (["--depth-mode", "lin"], "--depth-mode lin", "linear"),
        (["--near", "9", "--far", "2"], "not nearer", "distances"),
        (["--handles", "-1"], "--handles -1", ""),
        (["--frames", "9-2"], "ends before it begins", ""),
    ],
)
def test_wrong_flags(here: Project, args: list[str], message: str, hint: str) -> None:
    said = here.cosmos("prepare-inference", "renders/hall", "--no-ai", *args, code=None)
    assert said.returncode in (2, 7)
    assert message in said.stderr and hint in said.stderr
    assert not (here.root / "inputs").exists()


def test_exr_and_png_give_the_same_kind_of_shot(here: Project) -> None:
    here.cosmos("sample", "renders/deep", "--exr", "--frames", "2")
    one = here.json("prepare-inference", "renders/deep", "--no-ai", "--for", "transfer1")[-1]
    assert one["modalities"] == ["color", "depth", "segmentation"]
    assert list(one["masters"]) == ["depth"] and one["legend"].endswith("/legend.json")
    assert one["passes"]["color"]["settings"]["view"]
    assert one["passes"]["depth"]["layer"] == "Pz"
    made = Path(one["folder"])
    for name, facts in one["files"].items():
        assert (made / name).stat().st_size == facts["size"]


@pytest.mark.skipif(os.name != "posix", reason="links")
def test_a_folder_that_cannot_be_written(here: Project) -> None:
    (here.root / "inputs").symlink_to("/proc")
    said = here.cosmos("prepare-inference", "renders/hall", "--no-ai", code=7)
    assert "cannot write in" in said.stderr and "nothing was left half written" in said.stderr


def test_the_sample_as_it_is(here: Project) -> None:
    render_sample(here.root / "renders" / "pavilion", frames=2, width=64, height=32)
    said = here.cosmos("prepare-inference", "renders/pavilion", "--no-ai").stdout
    assert "edge.####.png" in said
