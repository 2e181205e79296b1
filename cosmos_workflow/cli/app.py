"""The ``cosmos`` command: find the command, run it, and say what went wrong in a person's words."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from cosmos_workflow import __version__
from cosmos_workflow.cli.commands import COMMANDS, GROUPS, SECTIONS, command_of
from cosmos_workflow.cli.faults import report, report_crash, report_interrupt, report_usage
from cosmos_workflow.cli.options import SeveralValues
from cosmos_workflow.errors import INTERRUPTED, CosmosError, did_you_mean

Command = Any
"""What typer builds; its base class has no public name."""

BROKEN_PIPE = 141
"""What a shell reports for a program that its reader left (128 + SIGPIPE)."""


class Stopped(Exception):
    """Ctrl-C, with what the interrupted command says about going on."""


class ReaderLeft(Exception):
    """Standard output was closed on the other side, as ``| head`` does."""


class LazyGroup(TyperGroup):
    """Commands out of the table, each imported only when it is called or completed."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Command | None:  # type: ignore[override]
        """A stand-in with the help line only: enough for lists of commands."""
        row = COMMANDS.get(cmd_name)
        return TyperCommand(cmd_name, help=row.help, rich_markup_mode=None) if row else None

    def resolve_command(  # type: ignore[override]
        self, ctx: typer.Context, args: list[str]
    ) -> tuple[str | None, Command | None, list[str]]:
        """The real command for the first word."""
        name = command_of(args)
        if name in COMMANDS:
            return name, load_command(name), args[len(name.split()) :]
        if ctx.resilient_parsing:
            return None, None, args[1:]
        if name in GROUPS and (len(args) == 1 or args[1].startswith("-")):
            return name, Verbs(name, help=GROUPS[name], rich_markup_mode=None), args[1:]
        raise UnknownCommand(" ".join(args[:2]) if name in GROUPS else name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The table of commands, by section."""
        for section, rows in SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl([(name.ljust(17), row.help) for name, row in rows.items()])

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise Stopped(*error.args) from error
        except BrokenPipeError as error:
            raise ReaderLeft from error


class Verbs(TyperCommand):
    """The first word of commands of two: it shows the second ones."""

    def invoke(self, ctx: typer.Context) -> None:  # type: ignore[override]
        typer.echo(ctx.get_help())

    def format_options(self, ctx: Any, formatter: Any) -> None:
        rows = [(name, row.help) for name, row in COMMANDS.items() if name.split()[0] == self.name]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class UnknownCommand(CosmosError):
    """A first word that is no command."""

    exit_code = 2

    def __init__(self, name: str) -> None:
        guess = did_you_mean(name, list(COMMANDS))
        super().__init__(
            f"there is no command {name!r}", hint=f"{guess}cosmos --help lists the commands"
        )


def load_command(name: str) -> Command:
    """Import the function of a command and build the command from its signature."""
    module, _, attribute = COMMANDS[name].where.partition(":")
    function = getattr(import_module(f"cosmos_workflow.cli.{module}"), attribute)
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name, cls=SeveralValues, context_settings=CONTEXT)(function)
    command = typer.main.get_command(app)
    command.several = getattr(function, "several", {})  # type: ignore[attr-defined]
    return command


CONTEXT: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def _version(value: bool) -> None:
    if value:
        typer.echo(f"cosmos-workflow {__version__}")
        raise typer.Exit


def _cosmos(
    version: bool = typer.Option(
        False, "--version", help="Print the version.", callback=_version, is_eager=True
    ),
) -> None:
    """From Houdini render passes and words to a finished video, on GPUs that are elsewhere.

    Each command explains itself: cosmos COMMAND --help. Specs and runs are named by path,
    id, the start of an id, or name.
    """


def build() -> Command:
    """The whole command line, with no command imported."""
    app = typer.Typer(cls=LazyGroup, rich_markup_mode=None, context_settings=CONTEXT)
    app.callback()(_cosmos)
    return typer.main.get_command(app)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; nothing escapes as a traceback."""
    args = list(sys.argv[1:] if argv is None else argv)
    args = args or ["--help"]
    # No command uses a plugin of pydantic's, and to look for one reads the names of all packages.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    as_json = "--json" in (args[: args.index("--")] if "--" in args else args)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _invoke(args)
        sys.stdout.flush()
        return report_interrupt(as_json) if code == INTERRUPTED else code
    except CosmosError as error:
        return report(error, as_json)
    except typer.TyperException as error:
        return report_usage(error, args, as_json)
    except (Stopped, KeyboardInterrupt) as error:
        return report_interrupt(as_json, *map(str, error.args))
    except (ReaderLeft, BrokenPipeError):
        # the reader left: whatever is still buffered must not fail once more at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except Exception as error:  # the one place that stands between a bug and a traceback
        if os.environ.get("COSMOS_DEBUG"):
            raise
        return report_crash(error, args, as_json)


def _invoke(args: list[str]) -> int:
    code = build().main(args, prog_name="cosmos", standalone_mode=False)
    return code if isinstance(code, int) else 0
