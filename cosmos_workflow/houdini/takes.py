"""Which sequence of a render folder holds which pass, and what is wrong with their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cosmos_workflow.config.settings import Passes
from cosmos_workflow.houdini import passes
from cosmos_workflow.houdini.formats import Format
from cosmos_workflow.houdini.listing import FileSequence
from cosmos_workflow.houdini.picture import BrokenPicture
from cosmos_workflow.houdini.tally import counted
from cosmos_workflow.prompts.enums import Modality

_BY_LAYER = 10_000
"""Rank of a pass that only a layer names; any stem that names it comes first."""


@dataclass(frozen=True)
class Take:
    """A sequence that is read, and the layer of each pass in it ("" for the whole file)."""

    files: FileSequence
    format: Format
    passes: Mapping[Modality, str]


@dataclass(frozen=True)
class _Found:
    """A sequence in a format that is read: the passes that it could give, and its layers."""

    files: FileSequence
    format: Format
    passes: Mapping[Modality, str] = field(default_factory=dict)
    layers: Sequence[str] = ()
    unread: str = ""

    def rank(self, modality: Modality, names: Passes) -> int:
        named = passes.of_stem(self.files.stem, names)
        return named.rank if named and named.modality is modality else _BY_LAYER


def choose(
    sequences: Sequence[FileSequence], names: Passes, formats: Mapping[str, Callable[[], Format]]
) -> tuple[list[Take], list[str]]:
    """The sequences to read, color's first, and the faults of names and layers.

    A pass that is there twice is taken from the file whose own stem names it best.
    Raises MissingExtra.
    """
    loaded = {one.ending: formats[one.ending]() for one in sequences if one.ending in formats}
    found = [_look(one, loaded[one.ending], names) for one in sequences if one.ending in loaded]
    found = _alone(found, names)
    chosen: dict[Modality, _Found] = {}
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
    faults += _no_color(found, chosen, names) + _layer_faults(found, chosen, names)
    faults += _name_faults(sequences, found, chosen, names)
    faults += [f"{one.files.pattern}: {one.unread}" for one in found if one.unread]
    takes = []
    for one in found:
        taken = {m: layer for m, layer in one.passes.items() if chosen.get(m) is one}
        if taken:
            takes.append(Take(one.files, one.format, taken))
    takes.sort(key=lambda take: min(passes.PASSES.index(one) for one in take.passes))
    return takes, faults


def _look(files: FileSequence, kind: Format, names: Passes) -> _Found:
    """What the first file that can be opened holds.

    Of a sequence with none, what its stem says; each of its files is a fault later.
    """
    if files.negative:
        return _Found(files, kind)
    why = ""
    for path in files.paths:
        try:
            return _Found(files, kind, kind.passes(path, files.stem, names), kind.layers(path))
        except BrokenPicture as error:
            why = why or f"{path.name} {error}"
        except OSError as error:
            why = why or f"{path.name} cannot be read ({error.strerror})"
    named = passes.of_stem(files.stem, names)
    if named:
        return _Found(files, kind, {named.modality: ""})
    return _Found(files, kind, unread=f"none of {counted(len(files.paths))} can be read: {why}")


def _alone(found: list[_Found], names: Passes) -> list[_Found]:
    """The only sequence of all is color, whatever its name, unless that says something else."""
    if len(found) != 1 or found[0].passes or found[0].layers or found[0].unread:
        return found
    (one,) = found
    others = [modality for modality in passes.PASSES if modality is not Modality.COLOR]
    if one.files.negative or passes.closest([one.files.stem], names, others):
        return found
    if passes.is_unsent(one.files.stem, names):
        return found
    return [_Found(one.files, one.format, {Modality.COLOR: ""})]


def _place(one: _Found, modality: Modality) -> str:
    layer = one.passes[modality]
    return f"{one.files.pattern} ({layer})" if layer else one.files.pattern


def _no_color(found: list[_Found], chosen: Mapping[Modality, _Found], names: Passes) -> list[str]:
    """Why there is no color: what the files hold that may have been meant."""
    if Modality.COLOR in chosen:
        return []
    faults = ["there is no color pass: color.NNNN.png or .exr, or a layer of an EXR"]
    for one in found:
        if one.layers and not _wanted_stem(one, names):
            said = f"no color in {one.files.pattern}: it has layers {', '.join(one.layers)}"
            near = passes.closest(one.layers, names, [Modality.COLOR])
            faults.append(
                f"{said}; did you mean {near[0]} -> {near[2]}? add it to [passes] color"
                if near
                else f"{said}; add the right one to [passes] color"
            )
    return faults


def _layer_faults(
    found: list[_Found], chosen: Mapping[Modality, _Found], names: Passes
) -> list[str]:
    """Passes that nothing gives although a stem names them, or a layer nearly does."""
    faults = []
    for one in found:
        if not one.layers:
            continue
        own = _wanted_stem(one, names)
        if own and own not in chosen:
            layers = ", ".join(one.layers)
            faults.append(
                f"no {own} in {one.files.pattern}: it has layers {layers};"
                f" add the right one to [passes] {own}"
            )
        missing = [m for m in passes.PASSES if m not in chosen and m is not Modality.COLOR]
        unknown = [layer for layer in one.layers if layer not in one.passes.values()]
        near = passes.closest(unknown, names, [m for m in missing if m is not own])
        if near:
            faults.append(
                f"{one.files.pattern} has a layer {near[0]}: did you mean {near[2]}?"
                f" add it to [passes] {near[1]}"
            )
    return faults


def _wanted_stem(one: _Found, names: Passes) -> Modality | None:
    named = passes.of_stem(one.files.stem, names)
    return named.modality if named else None


def _name_faults(
    sequences: Sequence[FileSequence],
    found: list[_Found],
    chosen: Mapping[Modality, _Found],
    names: Passes,
) -> list[str]:
    """Sequences that give nothing and were probably meant to give a pass that is not there."""
    used = [one.files for one in found if one.passes or one.layers or one.unread]
    readable = [one.files for one in found]
    missing = [modality for modality in passes.PASSES if modality not in chosen]
    faults = []
    for files in sequences:
        if files in used:
            continue
        what = f"{files.pattern} ({counted(len(files.paths))})"
        stem = files.stem.rstrip("._ -")
        named = passes.of_stem(stem, names)
        near = passes.closest([stem], names, missing)
        if files.negative and named:
            faults.append(f"{what} has numbers below zero; render from 0 or later")
        elif files not in readable and ((named and named.modality in missing) or near):
            faults.append(
                f"{what} is not a format that passes are read from: render PNG or EXR, or convert"
                f" it to {named.modality if named else near[1] if near else ''}.####.png"
            )
        elif files in readable and near:
            faults.append(f"{what} is not a pass: did you mean {near[1]}.####{files.suffix}?")
        elif Modality.COLOR in missing and not passes.is_unsent(stem, names):
            faults.append(
                f"{what} is no pass by its name: is it color?"
                if files in readable
                else f"{what} is not a format that passes are read from; is it color?"
            )
    return faults
