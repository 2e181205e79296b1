"""``cosmos describe`` as a person calls it, and a hub of models that is on this machine."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from tiny_hub import COMMIT, Hub, hub
from tiny_models import tiny

from cosmos_workflow.config.load import load
from cosmos_workflow.config.settings import LocalModels, Settings
from cosmos_workflow.houdini.metadata import ShotMetadata
from cosmos_workflow.workflows.describe import describe_source, described
from cosmos_workflow.workflows.prepare import Wishes, prepare

__all__ = ["tiny"]

Call = Callable[..., subprocess.CompletedProcess[str]]


def rendered(folder: Path, name: str = "color", frames: int = 6) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    colours = np.random.RandomState(3).randint(0, 255, (frames, 4, 6, 3))
    for number, colour in enumerate(colours):
        pixels = np.kron(colour, np.ones((12, 12, 1))).astype(np.uint8)
        path = folder / f"{name}.{1001 + number}.png"
        path.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
    return folder


@pytest.fixture
def project(tmp_path: Path, tiny: Path) -> Path:
    """A project whose [ai] names the tiny models by folders relative to it."""
    folder = tmp_path / "it's a project; 夜"
    folder.mkdir()
    (folder / "weights").symlink_to(tiny)
    (folder / "config.toml").write_text(
        '[ai]\ncaption_model = "weights/blip"\ntags_model = "weights/vit"\n'
        'objects_model = "./weights/detr"\ndevice = "cpu"\n',
        encoding="utf-8",
    )
    return folder


@pytest.fixture
def cosmos(project: Path) -> Call:
    def call(*argv: str, **variables: str) -> subprocess.CompletedProcess[str]:
        env = {k: v for k, v in os.environ.items() if not k.startswith(("COSMOS_", "HF_"))}
        env |= {"HF_HOME": str(project.parent / "hf"), "COLUMNS": "80", "OMP_NUM_THREADS": "1"}
        env |= variables
        done = subprocess.run(
            [sys.executable, "-m", "cosmos_workflow", *argv],
            cwd=project, env=env, capture_output=True, encoding="utf-8", check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stdout + done.stderr
        return done

    return call


def test_a_shot_its_video_and_its_frames_are_described(project: Path, cosmos: Call) -> None:
    frames = rendered(project / "renders" / "atrium")
    settings = Settings(root=project, ai=LocalModels())
    shot = prepare(settings, frames, Wishes(name="atrium", no_ai=True))
    said = cosmos("describe", str(shot / "color.mp4"), "--json")
    assert said.returncode == 0 and said.stderr == ""
    (found,) = map(json.loads, said.stdout.splitlines())
    assert (found["width"], found["height"], found["frames"], found["fps"]) == (72, 48, 6, 24.0)
    assert found["caption"] and found["tags"] and found["objects"]
    assert found["models"] == {"caption": "blip", "tags": "vit", "objects": "detr"}
    assert found["name"] == "_".join(found["name"].split("_")[:2])
    for source in (str(shot), "atrium"):
        again = describe_source(load(project), source)
        assert again.words.caption == found["caption"] and again.source == shot / "color.mp4"
    said = cosmos("describe", "renders/atrium")
    assert said.returncode == 0 and said.stderr == ""
    assert "72x48, 6 frames, color.####.png 1001-1006" in said.stdout
    assert all(len(line) <= 80 for line in said.stdout.splitlines())
    rows = [line.split() for line in said.stdout.splitlines()]
    assert {"caption", "tags", "objects", "name"} <= {row[0] for row in rows if row}


def test_prepare_takes_the_words(project: Path, tiny: Path) -> None:
    ai = LocalModels(
        caption_model="weights/blip", tags_model="weights/vit", objects_model="weights/detr"
    )
    said: list[str] = []
    shot = prepare(
        Settings(root=project, ai=ai), rendered(project / "r"), Wishes(), say=said.append
    )
    facts = ShotMetadata.load(shot)
    assert facts.described is not None and facts.described.caption == facts.description
    assert facts.described.models == {"caption": "blip", "tags": "vit", "objects": "detr"}
    assert facts.name != "r" and shot.name.startswith(facts.name)
    assert not [line for line in said if "not described" in line]


def test_models_that_come_later_give_a_prepared_shot_its_words(project: Path, tiny: Path) -> None:
    ai = LocalModels(caption_model="later/blip", tags_model="x/y", objects_model="x/z")
    settings, frames = Settings(root=project, ai=ai), rendered(project / "r")
    first = prepare(settings, frames, Wishes())
    assert prepare(settings, frames, Wishes()) == first
    (project / "later").symlink_to(tiny)
    second = prepare(settings, frames, Wishes())
    assert second != first and ShotMetadata.load(second).described is not None
    assert prepare(settings, frames, Wishes()) == second


def test_prepare_goes_on_without_models(project: Path) -> None:
    said: list[str] = []
    ai = LocalModels(caption_model="./a", tags_model="x/y", objects_model="x/z")
    settings = Settings(root=project, ai=ai)
    shot = prepare(settings, rendered(project / "r one"), Wishes(), say=said.append)
    facts = ShotMetadata.load(shot)
    assert facts.name == "r_one" and facts.described is None and facts.description == ""
    told = [line for line in said if "not described" in line]
    assert len(told) == 2 and not any("\n" in line for line in told)
    assert any("no local model for tags, objects on this machine" in line for line in told)
    assert any("cosmos describe --download" in line for line in told)
    assert described(shot / "color.mp4", settings, said.append) is None


def test_frames_of_any_name_and_of_exr(project: Path, tiny: Path) -> None:
    settings = Settings(root=project, ai=LocalModels(tags_model="weights/vit"))
    rendered(project / "many", "beauty", 9)
    rendered(project / "many", "aside", 4)
    found = describe_source(settings, str(project / "many"))
    assert found.facts["files"] == "beauty.####.png" and found.facts["range"] == "1001-1009"
    assert set(found.words.models) == {"tags"} and len(found.missing) == 1
    import OpenEXR

    folder = project / "exr"
    folder.mkdir()
    for number in range(1, 8):
        pixels = np.full((48, 64, 3), 0.1 * number, np.float16)
        file = OpenEXR.File({}, {"RGB": pixels})
        file.write(str(folder / f"beauty.{number:04d}.exr"))
    found = describe_source(settings, str(folder))
    assert (found.facts["width"], found.facts["height"], found.facts["frames"]) == (64, 48, 7)
    assert found.words.tags


@pytest.mark.parametrize(
    ("source", "code", "message"),
    [
        ("nothing", 3, "there is no prepared shot 'nothing'"),
        ("nothing.mp4", 7, "there is no such file"),
        ("config.toml", 7, "config.toml has no video in it"),
        (".", 7, "there are no numbered pictures"),
        ("", 7, "nothing is named"),
    ],
)
def test_what_cannot_be_described(source: str, code: int, message: str, cosmos: Call) -> None:
    said = cosmos("describe", *([source] if source else []))
    assert said.returncode == code and message in said.stderr


def test_a_missing_model_is_a_warning_and_all_of_them_an_error(project: Path, cosmos: Call) -> None:
    rendered(project / "r")
    said = cosmos("describe", "r", COSMOS_AI_CAPTION_MODEL="no/such")
    assert said.returncode == 0 and "warning: not on this machine: no/such" in said.stderr
    assert "hf download no/such" in said.stderr and "tags" in said.stdout
    said = cosmos("describe", "r", "--json", COSMOS_AI_DEVICE="cuda")
    facts, fault = map(json.loads, said.stdout.splitlines())
    assert said.returncode == fault["exit_code"] == 2 and facts["frames"] == 6
    assert facts["caption"] == "" and "cuda" in fault["message"]


@pytest.fixture
def shelf(tiny: Path) -> Iterator[Hub]:
    names = {"Salesforce/blip-image-captioning-base": "blip", "google/vit-base-patch16-224": "vit"}
    folders = {name: tiny / folder for name, folder in names.items()}
    with hub({**folders, "facebook/detr-resnet-50": tiny / "detr"}) as served:
        yield served


@pytest.fixture
def fetching(project: Path, cosmos: Call, shelf: Hub) -> Call:
    """``cosmos`` with the default models, and the hub where they are."""
    (project / "config.toml").write_text("", encoding="utf-8")

    def call(*argv: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return cosmos(*argv, **{"HF_ENDPOINT": shelf.url, **variables})

    return call


def test_models_are_fetched_once_and_then_used_without_a_network(
    project: Path, fetching: Call, shelf: Hub
) -> None:
    rendered(project / "r")
    said = fetching("describe", "--download")
    assert said.returncode == 0, said.stderr
    fetched = [line for line in said.stdout.splitlines() if line.startswith("fetched: ")]
    assert fetched[2] == "fetched: facebook/detr-resnet-50 (no_timm)" and len(fetched) == 3
    assert "100%" in said.stdout and said.stderr == ""
    assert any("/resolve/no_timm/model.safetensors" in path for path in shelf.asked)
    before = len(shelf.asked)
    said = fetching("describe", "r", "--download", "--json", HF_HUB_OFFLINE="1")
    nothing, found = map(json.loads, said.stdout.splitlines())
    assert nothing == {"fetched": []} and found["caption"]
    assert found["models"]["tags"] == f"google/vit-base-patch16-224@{COMMIT}"
    assert len(shelf.asked) == before


def test_describing_asks_the_network_for_nothing(project: Path, fetching: Call, shelf: Hub) -> None:
    rendered(project / "r")
    said = fetching("describe", "r")
    assert said.returncode == 8 and "not on this machine: Salesforce" in said.stderr
    assert shelf.asked == []


def test_a_fetch_that_breaks_off_is_told_and_repeated(
    project: Path, fetching: Call, shelf: Hub
) -> None:
    rendered(project / "r")
    shelf.cut.add("model.safetensors")
    said = fetching("describe", "--download", HF_HUB_DOWNLOAD_TIMEOUT="1")
    assert said.returncode == 5 and "cannot be fetched" in said.stderr
    said = fetching("describe", "r")
    assert said.returncode == 8 and "is not complete: model.safetensors missing" in said.stderr
    shelf.cut.clear()
    assert fetching("describe", "r", "--download").returncode == 0


CASES: dict[str, tuple[Callable[[Hub], Any], dict[str, str], int, str]] = {
    "wrong id": (lambda h: None, {"COSMOS_AI_TAGS_MODEL": "no/such"}, 2, "the hub has no such"),
    "wrong revision": (
        lambda h: None, {"COSMOS_AI_TAGS_REVISION": "v9"}, 2, "has no revision 'v9'",
    ),
    "closed": (
        lambda h: h.closed.add("google/vit-base-patch16-224"), {}, 2, "is closed",
    ),
    "offline": (lambda h: None, {"HF_HUB_OFFLINE": "1"}, 2, "HF_HUB_OFFLINE is set"),
    "no hub": (lambda h: None, {"HF_ENDPOINT": "http://127.0.0.1:9"}, 5, "cannot be fetched"),
    "lacks a file": (
        lambda h: h.models.update({"google/vit-base-patch16-224": h.models["empty/one"]}),
        {}, 8, "is not complete",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_fetch_that_cannot_be(case: str, fetching: Call, shelf: Hub, tmp_path: Path) -> None:
    shelf.models["empty/one"] = tmp_path / "empty one"
    shelf.models["empty/one"].mkdir()
    (tmp_path / "empty one" / "config.json").write_text('{"model_type": "vit"}')
    arrange, variables, code, message = CASES[case]
    arrange(shelf)
    said = fetching("describe", "--download", **variables)
    assert said.returncode == code and message in said.stderr, said.stderr
    assert "hint: " in said.stderr


def test_a_hub_that_never_answers_is_left_soon(fetching: Call) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        said = fetching("describe", "--download", HF_ENDPOINT=url)
    assert said.returncode == 5 and "cannot be fetched" in said.stderr
