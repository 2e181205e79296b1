"""What a person or a program reads when a command did not work."""

from __future__ import annotations

import json
import platform
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

from cosmos_workflow import __version__
from cosmos_workflow.cli.commands import COMMANDS, command_of
from cosmos_workflow.cli.options import argument_name
from cosmos_workflow.cli.words import clean, folded, is_terminal, painted, screen_width
from cosmos_workflow.errors import INTERRUPTED, CosmosError

CRASHED = 1
"""Exit code of an internal error: ours to mend."""


def report(error: CosmosError, as_json: bool) -> int:
    """Say what and what next; return the exit code."""
    return _say(type(error).__name__, error.message, error.hint, error.exit_code, as_json)


def report_usage(error: Any, args: list[str], as_json: bool) -> int:
    """The same for arguments that do not fit (typer's own errors)."""
    name = command_of(args)
    command = f"cosmos {name}" if name in COMMANDS else "cosmos"
    hint = f"{command} --help shows what it takes"
    message = _in_our_words(error.format_message().rstrip("."))
    param = getattr(error, "param", None)
    if message.startswith("missing argument") and param is not None:
        message = f"missing argument {argument_name(param).partition(' ')[0]}"
    if message.startswith("got unexpected extra argument"):
        hint = f'words that belong together stand in quotes: "like these"; {hint}'
    return _say("UsageError", message, hint, getattr(error, "exit_code", 2), as_json)


def _in_our_words(message: str) -> str:
    for theirs, ours in WORDS:
        message = message.replace(theirs, ours)
    return message[:1].lower() + message[1:]


WORDS = (
    ("Value error, ", ""),
    ("Input should be a valid integer, unable to parse string as an integer",
     "a whole number is needed"),
    ("Input should be a valid number, unable to parse string as a number", "a number is needed"),
    ("Input should be greater than or equal to", "the least is"),
    ("Input should be less than or equal to", "the most is"),
)  # fmt: skip
"""What the parser of arguments says, and what a person understands."""


def report_interrupt(as_json: bool, hint: str = "", by: str = "Ctrl-C") -> int:
    """The same for Ctrl-C, or what else did it; ``hint`` says how to go on."""
    if not as_json and sys.stdout.isatty():
        print()  # the terminal has just echoed ^C
    return _say("Interrupted", f"stopped by {by}", hint, INTERRUPTED, as_json)


def report_crash(error: BaseException, args: list[str], as_json: bool) -> int:
    """A fault of ours: one line, and a file with the rest."""
    message = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
    hint = _written(error, args)
    return _say("InternalError", f"internal error: {message}", hint, CRASHED, as_json)


def _written(error: BaseException, args: list[str]) -> str:
    trace = "".join(traceback.format_exception(error))
    text = (
        f"cosmos-workflow {__version__}, Python {platform.python_version()}, "
        f"{platform.platform()}\narguments: {args!r}\n\n{trace}"
    )
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="cosmos-error-", suffix=".txt", delete=False, encoding="utf-8",
            errors="backslashreplace",
        ) as file:  # fmt: skip
            file.write(text)
    except OSError as fault:
        return f"the full report could not be written ({fault.strerror}); COSMOS_DEBUG=1 shows it"
    return f"the full report is in {Path(file.name)}"


def _print(head: str, style: str, lines: list[str], indent: str) -> None:
    """Paragraphs below a painted head; a terminal breaks them between words, a file not at all."""
    for number, line in enumerate(lines):
        first = indent if number else head
        told = folded(first + line, screen_width()) if is_terminal(sys.stderr) else [first + line]
        told[0] = painted(first, style, sys.stderr) + told[0][len(first) :]
        print("\n".join(told), file=sys.stderr)


def _say(kind: str, message: str, hint: str, exit_code: int, as_json: bool) -> int:
    if as_json:
        fault = {"error": kind, "message": message, "hint": hint, "exit_code": exit_code}
        print(json.dumps(fault, ensure_ascii=False), flush=True)
        return exit_code
    head = "" if message.startswith("internal error: ") else "error: "
    _print(head, "red", clean(message).split("\n"), indent="")
    _print("hint: ", "cyan", clean(hint).splitlines(), indent="      ")
    sys.stderr.flush()
    return exit_code
