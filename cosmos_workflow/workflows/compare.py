"""What was asked of a run, what was sent, and what the model says it used."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.engines.engine import Engine
from cosmos_workflow.errors import ConfigError, SpecError
from cosmos_workflow.runs.store import RunFolder
from cosmos_workflow.workflows import assemble

LARGEST_DOCUMENT = 4_000_000
"""Bytes of a JSON file that is still read; echoes are small."""


@dataclass(frozen=True)
class Compared:
    """One parameter; None where nothing was asked, sent or said.

    ``differs`` is empty where all agree, else what is not as it was asked, in a few words.
    """

    name: str
    asked: Any
    sent: Any
    used: Any
    differs: str = ""


def compare(
    asked: Mapping[str, Any],
    sent: Mapping[str, Any],
    used: Mapping[str, Any],
    usual: Mapping[str, Any],
) -> tuple[Compared, ...]:
    """All parameters that anyone named, in the order of ``asked``.

    ``usual``: the engine's defaults.  A default that has no meaning for a run is not sent, and
    that is no difference; a wish that is not sent is one.
    """
    found = []
    for name in dict.fromkeys([*asked, *sent, *used]):
        one = Compared(name, asked.get(name), sent.get(name), used.get(name))
        if one != Compared(name, None, None, None):
            found.append(replace(one, differs=_differs(one, usual.get(name), bool(sent))))
    return tuple(found)


def same(one: Any, other: Any) -> bool:
    """Whether two values mean the same: numbers as numbers, also where one is text."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    numbers = _number(one), _number(other)
    if None not in numbers:
        # A model that counts in 32 bits says 0.30000001.
        return math.isclose(*numbers, rel_tol=1e-6, abs_tol=1e-9)  # type: ignore[arg-type]
    return _text(one) == _text(other)


def of_run(folder: RunFolder, settings: Settings | None = None) -> tuple[Compared, ...]:
    """The parameters of a run as far as it is: what it sent is known from its start."""
    spec, job = folder.spec(), folder.job()
    used: Mapping[str, Any] = {}
    usual: Mapping[str, Any] = {}
    try:
        engine: Engine = assemble.engine(spec.engine, settings)
        usual = engine.defaults(spec)
        if folder.run().status.final:
            used = engine.echoed(folder.log_lines(), documents(folder))
    except (ConfigError, SpecError):
        pass  # the engine is not installed any more, or has become another; what is stored stands
    asked = spec.parameters.model_dump(mode="json", exclude_none=True)
    return compare(asked, job.parameters.get(folder.id, {}), used, usual)


def in_a_line(rows: Sequence[Compared]) -> str:
    """What is not as it was asked: ``guidance 7 -> 5, seed 1 -> none``; empty when all is."""
    said = []
    for row in rows:
        became = row.used if row.differs == "used otherwise" else row.sent
        before = row.sent if row.asked is None else row.asked
        if row.differs:
            said.append(f"{row.name} {shown(before)} -> {shown(became)}")
    return ", ".join(said)


def shown(value: Any) -> str:
    """A value for a person: ``7`` for 7.0, ``none`` for nothing."""
    if value is None:
        return "none"
    return f"{value:g}" if isinstance(value, float) else _text(value)


def documents(folder: RunFolder) -> dict[str, Any]:
    """The JSON files among a run's outputs, read, by their path in its folder."""
    found = {}
    for output in folder.run().outputs:
        path = folder.path / output.path
        if Path(output.path).suffix == ".json" and output.size <= LARGEST_DOCUMENT:
            try:
                found[output.path] = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue  # moved away or edited by a person: it says nothing any more
    return found


def _differs(one: Compared, usual: Any, told: bool) -> str:
    """``told``: whether anything is known of what was sent; of old runs it is not."""
    before = one.asked if one.sent is None else one.sent
    if one.used is not None and before is not None and not same(one.used, before):
        return "used otherwise"
    if one.asked is None:
        return ""
    if one.sent is not None:
        return "" if same(one.asked, one.sent) else "sent otherwise"
    return "not sent" if told and not same(one.asked, usual) else ""


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
