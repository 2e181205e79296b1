"""``targets``: the places that run jobs."""

from __future__ import annotations

from cosmos_workflow.cli.options import Json
from cosmos_workflow.cli.screen import open_screen
from cosmos_workflow.config.load import load
from cosmos_workflow.execution import DIALECTS


def targets(as_json: Json = False) -> None:
    """List the places that run jobs. The default one is marked with a star."""
    settings = load()
    rows = []
    with open_screen(json=as_json) as screen:
        for name, target in settings.all_targets().items():
            default = name == settings.default_target
            where = target.where or _usual(target.way)
            rows.append(["*" if default else "", name, where, target.way, target.image])
            screen.data({"name": name, "default": default, **target.model_dump(mode="json")})
        screen.table(["", "target", "where", "how", "image"], rows)
        if len(rows) == 1:
            screen.say("set [remote] host in config.toml to add a GPU host (cosmos init)", "dim")


def _usual(dialect: str) -> str:
    """Where services of a kind are, if they are all in one place."""
    return str(DIALECTS.load(dialect).url) if dialect in DIALECTS.names() else "?"
