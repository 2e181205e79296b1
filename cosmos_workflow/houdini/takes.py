"""Which sequence of a render folder holds which pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cosmos_workflow.config.settings import Passes
from cosmos_workflow.houdini import misnamed, passes
from cosmos_workflow.houdini.formats import Format
from cosmos_workflow.houdini.found import Found, look
from cosmos_workflow.houdini.listing import FileSequence
from cosmos_workflow.prompts.enums import Modality


@dataclass(frozen=True)
class Take:
    """A sequence that is read, and the layer of each pass in it ("" for the whole file)."""

    files: FileSequence
    format: Format
    passes: Mapping[Modality, str]


def choose(
    sequences: Sequence[FileSequence], names: Passes, formats: Mapping[str, Callable[[], Format]]
) -> tuple[list[Take], list[str]]:
    """The sequences to read, color's first, and the faults of names and layers.

    A pass that is there twice is taken from the file whose own stem names it best.
    Raises MissingExtra.
    """
    loaded = {one.ending: formats[one.ending]() for one in sequences if one.ending in formats}
    found = [look(one, loaded[one.ending], names) for one in sequences if one.ending in loaded]
    found = _alone(found, names)
    chosen: dict[Modality, Found] = {}
    faults = []
    for modality in passes.PASSES:
        having = [one for one in found if modality in one.passes]
        if having:
            best = min(one.rank(modality, names) for one in having)
            first, *twice = [one for one in having if one.rank(modality, names) == best]
            chosen[modality] = first
            if twice:
                both = " and ".join(_place(one, modality) for one in (first, *twice))
                faults.append(f"{modality} is in both {both}: move one of them away")
    faults += misnamed.faults(sequences, found, chosen, names)
    faults += [f"{one.files.pattern}: {one.unread}" for one in found if one.unread]
    takes = []
    for one in found:
        taken = {m: layer for m, layer in one.passes.items() if chosen.get(m) is one}
        if taken:
            takes.append(Take(one.files, one.format, taken))
    takes.sort(key=lambda take: min(passes.PASSES.index(one) for one in take.passes))
    return takes, faults


def _alone(found: list[Found], names: Passes) -> list[Found]:
    """The only sequence of all is color, whatever its name, unless that says something else."""
    if len(found) != 1 or found[0].passes or found[0].layers or found[0].unread:
        return found
    (one,) = found
    others = [modality for modality in passes.PASSES if modality is not Modality.COLOR]
    if one.files.negative or passes.closest([one.files.stem], names, others):
        return found
    if passes.is_unsent(one.files.stem, names):
        return found
    return [Found(one.files, one.format, {Modality.COLOR: ""})]


def _place(one: Found, modality: Modality) -> str:
    layer = one.passes[modality]
    return f"{one.files.pattern} ({layer})" if layer else one.files.pattern
