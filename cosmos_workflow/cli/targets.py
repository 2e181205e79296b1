"""``targets``: the places that run jobs."""

from __future__ import annotations

from cosmos_workflow.cli.options import Json
from cosmos_workflow.cli.screen import open_screen
from cosmos_workflow.config.load import load


def targets(as_json: Json = False) -> None:
    """List the places that run jobs. The default one is marked with a star."""
    settings = load()
    rows = []
    with open_screen(json=as_json) as screen:
        for name, target in settings.all_targets().items():
            default = name == settings.default_target
            where = target.host or "this machine"
            if target.user:
                where = f"{target.user}@{where}"
            if target.port:
                where += f":{target.port}"
            rows.append([("* " if default else "  ") + name, where, target.launcher, target.image])
            screen.data({"name": name, "default": default, **target.model_dump(mode="json")})
        screen.table(["target", "where", "launcher", "image"], rows)
        if len(rows) == 1:
            screen.say("set [remote] host in config.toml to add a GPU host (cosmos init)", "dim")
