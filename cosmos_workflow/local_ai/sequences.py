"""Whether numbered pictures in a folder are a whole sequence, whatever they are called."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from cosmos_workflow.errors import MediaError
from cosmos_workflow.houdini.frame_range import ranges
from cosmos_workflow.houdini.listing import FileSequence, list_sequences
from cosmos_workflow.houdini.picture import BrokenPicture

Size = tuple[int, int]

_NAMED = 3
"""Files that an issue names before it only counts."""


def validate(folder: Path) -> dict[str, Any]:
    """The facts that ``VideoProcessor.validate_sequence`` promises."""
    try:
        listed = list_sequences(folder)
    except OSError as error:
        return _answer([f"cannot read {folder}: {error.strerror}"])
    if not listed:
        wanted = "like color.0001.png, frame_000.png or image_0.png"
        return _answer([f"there are no numbered pictures in {folder}: names are {wanted}"])
    lead = leading(listed)
    found = [_facts(one, lead) for one in (lead, *(one for one in listed if one is not lead))]
    issues = [issue for facts in found for issue in facts.pop("issues")]
    sizes = {facts["pattern"]: tuple(facts["resolution"]) for facts in found if facts["resolution"]}
    if len(set(sizes.values())) > 1:
        said = ", ".join(f"{name} {width}x{height}" for name, (width, height) in sizes.items())
        issues.append(f"mixed resolutions: {said}")
    return _answer(issues, found[0], found if len(found) > 1 else [])


def leading(listed: Sequence[FileSequence], names: Sequence[str] = ("color",)) -> FileSequence:
    """The sequence that a folder is about: one of these names, else the longest."""
    known = {name.lower() for name in names}
    return max(listed, key=lambda one: (one.stem.lower() in known, len(one.paths)))


def _answer(
    issues: list[str],
    lead: dict[str, Any] | None = None,
    sequences: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    nothing = {
        "frame_count": 0, "missing": [], "first": None, "last": None, "pattern": "",
        "resolution": None,
    }  # fmt: skip
    return {
        "valid": not issues, "issues": issues, **(lead or nothing), "sequences": list(sequences),
    }  # fmt: skip


def _facts(one: FileSequence, lead: FileSequence) -> dict[str, Any]:
    """The facts of one sequence, with its ``issues``."""
    whole = set(range(lead.frames[0], lead.frames[-1] + 1))
    missing = sorted(whole - set(one.frames))
    beside = set(one.frames) - whole
    issues = [f"{one.pattern}: frames missing: {ranges(missing)}"] if missing else []
    if beside:
        issues.append(f"{one.pattern}: frames that {lead.pattern} lacks: {ranges(beside)}")
    resolution, faults = _sizes(one)
    return {
        "pattern": one.pattern,
        "frame_count": len(set(one.frames)),
        "first": one.frames[0],
        "last": one.frames[-1],
        "missing": missing,
        "resolution": list(resolution) if resolution else None,
        "issues": [*issues, *_numbering(one), *faults],
    }


def _numbering(one: FileSequence) -> list[str]:
    """Frames that are there twice, and numbers of mixed widths."""
    twice = [number for number, count in Counter(one.frames).items() if count > 1]
    issues = [f"{one.pattern}: there twice: {ranges(twice)}"] if twice else []
    before, after = len(one.stem + one.separator), len(one.suffix)
    digits = [path.name[before:-after] for path in one.paths]
    width = min(map(len, digits))
    odd = [name for name in digits if len(name) > width and name.startswith("0")]
    if odd and not twice:
        issues.append(f"{one.pattern}: numbers of mixed widths: {_list(odd)} among {width} digits")
    return issues


def _sizes(one: FileSequence) -> tuple[Size | None, list[str]]:
    """The size of all pictures, None when they differ; every one is read to its end."""
    with ThreadPoolExecutor(min(8, (os.cpu_count() or 2) + 1)) as pool:
        results = list(pool.map(_size, one.paths))
    sizes = Counter(result for result in results if not isinstance(result, str))
    broken: dict[str, list[str]] = {}
    for path, result in zip(one.paths, results, strict=True):
        if isinstance(result, str):
            broken.setdefault(result, []).append(path.name)
    issues = [f"{_list(names)} {why}" for why, names in broken.items()]
    if len(sizes) > 1:
        said = ", ".join(f"{w}x{h} ({_files(count)})" for (w, h), count in sizes.most_common())
        issues.append(f"{one.pattern}: mixed resolutions: {said}")
    return (next(iter(sizes)) if len(sizes) == 1 else None), issues


def _size(path: Path) -> Size | str:
    """Width and height, or why the picture cannot be read."""
    from cosmos_workflow.houdini.png import check
    from cosmos_workflow.local_ai.processor import read_picture

    try:
        if path.suffix.lower() == ".png":
            picture = check(path)
            return picture.width, picture.height
        frame = read_picture(path)
        return frame.shape[1], frame.shape[0]
    except BrokenPicture as error:
        return str(error)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    except MediaError:
        return "cannot be read as a picture"


def _list(names: list[str]) -> str:
    rest = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"
