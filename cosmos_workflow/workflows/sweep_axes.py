"""What an axis turns: a parameter, a weight, an option, the words, or a place in a template."""

from __future__ import annotations

import types
import typing
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from math import ceil, floor

from cosmos_workflow.engines.engine import Engine
from cosmos_workflow.engines.rules import check_parameter, read_options
from cosmos_workflow.errors import SpecError, did_you_mean
from cosmos_workflow.prompts.enums import CONTROLS, Modality
from cosmos_workflow.prompts.run_spec import Parameters
from cosmos_workflow.workflows import sweep_draws as draws
from cosmos_workflow.workflows.sweep_grammar import Drawn, Listed, Range, Said, number

Value = int | float | str
TEXTS = ("prompt", "negative_prompt")
_ALIASES = {"steps": "num_steps"}
_WHOLE = ("seed", "num_steps", "fps")


class Kind(StrEnum):
    """What an axis can turn."""

    PARAMETER = "parameter"
    WEIGHT = "weight"
    OPTION = "option"
    TEXT = "text"
    PLACE = "placeholder"


@dataclass(frozen=True)
class Scale:
    """What numbers a thing takes: ``low`` and ``high`` inclusive, None where there is no bound.

    ``numeric`` is False for words alone, None for what may be either.
    """

    low: float | None = None
    high: float | None = None
    whole: bool = False
    numeric: bool | None = True


@dataclass(frozen=True)
class Axis:
    """An axis with its own name (``depth``, ``option.auto``), checked for an engine."""

    name: str
    key: str
    kind: Kind
    text: str
    values: Listed | Drawn
    scale: Scale

    @property
    def count(self) -> int | None:
        """How many values it lists; None for one that is drawn."""
        return self.values.count if isinstance(self.values, Listed) else None

    def at(self, index: int) -> Value:
        """The listed value at ``index``."""
        assert isinstance(self.values, Listed)
        return self._value(self.values.at(index))

    def drawn(self, seed: int, index: int) -> tuple[Value, bool]:
        """Draw number ``index``, and whether it had to be brought into the engine's range."""
        assert isinstance(self.values, Drawn)
        law, name = self.values.law, self.name
        if law == "choice":
            words = self.values.words
            return self._value(words[draws.below(len(words), seed, name, index)]), False
        low, high = self.values.numbers
        if law == "normal":
            return self._clipped(draws.normal(low, high, seed, name, index))
        if law == "uniform" and self.scale.whole:
            return draws.whole(low, high, seed, name, index), False
        draw = draws.uniform if law == "uniform" else draws.loguniform
        return self._value(draw(low, high, seed, name, index)), False

    def _clipped(self, value: Decimal) -> tuple[Value, bool]:
        kept = value
        if self.scale.low is not None:
            kept = max(kept, Decimal(repr(self.scale.low)))
        if self.scale.high is not None:
            kept = min(kept, Decimal(repr(self.scale.high)))
        return self._value(kept), kept != value

    def _value(self, raw: str | Decimal) -> Value:
        """As a spec holds it.  Words stay words unless the thing takes numbers alone."""
        if isinstance(raw, str):
            found = number(raw) if self.scale.numeric else None
            if found is None:
                return raw
            raw = found
        if self.scale.whole or (self.scale.numeric is None and raw == raw.to_integral_value()):
            return int(raw.to_integral_value())
        return float(raw)


def aim(said: Said, engine: Engine, places: Collection[str]) -> Axis:
    """The axis that is meant; ``places`` are those of the templates.

    Raises SpecError, naming the axis, for a name that nothing has and for each value that the
    engine does not take.
    """
    kind, key = _meant(said.name, engine, places)
    name = f"option.{key}" if kind is Kind.OPTION else key
    axis = Axis(name, key, kind, said.text, said.values, _scale(kind, key, engine))
    try:
        _check(axis, engine)
    except SpecError as error:
        what = error.message.removeprefix(f"--vary {axis.name}: ")
        raise SpecError(f"--vary {axis.name}{axis.text}: {what}", hint=error.hint) from error
    return axis


def _meant(name: str, engine: Engine, places: Collection[str]) -> tuple[Kind, str]:
    room, dot, rest = name.partition(".")
    plain = name.replace("-", "_")
    plain = _ALIASES.get(plain, plain)
    if dot and room == "option" and rest in engine.Options.model_fields:
        return Kind.OPTION, rest
    control = _control(rest if dot and room == "weight" else name)
    if plain in Parameters.model_fields:
        return Kind.PARAMETER, plain
    if plain in TEXTS:
        return Kind.TEXT, plain
    if control:
        return Kind.WEIGHT, control
    if name in places:
        return Kind.PLACE, name
    if plain in engine.Options.model_fields:
        return Kind.OPTION, plain
    known = axis_names(engine, places)
    raise SpecError(
        f"--vary {name}: there is no such thing to vary with {engine.name}",
        hint=f"{did_you_mean(name, known)}known: {', '.join(known)}",
    )


def axis_names(engine: Engine, places: Collection[str] = ()) -> list[str]:
    """Everything that can be varied with an engine, by the name that --vary takes."""
    options = [
        f"option.{key}" if key in engine.limits or key in places else key
        for key in engine.Options.model_fields
    ]
    controls = [str(control) for control in engine.modalities]
    return [*engine.limits, *controls, *TEXTS, *places, *options]


def _control(word: str) -> str:
    try:
        control = Modality(word)
    except ValueError:
        return ""
    return str(control) if control in CONTROLS else ""


# -- what it takes --------------------------------------------------------------------------------


def _scale(kind: Kind, key: str, engine: Engine) -> Scale:
    if kind is Kind.PARAMETER and key in engine.limits:
        limit = engine.limits[key]
        if limit.choices:
            return Scale(numeric=False)
        return Scale(limit.low, limit.high, limit.whole or key in _WHOLE)
    if kind is Kind.WEIGHT:
        return Scale(0.0, engine.max_weight)
    if kind is Kind.OPTION:
        return _option_scale(engine, key)
    return Scale(numeric=False if kind is Kind.TEXT else None)


def _option_scale(engine: Engine, key: str) -> Scale:
    """From the option's type and bounds; what is neither a whole number nor another is words."""
    field = engine.Options.model_fields[key]
    kinds = {field.annotation}
    if typing.get_origin(field.annotation) in (typing.Union, types.UnionType):
        kinds = set(typing.get_args(field.annotation)) - {type(None)}
    if not kinds <= {int, float}:
        return Scale(numeric=False)
    low = next((rule.ge for rule in field.metadata if hasattr(rule, "ge")), None)
    high = next((rule.le for rule in field.metadata if hasattr(rule, "le")), None)
    return Scale(low, high, kinds == {int})


def _check(axis: Axis, engine: Engine) -> None:
    if axis.kind is Kind.PARAMETER and axis.key not in engine.limits:
        raise SpecError(
            f"the engine {engine.name} has no {axis.key}",
            hint=f"it has {', '.join(engine.limits)}",
        )
    if axis.kind is Kind.WEIGHT and axis.key not in engine.modalities:
        takes = ", ".join(engine.modalities) or "none"
        raise SpecError(
            f"the engine {engine.name} takes no {axis.key} control", hint=f"it takes {takes}"
        )
    if isinstance(axis.values, Drawn):
        _check_draw(axis, engine)
        return
    for part in axis.values.parts:
        if isinstance(part, Range):
            _check_range(axis, engine, part)
        else:
            _check_word(axis, engine, part)


def _check_range(axis: Axis, engine: Engine, part: Range) -> None:
    if axis.scale.numeric is False:
        raise SpecError(f"{axis.name} takes words, not a range of numbers", hint="list them: a,b,c")
    for value in (part.first, part.at(part.count - 1)):
        _check_number(axis, engine, value)
    if axis.scale.whole and part.step != part.step.to_integral_value():
        raise SpecError(f"a step of {part.step}, and {axis.name} is whole", hint="a whole step")


def _check_word(axis: Axis, engine: Engine, word: str) -> None:
    if axis.scale.numeric is None or axis.kind is Kind.TEXT:
        return
    value = number(word)
    if axis.scale.numeric and value is not None:
        _check_number(axis, engine, value)
    elif axis.kind is Kind.PARAMETER and axis.scale.numeric:
        raise SpecError(f"{word!r} is not a number that {axis.name} can have", hint=_takes(axis))
    elif axis.kind is Kind.WEIGHT and not word.endswith(".pt"):
        raise SpecError(f"{word!r} is neither a number nor a .pt map", hint=_takes(axis))
    elif axis.kind is not Kind.WEIGHT:
        _ask(axis, engine, word)


def _check_number(axis: Axis, engine: Engine, value: Decimal) -> None:
    if axis.scale.whole and value != value.to_integral_value():
        raise SpecError(f"{value} is no whole number", hint=_takes(axis))
    low, high = axis.scale.low, axis.scale.high
    if (low is not None and value < Decimal(repr(low))) or (
        high is not None and value > Decimal(repr(high))
    ):
        raise SpecError(
            f"{axis.name} {value} is out of range", hint=f"{engine.name}: {_takes(axis)}"
        )
    if axis.kind is not Kind.WEIGHT and axis.scale.numeric:
        _ask(axis, engine, int(value) if axis.scale.whole else float(value))


def _ask(axis: Axis, engine: Engine, value: Value) -> None:
    """Have the engine itself look at a value."""
    if axis.kind is Kind.PARAMETER:
        check_parameter(engine, axis.key, value)
    elif axis.kind is Kind.OPTION:
        read_options(engine, {axis.key: str(value)})


def _check_draw(axis: Axis, engine: Engine) -> None:
    assert isinstance(axis.values, Drawn)
    if axis.values.law == "choice":
        for word in axis.values.words:
            _check_word(axis, engine, word)
        return
    if axis.scale.numeric is False:
        raise SpecError(
            f"{axis.name} takes words, and only choice draws words", hint="~choice(a,b)"
        )
    if axis.values.law == "normal":
        return  # what falls outside is clipped, and told
    low, high = axis.values.numbers
    if axis.scale.whole:
        _check_whole(axis, low, high)
        low, high = Decimal(ceil(low)), Decimal(floor(high))
    for value in (low, high):
        _check_number(axis, engine, value)


def _check_whole(axis: Axis, low: Decimal, high: Decimal) -> None:
    if ceil(low) > floor(high):
        raise SpecError(f"there is no whole number between {low} and {high}", hint=_takes(axis))


def _takes(axis: Axis) -> str:
    low, high, what = axis.scale.low, axis.scale.high, "a number"
    what = "a whole number" if axis.scale.whole else what
    if low is not None and high is not None:
        return f"{axis.name} is {what} from {low:g} to {high:.12g}"
    bound = f" of {low:g} or more" if low is not None else ""
    bound = f" of {high:.12g} or less" if high is not None else bound
    return f"{axis.name} is {what}{bound}"
