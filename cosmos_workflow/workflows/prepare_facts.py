"""What ``metadata.json`` says of a shot that has just been made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.houdini.frame_range import FrameRange, ranges
from cosmos_workflow.houdini.metadata import Described, FileFacts, Frames, PassFacts, ShotMetadata
from cosmos_workflow.houdini.shot import Shot
from cosmos_workflow.ids import sha256_file
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.prompts.spec import portable
from cosmos_workflow.workflows.prepare_encode import MASTERS, mastered
from cosmos_workflow.workflows.prepare_make import Made
from cosmos_workflow.workflows.prepare_wishes import Wishes

LEGEND = "legend.json"


@dataclass(frozen=True)
class Outcome:
    """All that there is to say about a shot but the name of its folder."""

    shot: Shot
    wishes: Wishes
    title: str
    size: tuple[int, int]
    made: Made
    resized: Mapping[Modality, str]
    described: Described | None
    fingerprint: str


def write_legend(shot: Shot, part: Path) -> None:
    """Write ``legend.json`` when the files say what segmentation's colours mean."""
    if Modality.SEGMENTATION in shot.modalities:
        legend = shot.reel(Modality.SEGMENTATION).legend()
        if legend:
            text = json.dumps(legend, indent=2, ensure_ascii=False)
            (part / LEGEND).write_text(text + "\n", encoding="utf-8")


def files_of(part: Path) -> dict[str, FileFacts]:
    """Every file in the folder, by its path there."""
    return {
        path.relative_to(part).as_posix(): FileFacts(
            sha256=sha256_file(path), size=path.stat().st_size
        )
        for path in sorted(part.rglob("*"))
        if path.is_file()
    }


def metadata(
    settings: Settings, one: Outcome, files: Mapping[str, FileFacts], dest: Path
) -> ShotMetadata:
    """The facts of the shot in the folder ``dest``."""
    shot, wishes = one.shot, one.wishes
    modalities = tuple(m for m in Modality if m in shot.modalities or m in one.made)
    paths = {m: portable(dest / f"{m}.mp4", settings) for m in modalities}
    text = wishes.description or (one.described.caption if one.described else "")
    facts = ShotMetadata(
        id=_identity(one, text, files),
        name=one.title,
        description=text,
        frame_count=len(shot.frames),
        fps=int(wishes.fps) if wishes.fps == int(wishes.fps) else wishes.fps,
        modalities=modalities,
        video_path=paths.pop(Modality.COLOR),
        control_inputs=paths,
        resolution=one.size,
        source=portable(shot.folder, settings),
        fingerprint=one.fingerprint,
        frame_range=_range(shot, wishes),
        passes={m: _pass(shot, m, one.made) for m in modalities},
        files=dict(files),
    )
    legend = portable(dest / LEGEND, settings) if LEGEND in files else ""
    masters = {
        m: portable(dest / MASTERS / f"{m}.mkv", settings) for m in mastered(shot, wishes.masters)
    }
    more = {
        "masters": masters,
        "legend": legend,
        "resized": dict(one.resized),
        "prepared_for": wishes.engine,
        "described": one.described,
    }
    return facts.model_copy(update={key: value for key, value in more.items() if value})


def _range(shot: Shot, wishes: Wishes) -> Frames:
    step = FrameRange(shot.frames).step
    numbers = {} if step else {"numbers": ranges(shot.frames)}
    return Frames(
        first=shot.frames[0],
        last=shot.frames[-1],
        step=step,
        handles=wishes.reading.handles,
        **numbers,
    )


def _identity(one: Outcome, text: str, files: Mapping[str, FileFacts]) -> str:
    content = [f"{name} {file.sha256}" for name, file in files.items()]
    whole = "\n".join([one.title, text, f"{one.wishes.fps:g}", *content])
    return hashlib.sha256(whole.encode()).hexdigest()[:12]


def _pass(shot: Shot, modality: Modality, made: Made) -> PassFacts:
    if modality in made:
        return PassFacts(made=dict(made[modality]))
    reel = shot.reel(modality)
    origin = reel.origin(modality)
    given = {
        "pattern": origin.pattern,
        "files": tuple(path.name for path in reel.paths),
        "layer": origin.layer,
        "settings": dict(origin.settings),
    }
    return PassFacts.model_validate({key: value for key, value in given.items() if value})
