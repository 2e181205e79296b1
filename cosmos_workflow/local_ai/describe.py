"""What local models see in a shot: a sentence, tags, objects."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cosmos_workflow.config.settings import LocalModels
from cosmos_workflow.errors import ConfigError, CosmosError, MissingExtra
from cosmos_workflow.houdini.metadata import Described
from cosmos_workflow.local_ai import asking, labels, place, stills
from cosmos_workflow.local_ai.captions import merged
from cosmos_workflow.local_ai.loading import answers
from cosmos_workflow.local_ai.model import Model, Role, folder_of, models

if TYPE_CHECKING:
    from cosmos_workflow.video.frames import Frame

Report = Callable[[str, float], None]
"""Called with what is being done and how far it is, 0..1."""

Absent = Callable[[CosmosError], None]
"""Called with the reason for each model that could not be asked."""

TAG_LEAST = 0.08
"""Mean probability from which a label is a tag of the shot: surely in half of a frame in five."""

TAGS_MOST = 5


def describe(
    video: Path,
    settings: LocalModels,
    report: Report | None = None,
    *,
    absent: Absent | None = None,
) -> Described:
    """What the models see in a video; as ``see``, and MediaError for the video."""
    return see(lambda: stills.of_video(video), settings, report, absent=absent)


def see(
    frames: Callable[[], list[Frame]],
    settings: LocalModels,
    report: Report | None = None,
    *,
    absent: Absent | None = None,
) -> Described:
    """What the models see in frames: (H, W, 3) uint8 RGB, one size, in the order of the shot.

    One model after another, each gone from memory before the next comes; nothing is fetched from
    the network.  A model that cannot be asked is told to ``absent``, and the others still answer;
    without ``absent`` its error is raised.  Raises MissingExtra without the libraries,
    ConfigError for a device that is not there.
    """
    place.check_extra()
    wanted = _here(settings, absent)
    if not wanted:
        return Described()  # before torch is loaded, which takes seconds
    spot = place.find(settings.device)
    looked = frames()
    said: dict[Role, str | tuple[str, ...]] = {}
    names: dict[str, str] = {}
    for done, (model, folder) in enumerate(wanted.items()):
        if report:
            report(f"describing: {model.role}", done / len(wanted))
        try:
            said[model.role] = _answer(model, folder, spot, looked, settings.batch)
            names[model.role] = _name(model, folder)
        except CosmosError as error:
            _tell(error, absent)
    if report:
        report("describing", 1.0)
    return Described.model_validate({**said, "models": names})


def _here(settings: LocalModels, absent: Absent | None) -> dict[Model, Path]:
    """The folder of each model that is whole on this machine; the others are told."""
    here = {}
    for model in models(settings):
        try:
            here[model] = folder_of(model)
        except CosmosError as error:
            _tell(error, absent)
    return here


def _answer(
    model: Model, folder: Path, spot: place.Place, frames: list[Frame], batch: int
) -> str | tuple[str, ...]:
    if model.role == "caption":
        three = stills.telling_ones(frames)
        return merged(answers(model, folder, spot, three, batch, asking.caption))
    if model.role == "tags":
        seen = answers(model, folder, spot, frames, batch, asking.tags)
        return labels.tags(seen, least=TAG_LEAST, most=TAGS_MOST)
    things = answers(model, folder, spot, frames, batch, asking.objects)
    return labels.objects(things)


def _name(model: Model, folder: Path) -> str:
    """The model with the commit that the hub's cache names its folder by; a folder's own name."""
    return folder.name if model.local else f"{model.source}@{folder.name}"


def _tell(error: CosmosError, absent: Absent | None) -> None:
    if absent is None:
        raise error
    absent(error)


def attempt(look: Callable[[Absent], Described], faults: list[CosmosError]) -> Described:
    """What ``look`` sees as far as it can: what models lack is added to ``faults``, not raised."""
    try:
        return look(faults.append)
    except (MissingExtra, ConfigError) as error:
        faults.append(error)
        return Described()
