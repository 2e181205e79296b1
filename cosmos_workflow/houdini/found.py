"""What a sequence of files could give: the passes and layers of the first that can be opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cosmos_workflow.config.settings import Passes
from cosmos_workflow.houdini import passes
from cosmos_workflow.houdini.formats import Format
from cosmos_workflow.houdini.listing import FileSequence
from cosmos_workflow.houdini.looked import reason
from cosmos_workflow.houdini.picture import BrokenPicture
from cosmos_workflow.houdini.tally import counted
from cosmos_workflow.prompts.enums import Modality

_BY_LAYER = 10_000
"""Rank of a pass that only a layer names; any stem that names it comes first."""


@dataclass(frozen=True)
class Found:
    """A sequence in a format that is read: the passes that it could give, and its layers.

    ``unread``: why not one of its files could be opened.
    """

    files: FileSequence
    format: Format
    passes: Mapping[Modality, str] = field(default_factory=dict)
    layers: Sequence[str] = ()
    unread: str = ""

    def rank(self, modality: Modality, names: Passes) -> int:
        """How well its stem names the pass, 0 best; last is a name that only a layer has."""
        named = passes.of_stem(self.files.stem, names)
        return named.rank if named and named.modality is modality else _BY_LAYER

    def told(self, names: Passes) -> Modality | None:
        """The pass that its stem stands for."""
        named = passes.of_stem(self.files.stem, names)
        return named.modality if named else None


def look(files: FileSequence, kind: Format, names: Passes) -> Found:
    """What the first file that can be opened holds.

    Of a sequence with none, what its stem says; each of its files is a fault later.
    """
    if files.negative:
        return Found(files, kind)
    why = ""
    for path in files.paths:
        try:
            return Found(files, kind, kind.passes(path, files.stem, names), kind.layers(path))
        except (BrokenPicture, OSError) as error:
            why = why or f"{path.name} {reason(path, error)}"
    named = passes.of_stem(files.stem, names)
    if named:
        return Found(files, kind, {named.modality: ""})
    return Found(files, kind, unread=f"none of {counted(len(files.paths))} can be read: {why}")
