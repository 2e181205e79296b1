"""From a person's words and flags to PromptSpecs and RunSpecs, checked before anything is saved."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.engines.engine import Engine
from cosmos_workflow.engines.rules import check_parameter, settle
from cosmos_workflow.errors import SpecError, did_you_mean
from cosmos_workflow.houdini.metadata import FILE_NAME, ShotMetadata
from cosmos_workflow.prompts import library
from cosmos_workflow.prompts.enums import CONTROLS, WEIGHT_ORDER, Modality
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.prompts.spec import portable, resolve
from cosmos_workflow.workflows import assemble


@dataclass(frozen=True)
class Words:
    """What a PromptSpec is made from.  ``controls``: "modality:path"; ``prepared``: a shot."""

    name: str
    prompt: str
    negative_prompt: str = ""
    input_video: str = ""
    controls: Sequence[str] = ()
    prepared: str = ""


@dataclass(frozen=True)
class Knobs:
    """What a RunSpec is made from, besides its prompt.

    ``weights`` is vis, edge, depth, segmentation; ``named_weights`` has "modality=weight" and wins.
    ``parameters`` may hold None for what was not said; ``options`` has "key=value".
    """

    engine: str = ""
    weights: tuple[float, float, float, float] | None = None
    named_weights: Sequence[str] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    options: Sequence[str] = ()
    name: str = ""


@dataclass(frozen=True)
class Made:
    """A saved RunSpec, its file, and whence its values: "weights" and each parameter that is not
    the engine's default, with who said it ("you", "the shot")."""

    run: RunSpec
    path: Path
    said_by: Mapping[str, str]


def make_prompt(settings: Settings, words: Words) -> tuple[PromptSpec, Path]:
    """A saved PromptSpec and its file.  Raises SpecError, naming every file that is missing."""
    if not words.prompt.strip():
        raise SpecError("the prompt has no words", hint='like "a sunlit atrium, morning haze"')
    video, controls = words.input_video, _controls(words.controls)
    metadata = {}
    if words.prepared:
        shot = _prepared(settings, words.prepared)
        video = video or shot.video_path
        controls = shot.control_inputs | controls
        facts = {"id", "frame_count", "fps", "resolution"}
        metadata["prepared"] = shot.model_dump(mode="json", include=facts)
    prompt = PromptSpec.create(
        name=words.name,
        prompt=words.prompt,
        negative_prompt=words.negative_prompt,
        input_video_path=video or None,
        control_inputs={str(key): path for key, path in controls.items()},
        metadata=metadata,
        settings=settings,
    )
    check_files(settings, prompt)
    return prompt, prompt.save(settings=settings)


def make_runs(settings: Settings, prompts: Sequence[str], knobs: Knobs) -> list[Made]:
    """One saved RunSpec for each prompt (path, id, start of an id, name or glob pattern).

    All are checked before the first is saved.  Raises SpecError or ConfigError.
    """
    name = knobs.engine or settings.default_engine
    engine = assemble.engine(name, settings)
    made = [
        _make_run(settings, engine, name, path, knobs) for path in _prompt_files(settings, prompts)
    ]
    return [Made(run, run.save(settings=settings), said_by) for run, said_by in made]


def check_files(settings: Settings, prompt: PromptSpec) -> None:
    """Raise SpecError naming each file that the prompt means and that cannot be read."""
    files = {"input video": prompt.input_video_path or ""}
    files.update({str(key): path for key, path in prompt.control_inputs.items()})
    _check_readable(settings, {key: path for key, path in files.items() if path})


def _make_run(
    settings: Settings, engine: Engine, engine_name: str, path: Path, knobs: Knobs
) -> tuple[RunSpec, Mapping[str, str]]:
    prompt = PromptSpec.load(path)
    check_files(settings, prompt)
    weights = _weights(settings, knobs)
    parameters = {key: value for key, value in knobs.parameters.items() if value is not None}
    for key, value in parameters.items():
        check_parameter(engine, key, value)
    said_by = dict.fromkeys([*parameters, *(["weights"] if weights else [])], "you")
    fps = _shot_fps(prompt)
    if fps and "fps" in engine.limits and "fps" not in parameters:
        parameters["fps"], said_by["fps"] = fps, "the shot"
    draft = RunSpec.create(
        name=knobs.name or prompt.name,
        prompt_spec_id=prompt.id,
        prompt_spec_path=portable(path, settings),
        engine=engine_name,
        control_weights=weights,
        parameters=parameters,
        options=_pairs(knobs.options, "--option"),
    )
    run = settle(engine, draft, prompt)
    named = {
        f"weight of {key}": value
        for key, value in run.control_weights.items()
        if isinstance(value, str)
    }
    _check_readable(settings, {**named, **{f"option {path}": path for path in engine.files(run)}})
    return run, said_by


def _shot_fps(prompt: PromptSpec) -> int | None:
    """Frames a second of the prepared shot: its result should play as long as it does."""
    shot = prompt.metadata.get("prepared")
    fps = shot.get("fps") if isinstance(shot, dict) else None
    return int(fps) if isinstance(fps, int | float) and fps == int(fps) else None


def _prompt_files(settings: Settings, texts: Sequence[str]) -> list[Path]:
    found: dict[Path, None] = {}
    for text in texts:
        for path in _one_or_glob(settings, text):
            found[path] = None
    return list(found)


def _one_or_glob(settings: Settings, text: str) -> Iterable[Path]:
    if not any(mark in text for mark in "*?[") or Path(text).exists():
        return [library.find(settings, "prompt", text)]
    for root in (Path.cwd(), settings.root):
        names = sorted(glob.glob(text, root_dir=root, recursive=True))  # noqa: PTH207  (absolute)
        files = [root / name for name in names if (root / name).is_file()]
        if files:
            return files
    raise SpecError(
        f"no file fits {text!r}", hint="cosmos list prompts shows the PromptSpecs and their ids"
    )


def _controls(texts: Sequence[str]) -> dict[Modality, str]:
    controls: dict[Modality, str] = {}
    for text in texts:
        word, colon, path = text.partition(":")
        if not colon or not path:
            raise SpecError(
                f"--control-inputs {text!r} is not modality:path",
                hint="like --control-inputs depth:inputs/videos/shot/depth.mp4",
            )
        modality = _modality(word, "--control-inputs")
        if modality in controls:
            raise SpecError(
                f"--control-inputs names {modality} twice", hint="one video for each control"
            )
        controls[modality] = path
    return controls


def _weights(settings: Settings, knobs: Knobs) -> dict[str, float | str]:
    weights: dict[str, float | str] = {}
    if knobs.weights is not None:
        pairs = zip(WEIGHT_ORDER, knobs.weights, strict=True)
        weights = {str(modality): weight for modality, weight in pairs if weight != 0}
        if not weights and not knobs.named_weights:
            raise SpecError("--weights 0 0 0 0 uses no control", hint="give one of them a weight")
    for word, text in _pairs(knobs.named_weights, "--weight").items():
        modality = str(_modality(word, "--weight"))
        try:
            weights[modality] = float(text)
        except ValueError:
            weights[modality] = portable(Path(text), settings)  # a .pt map; settle refuses others
    return weights


def _modality(word: str, flag: str) -> Modality:
    try:
        modality = Modality(word)
    except ValueError as error:
        known = [str(control) for control in CONTROLS]
        raise SpecError(
            f"{flag}: there is no control {word!r}",
            hint=f"{did_you_mean(word, known)}known: {', '.join(known)}",
        ) from error
    if modality is Modality.COLOR:
        raise SpecError(
            f"{flag}: color is the input video, not a control", hint="give it as --input-video"
        )
    return modality


def _pairs(texts: Sequence[str], flag: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            like = "--weight depth=0.4" if flag == "--weight" else f"{flag} NAME=VALUE"
            raise SpecError(f"{flag} {text!r} is not key=value", hint=f"like {like}")
        if key.strip() in pairs:
            raise SpecError(f"{flag} {key.strip()} is given twice", hint="say it once")
        pairs[key.strip()] = value
    return pairs


def _prepared(settings: Settings, text: str) -> ShotMetadata:
    """A prepared shot, by folder, metadata.json, or the folder's name.

    Its paths come back absolute, so that they mean the same from every folder.
    """
    shot = ShotMetadata.load(_metadata_file(settings, text))
    controls = {key: str(resolve(value, settings)) for key, value in shot.control_inputs.items()}
    video = str(resolve(shot.video_path, settings))
    return shot.model_copy(update={"video_path": video, "control_inputs": controls})


def _metadata_file(settings: Settings, text: str) -> Path:
    for place in (Path(text).expanduser(), settings.root / text, settings.videos_dir / text):
        if place.is_dir():
            place = place / FILE_NAME
        if place.is_file():
            return place
    folders = sorted(settings.videos_dir.glob(f"[!.]*/{FILE_NAME}"), reverse=True)
    for file in folders:  # the newest of that name: folders are name_date_time
        if file.parent.name.rsplit("_", 2)[0] == text:
            return file
    if any(Path(text).expanduser().glob("color.*")):
        raise SpecError(
            f"{text} holds render passes that are not prepared yet",
            hint=f"cosmos prepare-inference {text}",
        )
    known = list(dict.fromkeys(file.parent.name.rsplit("_", 2)[0] for file in folders))
    raise SpecError(
        f"there is no prepared shot {text!r}",
        hint=f"{did_you_mean(text, known)}prepared: {', '.join(known[:5]) or 'none yet'}",
    )


def _check_readable(settings: Settings, files: Mapping[str, str]) -> None:
    faults = []
    for what, stored in files.items():
        path = resolve(stored, settings)
        try:
            with path.open("rb") as file:
                file.read(1)
        except OSError as error:
            faults.append(f"{what}: {path}: {error.strerror}")
        except ValueError as error:  # a NUL in the name
            faults.append(f"{what}: {str(path)!r}: {error}")
    if faults:
        files_word = "a file" if len(faults) == 1 else f"{len(faults)} files"
        raise SpecError(
            f"{files_word} cannot be read:\n" + "\n".join(faults),
            hint="paths are taken from where you are, stored paths from the project root",
        )
