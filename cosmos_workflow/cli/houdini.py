"""``houdini``: where the shelf, the Python module and the PDG job are, and installing them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cosmos_workflow.cli.options import Json
from cosmos_workflow.cli.screen import open_screen
from cosmos_workflow.cli.words import nearby
from cosmos_workflow.errors import ConfigError

SAID = {
    "absent": "not installed",
    "ours": "installed",
    "old": "of another installation",
    "foreign": "not ours",
}
DID = {"absent": "written", "ours": "as it was", "old": "renewed"}


def houdini(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="[DIR]", help="Houdini's preference folder.  [default: all that are found]"
        ),
    ] = None,
    install: Annotated[
        bool, typer.Option("--install", help="Write packages/cosmos.json into it.")
    ] = False,
    json: Json = False,
) -> None:
    """Show what Houdini needs to call cosmos, or install it.

    The package adds the shelf Cosmos and the Python module cosmos_houdini to Houdini 19.5 and
    later, and remembers which cosmos to call. A cosmos.json of somebody else is left alone.

    Example: cosmos houdini --install ~/houdini20.5
    """
    from cosmos_workflow.workflows import houdini_package as package

    cosmos = package.executable()
    folders = [folder.expanduser().absolute()] if folder else package.preferences(Path.home())
    if install and not folders:
        raise ConfigError(
            "no preference folder of Houdini 19.5 or later is found",
            hint="name it: cosmos houdini --install ~/houdini20.5",
        )
    with open_screen(json=json) as screen:
        screen.say(f"files:   {package.FILES}")
        screen.say(f"cosmos:  {cosmos}")
        done, words, faults = [], DID if install else SAID, []
        for one in folders:
            try:
                found = package.write(one, cosmos) if install else package.package(one, cosmos)
            except ConfigError as fault:
                faults.append(fault)
                continue
            screen.say(f"package: {nearby(found.path)} ({words[found.state]})")
            done.append({"path": str(found.path), "state": words[found.state]})
        screen.data(
            {"HOUDINI_PATH": str(package.FILES), package.MARK: str(cosmos), "packages": done}
        )
        if faults:
            raise ConfigError("\n".join(one.message for one in faults), hint=faults[0].hint)
        if install:
            screen.say("next: start Houdini and add the shelf Cosmos with the + of a shelf", "cyan")
        elif folders:
            screen.say("next: cosmos houdini --install", "cyan")
        else:
            screen.say("no preference folder is found: cosmos houdini --install DIR", "cyan")
