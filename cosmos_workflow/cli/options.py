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
SHAPES = {"modality:path": _MODALITY_VALUE, "key=value": _KEY_VALUE}


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


class SeveralValues(TyperCommand):
    """A command whose ``several`` flags take several values."""

    several: dict[str, re.Pattern[str]]

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        return super().parse_args(ctx, spread(args, self.several))
