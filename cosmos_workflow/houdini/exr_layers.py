"""The layers of an EXR file as artists name them, and which of them a list of names means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cosmos_workflow.houdini.exr_header import Channel, Header, Part

BARE = "rgba"
"""What channels R G B without a layer's name are called."""

_COLOURS = {
    "r": "r", "red": "r", "g": "g", "green": "g", "b": "b", "blue": "b", "a": "a", "alpha": "a",
}  # fmt: skip
_COMPONENTS = {**_COLOURS, **{one: one for one in ("x", "y", "z", "w", "u", "v")}}
_RANK = re.compile(r"(.*?)(\d\d)")
_NAMELESS_PART = re.compile(r"(rgba?|(sub)?image|part|main|default|layer|left|right)?[ _.]?\d*")


@dataclass(frozen=True)
class Layer:
    """Channels that belong together.

    ``name``: what it is called, once in a file.  ``part``: the index of its part.  ``channels``:
    component (r g b a x y z ..; empty for the only one) -> channel.  ``words``: its names, and
    ``endings``: what its name ends with, both as ``word`` gives them.  ``nameless``: nobody named
    it, as R G B A in a file of its own.
    """

    name: str
    part: int
    channels: dict[str, Channel]
    words: frozenset[str]
    endings: frozenset[str]
    nameless: bool = False

    @property
    def rgb(self) -> tuple[Channel, ...]:
        """Three channels of a picture, or its only one; empty when it is no picture."""
        for names in ("rgb", "xyz"):
            if all(name in self.channels for name in names):
                return tuple(self.channels[name] for name in names)
        return (self.value,) if len(self.channels) == 1 else ()

    @property
    def value(self) -> Channel:
        """The channel that a pass of one number a pixel is in: Z, else the first as written."""
        for name in ("z", "r", "x", "y", "v", "u"):
            if name in self.channels and not (name == "z" and "x" in self.channels):
                return self.channels[name]
        return next(iter(self.channels.values()))


def word(name: str) -> str:
    """A name for comparing: case and ``_ - space`` do not count."""
    return re.sub(r"[_\- ]", "", name).casefold()


def layers_of(header: Header) -> tuple[Layer, ...]:
    """Every layer of the file, in its order, bare R G B first in its part."""
    found: list[Layer] = []
    taken: set[str] = set()
    for number, part in enumerate(header.parts):
        named = part.name if header.multipart else ""
        groups = _groups(part, named, number)
        for prefix, channels in groups.items():
            layer = _layer(named, prefix, number, channels, alone=len(groups) == 1)
            if layer.name in taken:  # in two parts: left and right eye, for one
                full = f"{named}.{prefix}" if prefix else named
                layer = _layer(named, full, number, channels, alone=False)
            if layer.name not in taken:
                taken.add(layer.name)
                found.append(layer)
    return tuple(found)


def _groups(part: Part, named: str, number: int) -> dict[str, dict[str, Channel]]:
    """Channels by the layer that their names or their part's put them in; "" for bare ones."""
    bare: dict[str, Channel] = {}
    groups: dict[str, dict[str, Channel]] = {}
    for channel in part.channels:
        prefix, dot, last = channel.name.rpartition(".")
        component = _COMPONENTS.get(last.casefold())
        if dot and component:
            groups.setdefault(prefix, {}).setdefault(component, channel)
        elif not dot and component:
            bare.setdefault(component, channel)
        else:
            groups[channel.name] = {"": channel}
    picture = {name: bare[name] for name in bare if name in ("r", "g", "b", "a")}
    if not bare:
        return groups
    if len(picture) < 3 and named and not _is_nameless(named):
        return {"": bare, **groups}
    if len(picture) < 3:
        return {**{channel.name: {"": channel} for channel in bare.values()}, **groups}
    others = {channel.name: {"": channel} for name, channel in bare.items() if name not in picture}
    return {"": picture, **others, **groups}


def _is_nameless(name: str) -> bool:
    return _NAMELESS_PART.fullmatch(name.casefold()) is not None


def _layer(
    named: str, prefix: str, number: int, channels: dict[str, Channel], *, alone: bool
) -> Layer:
    own = "" if _is_nameless(named) else named
    name = prefix or own or BARE
    words = {word(name)}
    if own and (alone or not prefix):
        words.add(word(own))
    single = len(channels) == 1 and "" in channels and prefix.casefold() in _COMPONENTS
    nameless = (not prefix or single) and not own
    endings = {word(one.rpartition(".")[2]) for one in (name, own if alone else "") if one}
    return Layer(name, number, channels, frozenset(words), frozenset(endings), nameless)


def rank_of(name: str) -> tuple[str, int]:
    """``crypto_object01`` -> (``crypto_object``, 1); (name, -1) for what is no rank."""
    found = _RANK.fullmatch(name)
    return (found[1].rstrip("_."), int(found[2])) if found else (name, -1)


def stacks(header: Header, layers: Sequence[Layer]) -> dict[str, tuple[Layer, ...]]:
    """The cryptomattes: name -> its ranks in order, each with r g (b a): an id, its coverage."""
    told = {word(name) for name in cryptomatte_names(header).values()}
    found: dict[str, dict[int, Layer]] = {}
    for layer in layers:
        base, rank = rank_of(layer.name)
        known = word(base) in told or word(base.rpartition(".")[2]).startswith("crypto")
        if rank >= 0 and known and {"r", "g"} <= set(layer.channels):
            found.setdefault(base, {})[rank] = layer
    return {base: tuple(ranks[number] for number in sorted(ranks)) for base, ranks in found.items()}


def cryptomatte_names(header: Header) -> dict[str, str]:
    """The cryptomattes that the file's attributes speak of: key -> name of its layers."""
    names: dict[str, str] = {}
    for part in header.parts:
        for attribute in part.attributes:
            key, _, field = attribute.rpartition("/")
            if key.startswith("cryptomatte/") and field == "name":
                names.setdefault(key, part.text(attribute))
    return names


def names_of(header: Header) -> list[str]:
    """What to show people: every layer once, the ranks of a cryptomatte as one."""
    layers = layers_of(header)
    ranks = {layer.name: base for base, one in stacks(header, layers).items() for layer in one}
    return list(dict.fromkeys(ranks.get(layer.name, layer.name) for layer in layers))


def matching(layers: Iterable[Layer], aliases: Sequence[str]) -> Layer | None:
    """The layer of the first alias that is there: by its whole name, else by its ending."""
    layers = list(layers)
    for by_ending in (False, True):
        for alias in aliases:
            for layer in layers:
                words = layer.endings if by_ending else layer.words
                if any(means(alias, one) for one in words):
                    return layer
    return None


def means(alias: str, name: str) -> bool:
    """Whether ``alias``, which may end with ``*``, stands for a name as ``word`` gives it."""
    if alias.endswith("*"):
        return name.startswith(word(alias[:-1]))
    return name == word(alias)
