"""What Houdini starts is the installed ``cosmos``, whatever environment Houdini has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import cv2
import numpy as np
import pytest
from test_install import interpreters

from tests.houdini_stand_ins import Hou, Ui, rop

# isort: split
from cosmos_houdini import items, marks, tools
from cosmos_houdini.call import call
from cosmos_houdini.commands import Prompt, Shot
from cosmos_houdini.faults import CosmosFailed

COSMOS = Path(sysconfig.get_path("scripts")) / "cosmos"
TEXT = "a \"blue\" hour; 100% $HOME `id` 'x'\nand 夜"
PDGCMD = """\
import os
def addOutputFile(path, result_data_tag=""):
    with open(os.environ["HEARD"], "a") as heard:
        print(result_data_tag, path, file=heard)
"""


@pytest.fixture
def houdini(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The environment as inside a Houdini: its Python, its libraries, its own ``cosmos`` first."""
    hfs, poison = tmp_path / "hfs20.5", tmp_path / "site-packages"
    for folder in (hfs / "bin", hfs / "dsolib", poison):
        folder.mkdir(parents=True)
    for name in ("cosmos", "ffmpeg", "ffprobe"):
        (hfs / "bin" / name).write_text("#!/bin/sh\necho the one of Houdini >&2\nexit 77\n")
        (hfs / "bin" / name).chmod(0o755)
    for name in ("typing", "json", "enum"):
        (poison / f"{name}.py").write_text("raise SystemExit('a module of Houdini')\n")
    monkeypatch.setenv("HFS", str(hfs))
    monkeypatch.setenv(
        "PATH", f"{hfs}/bin{os.pathsep}{COSMOS.parent}{os.pathsep}{os.environ['PATH']}"
    )
    monkeypatch.setenv("PYTHONHOME", "/nonexistent")
    monkeypatch.setenv("PYTHONPATH", str(poison))
    return hfs


@pytest.fixture
def show(tmp_path: Path) -> Path:
    """A project with a shot of four frames in renders/atrium."""
    root = tmp_path / "a show; 100% $HOME"
    folder = root / "renders" / "atrium"
    folder.mkdir(parents=True)
    (root / "config.toml").touch()
    for name in ("color", "depth"):
        for number in range(1001, 1005):
            picture = np.full((64, 96, 3), 40 * (number - 1000), np.uint8)
            data = cv2.imencode(".png", picture)[1].tobytes()
            (folder / f"{name}.{number}.png").write_bytes(data)
    return root


def artist(show: Path, answers: tuple[str, ...] | None = None, escape_after: int = -1) -> Hou:
    """A Houdini with the ROP of the shot selected."""
    node = rop("/out/karma1", {"picture": f"{show}/renders/atrium/color.$F4.png"})
    return Hou([node], hip=str(show), ui=Ui(answers), escape_after=escape_after)


def test_the_environment_is_really_poisoned(houdini: Path) -> None:
    """Otherwise the tests below would prove nothing."""
    assert subprocess.run([COSMOS, "--version"], capture_output=True).returncode != 0
    code = "import json"
    env = {key: value for key, value in os.environ.items() if key != "PYTHONHOME"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert "a module of Houdini" in done.stderr


def test_what_the_program_gets(houdini: Path, show: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = show / "told.sh"
    names = ("HOUDINI_PATH", "LD_LIBRARY_PATH", "PATH", "PYTHONHOME", "PYTHONPATH", "HFS")
    line = "; ".join(f'printf \'{{"{name}": "%s"}}\\n\' "${name}"' for name in names)
    told.write_text(f"#!/bin/sh\n{line}\n")
    told.chmod(0o755)
    monkeypatch.setenv("COSMOS_EXECUTABLE", str(told))
    monkeypatch.setenv("LD_LIBRARY_PATH", f"{houdini}/dsolib{os.pathsep}/opt/cuda")
    monkeypatch.setenv("HOUDINI_PATH", "/poison;&")
    got = {key: value for one in call([], str(show)) for key, value in one.items()}
    assert str(houdini) not in got.pop("PATH")
    assert got.pop("LD_LIBRARY_PATH") == "/opt/cuda"
    assert list(got.values()) == ["", "", "", ""]


def test_cosmos_own_words_come_back(houdini: Path, show: Path) -> None:
    with pytest.raises(CosmosFailed) as caught:
        call(["show", "--json", "--", "nothing_like_it"], str(show))
    assert "nothing_like_it" in caught.value.message and caught.value.hint
    assert caught.value.exit_code == 3


def test_prepare_from_the_shelf(houdini: Path, show: Path) -> None:
    hou = artist(show)
    tools.prepare(hou)
    (said,) = hou.ui.shown
    assert "atrium: 4 frames, 96x64, 24 fps, color, depth" in said
    (made,) = (show / "inputs" / "videos").glob("atrium_*")
    assert str(made) in said and (made / "depth.mp4").is_file()


def test_what_is_wrong_is_shown_to_the_artist(houdini: Path, show: Path) -> None:
    (show / "renders" / "atrium" / "depth.1003.png").unlink()
    hou = artist(show)
    tools.prepare(hou)
    (said,) = hou.ui.shown
    assert "depth" in said and "1003" in said and "nothing was written" in said


def test_escape_stops_cosmos_and_leaves_nothing(houdini: Path, show: Path) -> None:
    hou = artist(show, escape_after=0)
    tools.prepare(hou)
    assert hou.ui.shown == ["Cosmos: stopped"]
    videos = show / "inputs" / "videos"
    assert not videos.exists() or list(videos.iterdir()) == []


def test_a_run_from_the_shelf_goes_on_by_itself(houdini: Path, show: Path) -> None:
    hou = artist(show, answers=(TEXT, ""))
    tools.prepare_and_run(hou)
    (said,) = hou.ui.shown
    run = said.partition(" has started")[0]
    assert call(["follow", "--json", run], str(show))[-1]["status"] == "SUCCESS"
    tools.status(hou)
    assert f"SUCCESS  {run}  atrium" in hou.ui.shown[-1]
    assert call(["list", "prompts", "--json"], str(show))[0]["name"] == "atrium"


def pythons() -> dict[str, str]:
    """The Pythons of Houdini 19.5 to 21, of those that are on this machine."""
    found = dict(interpreters())
    for folder in sorted(Path.home().glob(".pyenv/versions/3.*")):
        found.setdefault(".".join(folder.name.split(".")[:2]), str(folder / "bin" / "python"))
    return {name: path for name, path in found.items() if name in ("3.9", "3.10", "3.11")}


PYTHONS = pythons() or {"ours": sys.executable}


@pytest.mark.parametrize("program", PYTHONS.values(), ids=PYTHONS)
def test_a_work_item_of_pdg(program: str, houdini: Path, show: Path, tmp_path: Path) -> None:
    """The command string goes through a real shell, as the local scheduler's does."""
    shot = Shot(str(show / "renders" / "atrium"), "atrium")
    prompt = Prompt("dusk", TEXT, engine="preview", seed=3)
    (item,) = items.work_items([shot], [prompt], project=str(show), python=program)
    scripts, heard = tmp_path / "scripts", tmp_path / "heard"
    scripts.mkdir()
    (scripts / "pdgcmd.py").write_text(PDGCMD)
    pdg = {"PDG_SCRIPTDIR": str(scripts), "PDG_RESULT_SERVER": "127.0.0.1:1", "HEARD": str(heard)}
    done = subprocess.run(
        item.command(windows=False), shell=True, env={**os.environ, **pdg}, cwd=tmp_path,
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ALF_PROGRESS" in done.stdout
    facts, video = (line.split(" ", 1) for line in heard.read_text().splitlines())
    assert facts[0] == "file/json" and json.loads(Path(facts[1]).read_text())["frame_count"] == 4
    assert video[0] == "file/video" and Path(video[1]).is_file()
    (spec,) = (show / "inputs" / "prompts").rglob("dusk_*.json")
    assert json.loads(spec.read_text(encoding="utf-8"))["prompt"] == TEXT


def test_a_work_item_that_fails_says_why(houdini: Path, show: Path) -> None:
    (item,) = items.work_items(
        [Shot(str(show), "nothing")], project=str(show), python=sys.executable
    )
    done = subprocess.run(
        item.command(windows=False), shell=True, capture_output=True, text=True, check=False
    )
    assert done.returncode == 7 and "color" in done.stderr and "Traceback" not in done.stderr


def test_a_marked_render_is_taken_by_the_hot_folder(houdini: Path, show: Path) -> None:
    hou = artist(show, answers=("pool", "a pavilion", "", ""))
    node = hou.selected[0]
    last = show / "renders" / "atrium" / "color.1004.png"
    picture = last.read_bytes()
    last.unlink()
    tools.mark(hou)
    marks.before(node, hou)
    watch = ["watch", "--once", "--no-ai", "--json", "--", "renders"]
    call(watch, str(show))
    assert not (show / "inputs" / "videos").exists()
    last.write_bytes(picture)
    marks.after(node, hou)
    call(watch, str(show))
    (made,) = (show / "inputs" / "videos").iterdir()
    facts = json.loads((made / "metadata.json").read_text())
    assert (facts["name"], facts["description"], facts["fps"]) == ("pool", "a pavilion", 24)


def test_one_folder_that_is_not_ours_does_not_keep_the_others_from_being_written(
    tmp_path: Path,
) -> None:
    files = [tmp_path / f"houdini{one}" / "packages" / "cosmos.json" for one in (19.5, 20.5, 21.0)]
    for file in files:
        file.parent.mkdir(parents=True)
    files[1].write_text("{}")
    env = {**os.environ, "HOME": str(tmp_path), "COLUMNS": "300"}
    argv = [COSMOS, "houdini", "--install"]
    done = subprocess.run(argv, env=env, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 2
    assert f"{files[1]} is not ours, and is left as it is" in done.stderr
    assert files[1].read_text() == "{}"
    assert "COSMOS_INSTALLED" in files[0].read_text()
    assert files[0].read_text() == files[2].read_text()


def test_the_installed_package_leads_to_this_cosmos(
    show: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    (home / "houdini20.5").mkdir(parents=True)
    env = {**os.environ, "HOME": str(home)}
    done = subprocess.run([COSMOS, "houdini", "--install", "--json"], env=env, capture_output=True)
    assert done.returncode == 0, done.stderr
    file = home / "houdini20.5" / "packages" / "cosmos.json"
    variables = {k: v for one in json.loads(file.read_text())["env"] for k, v in one.items()}
    assert Path(variables["HOUDINI_PATH"], "toolbar", "cosmos.shelf").is_file()
    monkeypatch.setenv("COSMOS_INSTALLED", variables["COSMOS_INSTALLED"])
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert call(["engines", "--json"], str(show))
