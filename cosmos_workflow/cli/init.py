"""``cosmos init``: a commented config.toml and the folders of a project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cosmos_workflow.cli.options import Json
from cosmos_workflow.cli.screen import Screen, open_screen
from cosmos_workflow.config import template
from cosmos_workflow.config.load import FILE, load
from cosmos_workflow.errors import ConfigError


def init(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="The project's folder.")] = Path(),
    host: Annotated[str, typer.Option(metavar="USER@HOST", help="The GPU host behind SSH.")] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Change a config.toml that is already there.")
    ] = False,
    json: Json = False,
) -> None:
    """Write a commented config.toml and the folders of a project.

    Nothing that exists is overwritten. With --force and --host, host and user are set in the
    existing config.toml and the rest of it stays; with --force alone a new one is written and
    the old one kept as config.toml.bak.

    Example: cosmos init --host me@gpu.example.com
    """
    remote = template.login(host) if host else None
    with open_screen(json=json) as screen:
        if folder.is_file():
            raise ConfigError(f"{folder} is a file", hint="name a folder: cosmos init DIR")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            done = _write_config(folder / FILE, remote, force)
            settings = load(folder)
            for place in (
                settings.prompts_dir, settings.runs_dir, settings.videos_dir, settings.outputs_dir
            ):  # fmt: skip
                place.mkdir(parents=True, exist_ok=True)
            _ignore(folder / ".gitignore")
        except OSError as error:
            raise ConfigError(
                f"cannot write {error.filename or folder}: {error.strerror}",
                hint="choose a folder that you may write to: cosmos init DIR",
            ) from error
        screen.data(
            {"config": str(folder / FILE), "did": done, "target": settings.default_target,
             "engine": settings.default_engine}
        )  # fmt: skip
        _tell(screen, folder, done, settings.remote.host)


def _write_config(file: Path, remote: template.Login | None, force: bool) -> str:
    """What was done to ``file``: written, kept, changed, replaced."""
    if not file.exists():
        text = template.with_login(template.TEXT, remote) if remote else template.TEXT
        _replace(file, text)
        return "written"
    if not force:
        if remote and load(file.parent).remote.host != remote.host:
            raise ConfigError(
                f"{file} is already there and names another host, or none",
                hint="--force sets host and user in it, and leaves the rest as it is",
            )
        return "kept"
    old = file.read_text(encoding="utf-8")
    if remote:
        _replace(file, template.with_login(old, remote))
        return "changed"
    _replace(file.with_name(FILE + ".bak"), old)
    _replace(file, template.TEXT)
    return "replaced"


def _replace(file: Path, text: str) -> None:
    beside = file.with_name(f".{file.name}.new")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(file)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def _ignore(file: Path) -> None:
    present = file.read_text(encoding="utf-8") if file.exists() else ""
    missing = [line for line in template.IGNORED if line not in present.splitlines()]
    if missing:
        gap = "" if not present or present.endswith("\n") else "\n"
        with file.open("a", encoding="utf-8") as out:
            out.write(gap + "\n".join(missing) + "\n")


def _tell(screen: Screen, folder: Path, done: str, host: str) -> None:
    more = {
        "kept": " (it was there; nothing in it was changed)",
        "changed": " (host and user set; the rest is as it was)",
        "replaced": " (new; the old one is config.toml.bak)",
    }
    screen.say(f"{folder / FILE}{more.get(done, '')}")
    screen.say(f"{folder / 'inputs'}  {folder / 'outputs'}")
    screen.say()
    screen.say("next:", "bold")
    screen.say(f"  cosmos doctor                           check {host or 'this machine'}")
    screen.say("  cosmos prepare-inference DIR            render passes into videos")
    if not host:
        screen.say("  cosmos init --host USER@HOST --force    when you have a GPU host")
