"""``cosmos init``: writes what is missing, and never over what is there."""

from __future__ import annotations

from pathlib import Path

from cosmos_workflow.config import template
from cosmos_workflow.config.load import load
from tests.cli.calling import Cosmos


def test_a_new_project(cosmos: Cosmos, project: Path) -> None:
    said = cosmos("init")
    assert said.code == 0 and "next:" in said.out
    assert (project / "config.toml").read_text(encoding="utf-8") == template.TEXT
    for folder in ("inputs/prompts", "inputs/runs", "inputs/videos", "outputs"):
        assert (project / folder).is_dir()
    assert (project / ".gitignore").read_text(encoding="utf-8") == "/inputs/videos/\n/outputs/\n"


def test_twice_changes_nothing(cosmos: Cosmos, project: Path) -> None:
    (project / ".gitignore").write_text("/outputs/\nmine", encoding="utf-8")
    cosmos("init", "--host", "me@gpu")
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    said = cosmos("init")
    assert "nothing in it was changed" in said.out
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before
    assert before[project / ".gitignore"] == b"/outputs/\nmine\n/inputs/videos/\n"


def test_another_host_needs_force_and_leaves_the_rest(cosmos: Cosmos, project: Path) -> None:
    file = project / "config.toml"
    file.write_text('# mine\n[docker]\nimage = "x"\n', encoding="utf-8")
    said = cosmos("init", "--host", "me@gpu")
    assert said.code == 2 and "--force" in said.err
    said = cosmos("init", "--host", "me@gpu", "--force", "--json")
    assert said.objects[0]["did"] == "changed" and said.objects[0]["target"] == "remote"
    assert file.read_text(encoding="utf-8").startswith('# mine\n[docker]\nimage = "x"\n')
    assert load(project).remote.user == "me"


def test_a_host_cannot_be_set_in_what_is_no_config(cosmos: Cosmos, project: Path) -> None:
    (project / "config.toml").write_text("x\n", encoding="utf-8")
    said = cosmos("init", "--host", "me@gpu", "--force")
    assert said.code == 2 and "not valid TOML" in said.err and "config.toml.bak" in said.err
    assert (project / "config.toml").read_text(encoding="utf-8") == "x\n"


def test_force_alone_keeps_the_old_one_beside(cosmos: Cosmos, project: Path) -> None:
    (project / "config.toml").write_text("# old\n", encoding="utf-8")
    assert "config.toml.bak" in cosmos("init", "--force").out
    assert (project / "config.toml.bak").read_text(encoding="utf-8") == "# old\n"


def test_a_folder_of_any_name(cosmos: Cosmos, project: Path) -> None:
    name = "a 'b' \"c\"; $(d) 夜\nx"
    assert cosmos("init", name).code == 0
    assert (project / name / "outputs").is_dir()
