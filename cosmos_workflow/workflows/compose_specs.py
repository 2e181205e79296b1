"""From a person's words and flags to PromptSpecs, checked before anything is saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import SpecError, did_you_mean
from cosmos_workflow.houdini.metadata import FILE_NAME, ShotMetadata
from cosmos_workflow.prompts.enums import CONTROLS, Modality
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.spec import resolve


@dataclass(frozen=True)
class Words:
    """What a PromptSpec is made from.  ``controls``: "modality:path"; ``prepared``: a shot."""

    name: str
    prompt: str
    negative_prompt: str = ""
    input_video: str = ""
    controls: Sequence[str] = ()
    prepared: str = ""


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


def check_files(settings: Settings, prompt: PromptSpec) -> None:
    """Raise SpecError naming each file that the prompt means and that cannot be read."""
    files = {"input video": prompt.input_video_path or ""}
    files.update({str(key): path for key, path in prompt.control_inputs.items()})
    check_readable(settings, {key: path for key, path in files.items() if path})


def _controls(texts: Sequence[str]) -> dict[Modality, str]:
    controls: dict[Modality, str] = {}
    for text in texts:
        word, colon, path = text.partition(":")
        if not colon or not path:
            raise SpecError(
                f"--control-inputs {text!r} is not modality:path",
                hint="like --control-inputs depth:inputs/videos/shot/depth.mp4",
            )
        modality = modality_of(word, "--control-inputs")
        if modality in controls:
            raise SpecError(
                f"--control-inputs names {modality} twice", hint="one video for each control"
            )
        controls[modality] = path
    return controls


def modality_of(word: str, flag: str) -> Modality:
    """The control that a person's ``word`` after a ``flag`` means.  Raises SpecError."""
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


def _prepared(settings: Settings, text: str) -> ShotMetadata:
    """A prepared shot, by folder, metadata.json, or the folder's name.

    Its paths come back absolute, so that they mean the same from every folder.
    """
    shot = ShotMetadata.load(metadata_file(settings, text))
    controls = {key: str(resolve(value, settings)) for key, value in shot.control_inputs.items()}
    video = str(resolve(shot.video_path, settings))
    return shot.model_copy(update={"video_path": video, "control_inputs": controls})


def metadata_file(settings: Settings, text: str) -> Path:
    """The facts of the prepared shot that ``text`` names.  Raises SpecError with the closest."""
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


def check_readable(settings: Settings, files: Mapping[str, str]) -> None:
    """Raise SpecError naming each file, by what it is for, that cannot be read."""
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
