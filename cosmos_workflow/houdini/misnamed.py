"""Files and layers of a render folder that were probably meant to be a pass, and are none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cosmos_workflow.config.settings import Passes
from cosmos_workflow.houdini import passes
from cosmos_workflow.houdini.found import Found
from cosmos_workflow.houdini.listing import FileSequence
from cosmos_workflow.houdini.tally import Tally, counted
from cosmos_workflow.prompts.enums import Modality


def faults(
    sequences: Sequence[FileSequence],
    found: Sequence[Found],
    chosen: Mapping[Modality, Found],
    names: Passes,
) -> list[str]:
    """What may have been meant by the files and layers that give nothing.

    ``found``: those of the ``sequences`` that are in a format that is read.  ``chosen``: where each
    pass comes from; what is in it already is missed by nobody.
    """
    said = _no_color(found, chosen, names) + _layer_faults(found, chosen, names)
    return said + _name_faults(sequences, found, chosen, names)


def _no_color(found: Sequence[Found], chosen: Mapping[Modality, Found], names: Passes) -> list[str]:
    """Why there is no color: what the files hold that may have been meant."""
    if Modality.COLOR in chosen:
        return []
    faults = ["there is no color pass: color.NNNN.png or .exr, or a layer of an EXR"]
    for one in found:
        if one.layers and not one.told(names):
            faults.append(_not_in(one, Modality.COLOR, names))
    return faults


def _not_in(one: Found, modality: Modality, names: Passes) -> str:
    """A file without the layer that it should have, and the one that may have been meant."""
    said = f"no {modality} in {one.files.pattern}: it has layers {_layers(one)}"
    near = passes.closest(one.layers, names, [modality])
    what = f"did you mean {near[0]} -> {near[2]}? add it" if near else "add the right one"
    return f"{said}; {what} to [passes] {modality}"


def _layer_faults(
    found: Sequence[Found], chosen: Mapping[Modality, Found], names: Passes
) -> list[str]:
    """Passes that nothing gives although a stem names them, or a layer nearly does."""
    faults = []
    for one in found:
        if not one.layers:
            continue
        own = one.told(names)
        if own and own not in chosen:
            faults.append(_not_in(one, own, names))
        missing = [
            modality
            for modality in passes.PASSES
            if modality not in chosen
            and modality is not Modality.COLOR
            and passes.aliases(modality, names)
        ]
        unknown = [layer for layer in one.layers if layer not in one.passes.values()]
        near = passes.closest(unknown, names, [m for m in missing if m is not own])
        if near:
            faults.append(
                f"{one.files.pattern} has a layer {near[0]}: did you mean {near[2]}?"
                f" add it to [passes] {near[1]}"
            )
    return faults


def _layers(one: Found) -> str:
    layers = Tally(most=12)
    for layer in one.layers:
        layers.add(layer)
    return str(layers)


def _name_faults(
    sequences: Sequence[FileSequence],
    found: Sequence[Found],
    chosen: Mapping[Modality, Found],
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
