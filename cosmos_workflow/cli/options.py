"""Options that many commands share, and flags that take several values at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer
from typer.core import TyperCommand

Json = Annotated[bool, typer.Option("--json", help="JSON lines on standard output, no prose.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")]

Function = TypeVar("Function", bound=Callable[..., Any])

_MODALITY_VALUE = re.compile(r"[^\W\d]\w*:\S.*", re.DOTALL)
_KEY_VALUE = re.compile(r"[^\W\d][\w.-]*=.*", re.DOTALL)
_AXIS = re.compile(r"[^\W\d][\w.-]*[=~].*", re.DOTALL)
SHAPES = {"modality:path": _MODALITY_VALUE, "key=value": _KEY_VALUE, "axis": _AXIS}


def takes_several(**flags: str) -> Callable[[Function], Function]:
    """Mark a command function: ``takes_several(control_inputs="modality:path")``.

    ``--control-inputs a:1 b:2`` then means ``--control-inputs a:1 --control-inputs b:2``.  A word
    belongs to the flag as long as it has the flag's shape, so that arguments may follow it.
    """

    def mark(function: Function) -> Function:
        several = {"--" + name.replace("_", "-"): SHAPES[shape] for name, shape in flags.items()}
        function.several = several  # type: ignore[attr-defined]
        return function

    return mark


def spread(args: list[str], flags: dict[str, re.Pattern[str]]) -> list[str]:
    """``args`` with each flag of several values repeated before each of them."""
    spread_out: list[str] = []
    flag, position = "", 0
    for position, word in enumerate(args):
        if word == "--":
            return spread_out + args[position:]
        if flag and spread_out[-1] != flag and flags[flag].fullmatch(word):
            spread_out += [flag, word]
            continue
        if not (flag and spread_out[-1] == flag):  # the flag's first value is taken as it is
            flag = word if word in flags else ""
        spread_out.append(word)
    return spread_out


def _is_argument(param: Any) -> bool:
    return bool(param.param_type_name == "argument")


def _plain(flags: str, text: str) -> tuple[str, str]:
    """``--limit N`` for ``--limit <int range>``, ``--target TARGET`` for ``--target <str>``."""
    word, _, kind = flags.partition(" <")
    if kind:
        name = word.rpartition("-")[2].upper()
        flags = f"{word} {'N' if kind.startswith('int') else name}"
    return flags, re.sub(r"; x[<>]=?[^\]]*\]$", "]", text)


def argument_name(param: Any) -> str:
    """``NAME``, ``[DIR]``, ``PROMPT_SPEC...``."""
    name = str(param.metavar or param.name.upper())
    if name.startswith("[") or name.endswith("..."):
        return name
    name += "..." if param.nargs == -1 else ""
    return name if param.required else f"[{name}]"


class SeveralValues(TyperCommand):
    """A command whose ``several`` flags take several values."""

    several: dict[str, re.Pattern[str]]

    def collect_usage_pieces(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        pieces = [argument_name(param) for param in self.params if _is_argument(param)]
        return [self.options_metavar or "[OPTIONS]", *pieces]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments by the names that the usage line has, then the options."""
        params = self.get_params(ctx)
        arguments = [
            (argument_name(p), getattr(p, "help", "") or "") for p in params if _is_argument(p)
        ]
        records = [p.get_help_record(ctx) for p in params if not _is_argument(p)]
        options = [_plain(*record) for record in records if record]
        for title, rows in (("Arguments", arguments), ("Options", options)):
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        return super().parse_args(ctx, spread(args, self.several))
