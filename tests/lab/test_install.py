"""The wheel, installed into clean environments away from the checkout, is a whole ``cosmos``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from need import missing

pytestmark = pytest.mark.xdist_group("install")

ROOT = Path(__file__).parents[2]
VERSIONS = ("3.11", "3.12", "3.13")
SHIPPED = ("run-job.sh", "inference.sh", "upscale.sh", "host-setup.sh")
LATE_S = 280


def interpreters() -> dict[str, str]:
    """Version to interpreter, of those that run: a name may be there with nothing behind it."""
    found = {"{}.{}".format(*sys.version_info): sys.executable}
    for version in VERSIONS:
        for candidate in _candidates(version):
            if version not in found and _says(candidate) == version:
                found[version] = candidate
    return {version: found[version] for version in VERSIONS if version in found}


def _candidates(version: str) -> Iterator[str]:
    if on_path := shutil.which(f"python{version}"):
        yield on_path
    for folder in sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin")):
        yield str(folder / "python")


def _says(program: str) -> str:
    code = "import sys, ensurepip; print('{}.{}'.format(*sys.version_info))"
    done = subprocess.run([program, "-c", code], capture_output=True, text=True)
    return done.stdout.strip()


def clean(more: dict[str, str] | None = None) -> dict[str, str]:
    """The environment of a person who never saw the checkout."""
    ours = ("COSMOS_", "PYTHON", "VIRTUAL_ENV")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    return {**kept, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **(more or {})}


def do(*argv: str | Path, cwd: Path) -> str:
    """Standard output of a command that must succeed."""
    done = subprocess.run(
        [str(word) for word in argv], cwd=cwd, env=clean(), capture_output=True, text=True,
        timeout=LATE_S, check=False,
    )  # fmt: skip
    if "Could not find a version that satisfies" in done.stderr and "pip" in map(str, argv):
        missing(f"packages cannot be installed here: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, f"{argv}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder)
    do(*pip, ROOT, cwd=folder)
    (made,) = folder.glob("cosmos_workflow-*.whl")
    return made


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for script in SHIPPED:
        assert f"cosmos_workflow/scripts/{script}" in names
    tops = {name.partition("/")[0] for name in names}
    assert len(tops) == 2 and "cosmos_workflow" in tops
    assert not [name for name in names if name.endswith((".pyc", ".orig"))]
    source = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "cosmos_workflow").rglob("*")
        if path.is_file() and path.suffix in (".py", ".sh", ".md", ".typed")
    }
    assert source <= names


@pytest.mark.parametrize("version", interpreters())
def test_a_clean_install(version: str, wheel: Path, tmp_path: Path) -> None:
    venv, away = tmp_path / "venv", tmp_path / "some where"
    away.mkdir()
    do(interpreters()[version], "-m", "venv", venv, cwd=away)
    do(venv / "bin" / "python", "-m", "pip", "install", "--quiet", wheel, cwd=away)
    cosmos = venv / "bin" / "cosmos"
    assert do(cosmos, "--version", cwd=away).startswith("cosmos-workflow ")
    do(cosmos, "init", cwd=away)
    assert (away / "config.toml").is_file()
    listed = do(cosmos, "engines", cwd=away)
    assert "transfer1" in listed and "preview" in listed
    look = (
        "from importlib.resources import files\n"
        "import cosmos_workflow\n"
        f"for name in {SHIPPED!r}:\n"
        "    assert files('cosmos_workflow.scripts').joinpath(name).read_text()[:2] == '#!'\n"
        "print(cosmos_workflow.__file__)"
    )
    assert str(venv) in do(venv / "bin" / "python", "-c", look, cwd=away)
    done = do(cosmos, "sample", "renders", "--frames", "2", cwd=away)
    assert "passes" in done and len(list((away / "renders").glob("color.*.png"))) == 2
