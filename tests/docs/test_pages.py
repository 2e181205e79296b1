"""The documentation is whole and true: links, generated parts, messages, causes, versions."""

from __future__ import annotations

import ast
import re
import runpy
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import cosmos_workflow
from tests.docs.pages import PAGES, ROOT, blocks, name, prose

LINK = re.compile(r"(?<!`)\[[^\]\n]*\]\((?P<to>[^)\s]+)\)")
PACKAGE = ROOT / "cosmos_workflow"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for match in LINK.finditer(prose(page)):
        path, _, anchor = match["to"].partition("#")
        if "://" in path:
            continue
        to = (page.parent / path) if path else page
        assert to.exists(), f"{name(page)} links to {match['to']}"
        if anchor:
            heads = re.findall(r"^#+ (.+)$", to.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {_anchor(head) for head in heads}, match["to"]


def _anchor(head: str) -> str:
    return re.sub(r"[^\w -]", "", head.lower()).strip().replace(" ", "-")


def test_every_page_is_linked_from_the_readme_or_an_index() -> None:
    linked = {
        (page.parent / match["to"].partition("#")[0]).resolve()
        for page in PAGES
        for match in LINK.finditer(prose(page))
    }
    lost = {page for page in PAGES if "docs" in page.parts and page.resolve() not in linked}
    assert not lost


def test_generated_parts_are_up_to_date() -> None:
    renew = runpy.run_path(str(ROOT / "scripts" / "docs.py"))["renew"]
    pages = [page for page in PAGES if PACKAGE not in page.parents]
    stale = [name(page) for page in pages if renew(text := page.read_text("utf-8")) != text]
    assert stale == [], "run: make docs"
    parts = sum(page.read_text("utf-8").count("<!-- generated: ") for page in pages)
    assert parts >= 6


def test_the_version_is_the_changelog_s_newest() -> None:
    head = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert head and head[1] == cosmos_workflow.__version__


def test_toml_examples_are_valid_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cosmos_workflow.config.load import load

    monkeypatch.chdir(tmp_path)
    tried = 0
    for page in PAGES:
        for block in blocks(page, "toml"):
            if "[project" not in block.text:
                (tmp_path / "config.toml").write_text(block.text, encoding="utf-8")
                load(tmp_path)
                tried += 1
    assert tried >= 4


def test_the_test_command_of_the_readme_is_what_ci_runs() -> None:
    lines = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert lines[-1] == "make test"
    readme = "\n".join(block.text for block in blocks(ROOT / "README.md", "sh"))
    assert re.search(r"^make test\b", readme, re.MULTILINE)


def _texts() -> Iterator[str]:
    """Every constant text of the program, as the parser joins it."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
    for path in PACKAGE.rglob("*.sh"):
        yield path.read_text(encoding="utf-8")


def test_the_messages_of_troubleshooting_are_the_program_s() -> None:
    texts = list(_texts())
    text = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
    shown = re.findall(r"^\| `([^`]+)`", text, re.MULTILINE)
    assert len(shown) > 30
    unknown = []
    for message in shown:
        pieces = [piece.strip() for piece in message.split("…")]
        if not all(any(piece in known for known in texts) for piece in pieces):
            unknown.append(message)
    assert unknown == []


def test_every_cause_of_failure_is_told() -> None:
    page = (ROOT / "docs" / "errors.md").read_text("utf-8")
    causes = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            failed = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Failed"
            if failed and node.args and isinstance(node.args[0], ast.Constant):
                causes.add(node.args[0].value)
    assert len(causes) > 5
    assert [cause for cause in sorted(causes) if f"`{cause}`" not in page] == []


def test_every_variable_is_told() -> None:
    """Variables that are read by name, beside those that follow from a setting."""
    pages = "".join(page.read_text("utf-8") for page in PAGES if page.parent.name == "docs")
    sources = [path for path in PACKAGE.rglob("*") if path.suffix in (".py", ".sh")]
    named = {
        word
        for path in sources
        for word in re.findall(r"\bCOSMOS_[A-Z][A-Z_]*[A-Z]\b", path.read_text("utf-8"))
    }
    tables = ("COSMOS_REMOTE_", "COSMOS_PATHS_", "COSMOS_DOCKER_", "COSMOS_DEFAULTS_")
    own = {word for word in named if not word.startswith((*tables, "COSMOS_TARGETS"))}
    assert "COSMOS_CONFIG" in own
    assert [word for word in sorted(own) if f"`{word}`" not in pages] == []


def test_the_wheel_is_named_as_the_docs_say() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = set(project["optional-dependencies"])
    for page in PAGES:
        for extra in re.findall(r"cosmos-workflow\[(\w+)\]", page.read_text("utf-8")):
            assert extra in extras, name(page)
