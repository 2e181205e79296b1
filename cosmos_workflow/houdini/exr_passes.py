"""Which layers of an EXR file are the passes of a shot."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cosmos_workflow.config.settings import Passes
from cosmos_workflow.houdini.exr_header import Header
from cosmos_workflow.houdini.exr_layers import (
    Layer,
    layers_of,
    matching,
    means,
    rank_of,
    stacks,
    word,
)
from cosmos_workflow.prompts.enums import Modality

_READ = (
    Modality.COLOR,
    Modality.DEPTH,
    Modality.SEGMENTATION,
    Modality.EDGE,
    Modality.VIS,
)


def passes_of(header: Header, stem: str, names: Passes) -> dict[Modality, str]:
    """The passes in a file of this stem, and the layer of each.

    A file whose stem is another pass's is that pass alone; its only nameless layer is what the
    stem says.
    """
    layers = layers_of(header)
    found: dict[Modality, str] = {}
    for modality in _READ:
        layer = _layer_for(modality, header, layers, getattr(names, modality))
        if layer:
            found[modality] = layer
    told = _told_by(stem, names)
    if told in (None, Modality.COLOR):
        return found | _nameless(layers, told, found)
    if told == "":
        return {} if len(layers) == 1 else found
    asked = Modality(told)
    own = found.get(asked)
    return {asked: own} if own else _nameless(layers, asked, {})


def _layer_for(
    modality: Modality, header: Header, layers: tuple[Layer, ...], aliases: tuple[str, ...]
) -> str:
    if modality is not Modality.SEGMENTATION:
        usable = [one for one in layers if one.rgb or modality is Modality.DEPTH]
        layer = matching(usable, aliases)
        return layer.name if layer else ""
    mattes = stacks(header, layers)
    ranked = {layer.name for ranks in mattes.values() for layer in ranks}
    plain = [one for one in layers if one.name not in ranked and word(one.name) not in
             {word(base) for base in mattes}]  # fmt: skip
    for alias in aliases:
        base, _ = rank_of(alias)
        for name in mattes:
            if any(means(one, word(name.rpartition(".")[2])) for one in (alias, base)):
                return name
        layer = matching(plain, (alias,))
        if layer:
            return layer.name
    return ""


def _told_by(stem: str, names: Passes) -> str | None:
    """What the stem says: a pass, "" for one that is not delivered, None when it says nothing."""
    tails = [stem[found.end() :] for found in re.finditer(r"[._\- ]", stem)]
    for part in (stem, *(one for one in tails if len(one) > 2 or one == tails[-1])):
        text = word(part)
        if not text:
            continue
        for modality in _READ:
            if text == modality or any(means(one, text) for one in getattr(names, modality)):
                return modality
        if any(means(one, text) for one in (*names.normals, *names.motion)):
            return ""
        if text.startswith("crypto"):
            return Modality.SEGMENTATION
    return None


def _nameless(
    layers: tuple[Layer, ...], told: str | None, found: Mapping[Modality, str]
) -> dict[Modality, str]:
    """The file's only layer, when nobody named it, as the pass that the stem says."""
    bare = [layer for layer in layers if layer.nameless]
    if told is None or found or len(bare) != 1 or len(layers) != 1:
        return {}
    modality = Modality(told)
    fits = bare[0].rgb or modality is Modality.DEPTH
    return {modality: bare[0].name} if fits else {}
