"""Houdini's side of the hand-off, without Houdini: environment, ROPs, marks, PDG, package."""

from __future__ import annotations

import ast
import json
import os
import shlex
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosmos_workflow.config.settings import Passes
from cosmos_workflow.errors import ConfigError
from cosmos_workflow.houdini.arrivals import Note
from cosmos_workflow.houdini.arrivals_look import MARKER, Eye, look
from cosmos_workflow.houdini.frame_range import FrameRange
from cosmos_workflow.workflows import houdini_package as package
from tests.houdini_stand_ins import Hou, ItemHolder, Node, Ui, rop

# isort: split
from cosmos_houdini import commands, environment, executable, items, job, marks, tools
from cosmos_houdini.commands import Prompt, Shot
from cosmos_houdini.faults import CosmosFailed
from cosmos_houdini.rop import rendering

SOURCES = sorted(package.FILES.rglob("*.py"))
SHOT = Shot("/r/atrium", "atrium", 23.976, "1001-1240", "a sunlit atrium")
PROMPT = Prompt("dusk", 'a "blue" hour; 100% $HOME `id`\n夜', "fog", "preview", 7)


# the files as such


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_houdini_s_pythons_can_read_it(path: Path) -> None:
    """The oldest is 3.9; only the standard library and ourselves are imported, never cosmos."""
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [str(node.module)]
        for name in names:
            assert name.partition(".")[0] in {*sys.stdlib_module_names}, name


def test_the_shelf_calls_tools_that_exist() -> None:
    shelf = ElementTree.parse(package.FILES / "toolbar" / "cosmos.shelf")
    listed = [str(one.get("name")) for one in shelf.iter("memberTool")]
    assert [tool.get("name") for tool in shelf.iter("tool")] == listed
    called = set()
    for script in shelf.iter("script"):
        for node in ast.walk(ast.parse(str(script.text))):
            if isinstance(node, ast.Attribute):
                assert callable(getattr(tools, node.attr))
                called.add(node.attr)
    assert called == {"mark", "prepare", "prepare_and_run", "status"}


def test_the_shipped_package_points_at_its_own_folder() -> None:
    shipped = json.loads((package.FILES / "packages" / "cosmos.json").read_text())
    assert shipped == {"env": [{"HOUDINI_PATH": "$HOUDINI_PACKAGE_PATH/.."}]}


# the environment


def test_what_houdini_put_there_is_gone(tmp_path: Path) -> None:
    hfs = tmp_path / "hfs20.5"
    (hfs / "bin").mkdir(parents=True)
    link = tmp_path / "current"
    link.symlink_to(hfs)
    before = {
        "HFS": str(hfs), "HB": str(hfs / "bin"), "HIP": "/shots", "HOUDINI_PATH": "&",
        "PYTHONHOME": str(hfs / "python"), "PYTHONPATH": "/poison", "PYTHONNOUSERSITE": "1",
        "OCIO": str(hfs / "ocio.config"), "PDG_ITEM_NAME": "x",
        "PATH": os.pathsep.join([f"{hfs}/bin", "/usr/bin", f"{link}/bin", f"{hfs}extra/bin"]),
        "LD_LIBRARY_PATH": f"{hfs}/dsolib", "LD_PRELOAD": f"{hfs}/a.so:/lib/b.so {hfs}/c.so",
        "HOME": "/home/me", "COSMOS_CONFIG": "/p/config.toml", "SSH_AUTH_SOCK": "/run/s",
    }  # fmt: skip
    assert environment.outside(before) == {
        "PATH": os.pathsep.join(["/usr/bin", f"{hfs}extra/bin"]), "LD_PRELOAD": "/lib/b.so",
        "HOME": "/home/me", "COSMOS_CONFIG": "/p/config.toml", "SSH_AUTH_SOCK": "/run/s",
        "PYTHONUTF8": "1",
    }  # fmt: skip


def test_without_houdini_nothing_is_taken_from_lists() -> None:
    before = {"PATH": f"/a{os.pathsep}/b", "LD_LIBRARY_PATH": "/opt/cuda"}
    assert environment.outside(before) == {**before, "PYTHONUTF8": "1"}


def test_cosmos_is_named_remembered_or_on_the_path(tmp_path: Path) -> None:
    made = []
    for name in ("named", "remembered", "bin"):
        (tmp_path / name).mkdir()
        path = tmp_path / name / "cosmos"
        path.touch(0o755)
        made.append(str(path))
    named, remembered, on_path = made
    environ = {"PATH": str(tmp_path / "bin")}
    assert executable.find(environ) == on_path
    environ["COSMOS_INSTALLED"] = remembered
    assert executable.find(environ) == remembered
    environ["COSMOS_EXECUTABLE"] = named
    assert executable.find(environ) == named
    Path(named).unlink()
    with pytest.raises(CosmosFailed, match=r"COSMOS_EXECUTABLE is .*named"):
        executable.find(environ)
    Path(remembered).unlink()
    del environ["COSMOS_EXECUTABLE"]
    assert executable.find(environ) == on_path
    with pytest.raises(CosmosFailed, match="remembered/cosmos is gone") as caught:
        executable.find({**environ, "PATH": str(tmp_path)})
    assert "cosmos houdini --install" in caught.value.text()


def test_the_project_is_named_or_above(tmp_path: Path) -> None:
    shots = tmp_path / "show" / "shots" / "a"
    shots.mkdir(parents=True)
    (tmp_path / "show" / "config.toml").touch()
    show = str(tmp_path / "show")
    assert executable.project({}, "", str(tmp_path), str(shots)) == show
    config = {"COSMOS_CONFIG": f"{show}/config.toml"}
    assert executable.project(config, str(tmp_path)) == show
    assert executable.project({**config, "COSMOS_PROJECT": str(shots)}) == str(shots)
    with pytest.raises(CosmosFailed, match="no project of cosmos is above"):
        executable.project({}, str(tmp_path))
    with pytest.raises(CosmosFailed, match="is not a folder"):
        executable.project({"COSMOS_PROJECT": f"{show}/nowhere"})


# command lines


def test_no_value_can_become_a_flag() -> None:
    odd = Shot("-r", "--json", 24, "", "--verbose")
    assert commands.prepare(odd) == [
        "prepare-inference", "--name=--json", "--fps=24", "--description=--verbose",
        "--json", "--", "-r",
    ]  # fmt: skip
    spec = commands.create_spec(Prompt("-n", "--from", "-x"), "/v/a")
    assert spec[-4:] == ["--json", "--", "-n", "--from"]
    assert commands.create_run(PROMPT, "/p.json") == [
        "create-run", "--engine=preview", "--seed=7", "--json", "--", "/p.json"
    ]  # fmt: skip
    assert commands.run("rs_1", detach=True) == ["run", "--detach", "--json", "--", "rs_1"]


# render nodes


@pytest.mark.parametrize("name", ["picture", "vm_picture", "outputimage"])
def test_a_rop_says_what_it_renders(name: str) -> None:
    node = rop("/out/r", {name: "/r/atrium/v003/C.$F4.exr", "f3": 2.0, "f2": 1007.0})
    made = rendering(node, Hou([node]))
    assert made.frames == (1001, 1003, 1005, 1007)
    assert made.files[1] == "/r/atrium/v003/C.1003.exr"
    assert made.shot() == Shot("/r/atrium/v003", "atrium", 24.0, "1001-1007x2", "")


def test_the_current_frame_alone() -> None:
    node = rop("/out/r", {"picture": "/r/a/C.exr", "trange": 0})
    assert rendering(node, Hou([node])).range == "1012"


def test_usd_render_takes_the_picture_of_the_settings_above_its_lop() -> None:
    settings = Node("/stage/karmarendersettings1", {"picture": "/r/a/C.$F4.exr"})
    edit = Node("/stage/edit1", {}, [settings])
    node = rop("/out/usdrender1", {"outputimage": "", "loppath": "/stage/edit1"})
    assert rendering(node, Hou([node, edit, settings])).files[0] == "/r/a/C.1001.exr"
    inside = rop("/stage/usdrender_rop1", {"outputimage": "", "loppath": ""}, [edit])
    assert rendering(inside, Hou([inside])).files[-1] == "/r/a/C.1004.exr"


def test_an_output_of_a_rop_before_it_is_not_taken() -> None:
    first = rop("/out/first", {"picture": "/r/other/C.$F4.exr"})
    node = rop("/out/fetch", {}, [first])
    with pytest.raises(CosmosFailed, match="/out/fetch has no output picture"):
        rendering(node, Hou([node]))


@pytest.mark.parametrize(
    ("parms", "said"),
    [
        ({"picture": "ip"}, "is a window"),
        ({"picture": "/r/a/C.exr"}, "the same for every frame"),
        ({"picture": "/r/$F4/C.$F4.exr"}, "a folder for each frame"),
        ({"picture": "/r/a/C.$F4.exr", "f3": 0.5}, "by 0.5"),
        ({"picture": "/r/a/C.$F4.exr", "f2": 1000.0}, "1001 to 1000"),
        ({"picture": "/r/a/C.$F4.exr", "trange": 3}, "from the stage"),
    ],
)
def test_what_cannot_be_handed_over_is_told(parms: dict[str, object], said: str) -> None:
    node = rop("/out/r", parms)
    with pytest.raises(CosmosFailed, match=said) as caught:
        rendering(node, Hou([node]))
    assert caught.value.hint


# marks


def test_marks_around_a_render(tmp_path: Path) -> None:
    folder = tmp_path / "atrium" / "v002"
    node = rop("/out/r", {"vm_picture": f"{folder}/C.$F4.exr"})
    hou = Hou([node])
    marks.keep(node, {"name": "", "prompt": "夜", "description": ""})
    marks.before(node, hou)
    told = {"frames": "1001-1004", "fps": 24, "name": "atrium", "prompt": "夜"}
    assert json.loads((folder / marks.SHOT).read_text(encoding="utf-8")) == told
    for number in (1001, 1002, 1004):
        (folder / f"C.{number}.exr").write_bytes(b"x")
    (folder / "C.1003.exr").touch()
    with pytest.raises(CosmosFailed, match=r"1 of 4 frames are not in .*: 1003"):
        marks.after(node, hou)
    assert not (folder / marks.READY).exists()
    (folder / "C.1003.exr").write_bytes(b"x")
    marks.after(node, hou)
    assert json.loads((folder / marks.READY).read_text(encoding="utf-8")) == told
    ready = (folder / marks.READY).stat().st_mtime_ns
    assert ready >= max(file.stat().st_mtime_ns for file in folder.glob("C.*"))
    marks.before(node, hou)
    assert not (folder / marks.READY).exists()
    assert sorted(file.name for file in folder.iterdir() if "cosmos" in file.name) == [marks.SHOT]


def test_the_hot_folder_reads_the_marks(tmp_path: Path) -> None:
    folder = tmp_path / "atrium"
    node = rop("/out/r", {"picture": f"{folder}/color.$F4.png", "f3": 2.0, "f2": 1005.0})
    hou = Hou([node])
    marks.keep(node, {"description": "d", "prompt": "p", "negative_prompt": "n"})
    marks.before(node, hou)
    eye = Eye.made(tmp_path, MARKER, Passes())
    for number in (1001, 1003, 1005):
        (folder / f"color.{number}.png").write_bytes(b"x")
        seen = look(eye, "atrium")
        assert not seen.ready and seen.note.frames == FrameRange.parse("1001-1005x2")
    marks.after(node, hou)
    seen = look(eye, "atrium")
    assert seen.ready and not seen.fault
    assert seen.note == Note(FrameRange.parse("1001-1005x2"), "atrium", 24, "d", "p", "n")


def test_marking_keeps_the_scripts_that_are_there() -> None:
    plain = rop("/out/a", {})
    python = rop("/out/b", {"prerender": "print(1)\n", "lprerender": "python"})
    for node in (plain, python):
        hou = Hou([node], ui=Ui(("a name", "", "a prompt", "")))
        tools.mark(hou)
        tools.mark(hou)
        assert node.parms["tpostrender"].value == 1 and node.parms["lpostrender"].value == "python"
        assert node.parms["postrender"].value == tools.SCRIPTS["postrender"]
        assert marks.kept(node) == {"name": "a name", "prompt": "a prompt"}
        assert hou.ui.asked == [("", "", "", ""), ("a name", "", "a prompt", "")]
    assert python.parms["prerender"].value == "print(1)\n" + tools.SCRIPTS["prerender"]
    for script in tools.SCRIPTS.values():
        ast.parse(script)


def test_what_marking_refuses() -> None:
    hscript = rop("/out/c", {"prerender": "echo hi"})
    for node, said in ((hscript, "in hscript"), (Node("/obj/geo1", {}), "select a ROP")):
        hou = Hou([node], ui=Ui(("", "", "", "")))
        tools.mark(hou)
        assert said in hou.ui.shown[-1] and not node.data
    assert hscript.parms["prerender"].value == "echo hi"
    nobody = Hou()
    tools.mark(nobody)
    assert "no node is selected" in nobody.ui.shown[-1]
    left = Hou([rop("/out/d", {})])
    tools.mark(left)
    assert left.ui.shown == []


# work items


def test_one_item_a_shot_and_prompt() -> None:
    other = Shot("/r/hall", "hall")
    made = items.work_items([SHOT, other], [PROMPT, Prompt("dawn", "x")], project="/p")
    assert [item.name for item in made] == ["atrium_dusk", "atrium_dawn", "hall_dusk", "hall_dawn"]
    assert made[0].argv[:7] == (
        "__PDG_PYTHON__", "-E", "-s", str(items.JOB), "--project", "/p", "shot"
    )  # fmt: skip
    assert [item.name for item in items.work_items([SHOT])] == ["prepare_atrium"]
    (spec,) = items.work_items(specs=["inputs/runs/a b.json"])
    assert spec.name == "run_a_b" and spec.argv[-2:] == ("--", "inputs/runs/a b.json")
    with pytest.raises(CosmosFailed, match="named atrium_dusk"):
        items.work_items([SHOT, Shot("/x", "atrium")], [PROMPT])


def test_pdg_gets_names_and_commands() -> None:
    holder = ItemHolder()
    items.generate(holder, items.work_items([SHOT], [PROMPT], project="/p"))
    (one,) = holder.items
    assert (one.name, one.index, one.attribs["cosmos_item"]) == ("atrium_dusk", 0, "atrium_dusk")
    assert one.command.startswith("__PDG_PYTHON__ -E -s ")
    assert "$" not in one.command and "`" not in one.command and "%" not in one.command


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=4))
def test_a_command_holds_every_word_as_it_was(words: list[str]) -> None:
    item = items.Item("x", ("/opt/my python", *words))
    posix = shlex.split(item.command(windows=False))
    assert [items.decoded(word) for word in posix] == ["/opt/my python", *words]
    windows = item.command(windows=True)
    rest = windows.removeprefix('"/opt/my python"')
    assert not set(rest) & set("%^&|<>!$`'\n\r()@")


def test_the_job_reads_what_the_items_say() -> None:
    (item,) = items.work_items([SHOT], [PROMPT], project="/p")
    words = shlex.split(item.command(windows=False))[4:]
    read = vars(job.parser().parse_args([items.decoded(word) for word in words]))
    assert Shot(*(read[key] for key in ("folder", "name", "fps", "frames", "description"))) == SHOT
    assert read["prompt"] == PROMPT.text and read["seed"] == 7 and read["project"] == "/p"
    (spec,) = items.work_items(specs=["rs_1"])
    words = shlex.split(spec.command(windows=False))[6:]
    assert job.parser().parse_args(words).words == ["run", "--json", "--", "rs_1"]


# installing


def test_the_package_is_written_once_and_renewed(tmp_path: Path) -> None:
    cosmos = tmp_path / "cosmos"
    assert package.write(tmp_path, cosmos).state == "absent"
    path = tmp_path / "packages" / "cosmos.json"
    env = json.loads(path.read_text(encoding="utf-8"))["env"]
    assert env == [
        {"HOUDINI_PATH": package.FILES.as_posix()}, {"COSMOS_INSTALLED": cosmos.as_posix()}
    ]  # fmt: skip
    assert package.write(tmp_path, cosmos).state == "ours"
    assert package.write(tmp_path, tmp_path / "other").state == "old"
    assert package.package(tmp_path / "packages", tmp_path / "other").state == "ours"
    assert [file.name for file in path.parent.iterdir()] == ["cosmos.json"]


@pytest.mark.parametrize("text", ['{"env": [{"HOUDINI_PATH": "/x"}]}', "[]", "{", '{"env": 1}'])
def test_somebody_else_s_package_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "packages" / "cosmos.json"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(ConfigError, match="left as it is"):
        package.write(tmp_path, tmp_path / "cosmos")
    assert path.read_text() == text


def test_preference_folders_of_all_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOUDINI_USER_PREF_DIR", raising=False)
    for name in (
        "houdini20.5", "houdini18.5", "houdini.notes", "Library/Preferences/houdini/21.0",
        "Documents/houdini19.5",
    ):  # fmt: skip
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "houdini20.0").touch()
    names = [folder.name for folder in package.preferences(tmp_path)]
    assert names == ["21.0", "houdini20.5", "houdini19.5"]
    (tmp_path / "mine").mkdir()
    monkeypatch.setenv("HOUDINI_USER_PREF_DIR", str(tmp_path / "mine"))
    assert tmp_path / "mine" in package.preferences(tmp_path)
    with pytest.raises(ConfigError, match="is not a folder"):
        package.write(tmp_path / "gone", tmp_path / "cosmos")
