"""What only the Cosmos 3 framework has: its own options, and the combinations that it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import Field

from cosmos_workflow.engines.engine import Options
from cosmos_workflow.errors import SpecError
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec

DERIVABLE = (Modality.EDGE, Modality.VIS)
"""Controls that the framework makes from the input video; all others must be given."""

IMAGES = (".png", ".jpg", ".jpeg", ".webp")

CHECKPOINTS: Mapping[str, str] = {
    "nano": "Cosmos3-Nano",
    "super": "Cosmos3-Super",
    "edge": "Cosmos3-Edge",
}
"""The framework's name for each model."""

FRAMES: Mapping[str, int] = {"nano": 189, "super": 189, "edge": 121}
"""How many frames a model makes when nothing is said."""

MOST_FRAMES: Mapping[str, int] = {"256": 400, "480": 300, "720": 200, "768": 200}
"""Up to how many frames each resolution was trained; the least is 24."""

Mode = Literal["transfer", "text2video", "image2video", "video2video"]
Positive = Annotated[int, Field(ge=1)]
Natural = Annotated[int, Field(ge=0)]


class Cosmos3Options(Options):
    """Options of the framework, named as it names them where it has them."""

    model: Literal["nano", "super", "edge"] = Field(
        "nano", description="nano 16B; super 64B, on several GPUs; edge 4B, without transfer"
    )
    mode: Literal["auto", "transfer", "text2video", "image2video", "video2video"] = Field(
        "auto", description="auto: transfer with controls, else what the input is"
    )
    image_path: str = Field("", description="the image that image2video starts from")
    resolution: Literal["", "256", "480", "720", "768"] = Field(
        "", description="the tier it works at: 720, and 480 for edge"
    )
    aspect_ratio: Literal["16,9", "4,3", "1,1", "3,4", "9,16"] = Field(
        "16,9", description="of text2video; otherwise it is the input's"
    )
    num_frames: Positive | None = Field(
        None, description="frames to make, without controls; a multiple of 4, plus 1"
    )
    shift: float = Field(10.0, gt=0, description="of the sampler's steps towards the noisy ones")
    control_guidance: float | None = Field(
        None, ge=0, le=10, description="how closely it keeps to the controls"
    )
    max_frames: Positive | None = Field(None, description="read only so many frames of controls")
    num_video_frames_per_chunk: Positive | None = Field(
        None, description="frames made at once: 93, and 101 for hdmap"
    )
    num_conditional_frames: Natural = Field(
        1, description="frames of a chunk that the next one starts from"
    )
    num_first_chunk_conditional_frames: Natural = Field(
        0, description="frames of the input video that the first chunk starts from"
    )
    share_vision_temporal_positions: bool = Field(
        True, description="the controls' frames have the places in time of the result's"
    )
    emphasize_control_in_prompt: bool | None = Field(
        None, description="add to the prompt that controls are to be followed; yes for prose"
    )
    show_control_condition: bool = Field(False, description="the controls beside the result")
    show_input: bool = Field(False, description="the input video beside the result")
    auto: tuple[Modality, ...] = Field(
        (), description="controls that are made from the input video: edge, vis"
    )
    condition_video_keep: Literal["first", "last"] = Field(
        "first", description="which end of the input video video2video goes on from"
    )
    video_save_quality: int = Field(10, ge=0, le=10, description="of the file; 10 is the best")
    diffusion_cache: bool = Field(True, description="skip steps that change little: faster")
    offload_guardrail_models: bool = Field(True, description="guardrails in main memory: less VRAM")
    disable_guardrails: bool = Field(False, description="no guardrail on words and result")
    checkpoint_path: str = Field(
        "", description="weights of your own, a folder below the target's checkpoints"
    )


TRANSFER_ONLY = (
    "control_guidance", "max_frames", "num_video_frames_per_chunk", "num_conditional_frames",
    "num_first_chunk_conditional_frames", "share_vision_temporal_positions",
    "emphasize_control_in_prompt", "show_control_condition", "show_input", "auto",
)  # fmt: skip
"""Options that the framework refuses without controls."""


def options_of(run: RunSpec) -> Cosmos3Options:
    """The options of a run that has been settled."""
    return Cosmos3Options.model_validate(run.options)


def in_use(run: RunSpec) -> dict[Modality, float]:
    """The controls of a transfer that have a weight above 0."""
    if options_of(run).mode not in ("auto", "transfer"):
        return {}
    weights = run.control_weights.items()
    return {control: weight for control, weight in weights if isinstance(weight, float) and weight}


def mode_of(run: RunSpec, prompt: PromptSpec) -> Mode:
    """What the run is."""
    options = options_of(run)
    if options.mode != "auto":
        return options.mode
    if in_use(run):
        return "transfer"
    if options.image_path or is_image(prompt.input_video_path):
        return "image2video"
    return "video2video" if prompt.input_video_path else "text2video"


def is_image(path: str | None) -> bool:
    """Whether the input of a PromptSpec is an image."""
    return bool(path) and PurePosixPath(path or "").suffix.lower() in IMAGES


def is_made(control: Modality, run: RunSpec, prompt: PromptSpec) -> bool:
    """Whether the framework makes the control from the input video."""
    if control in options_of(run).auto:
        return True
    return control is Modality.EDGE and control not in prompt.control_inputs


def resolution_of(options: Cosmos3Options) -> str:
    """The tier that the run works at."""
    return options.resolution or ("480" if options.model == "edge" else "720")


def check(run: RunSpec, prompt: PromptSpec) -> None:
    """Raise SpecError for every combination that the framework refuses or gets wrong."""
    options, mode = options_of(run), mode_of(run, prompt)
    _check_model(options, mode)
    _check_image(options, mode)
    if mode == "transfer":
        _check_transfer(run, prompt, options)
    else:
        _check_without_controls(run, prompt, options, mode)
    path = options.checkpoint_path
    if path.startswith("/") or ".." in path.split("/"):
        raise SpecError(
            f"--option checkpoint_path={path}: it is relative to the target's checkpoints",
            hint="set checkpoints of the target, and name the folder below it",
        )


def _check_model(options: Cosmos3Options, mode: Mode) -> None:
    if options.model != "edge":
        return
    if mode in ("transfer", "video2video"):
        raise SpecError(
            f"the model edge has no {mode}",
            hint="--option model=nano, or leave the controls away: --option mode=text2video",
        )
    if resolution_of(options) not in ("256", "480"):
        raise SpecError(
            f"--option resolution={options.resolution}: the model edge was trained for 256 and 480",
            hint="--option resolution=480, or --option model=nano",
        )


def _check_image(options: Cosmos3Options, mode: Mode) -> None:
    if options.image_path and mode != "image2video":
        raise SpecError(
            f"--option image_path is for image2video; this run is {mode}",
            hint="--option mode=image2video",
        )
    if options.image_path and not is_image(options.image_path):
        raise SpecError(
            f"--option image_path={options.image_path}: the framework reads {', '.join(IMAGES)}",
            hint="save the image as one of these",
        )


def _check_transfer(run: RunSpec, prompt: PromptSpec, options: Cosmos3Options) -> None:
    controls = in_use(run)
    if not controls:
        raise SpecError(
            "a transfer needs at least one control with a weight above 0",
            hint="--weight edge=1.0 has the edges of the input video drawn",
        )
    if is_image(prompt.input_video_path):
        raise SpecError(
            f"{prompt.input_video_path} is an image; a transfer's input is a video",
            hint="--option mode=image2video starts from an image",
        )
    if options.num_frames is not None:
        raise SpecError(
            "--option num_frames: the length of a transfer is that of its control",
            hint="leave it away; --option max_frames=... reads less of the control",
        )
    for control in options.auto:
        if control not in DERIVABLE or control not in controls:
            raise SpecError(
                f"--option auto={control}: "
                + ("it has no weight" if control in DERIVABLE else "the framework cannot make it"),
                hint=f"it makes {' and '.join(DERIVABLE)}, where they have a weight",
            )
    for control in controls:
        _check_source(control, run, prompt)
    if options.num_first_chunk_conditional_frames and not prompt.input_video_path:
        raise SpecError(
            "--option num_first_chunk_conditional_frames: there is no input video to start from",
            hint="give the PromptSpec an input video, or leave it away",
        )
    chunk = chunk_of(run)
    if chunk > 1 and options.num_conditional_frames >= chunk:
        raise SpecError(
            f"chunks of {chunk} frames that start from {options.num_conditional_frames} frames go "
            "no further",
            hint="fewer --option num_conditional_frames",
        )


def _check_source(control: Modality, run: RunSpec, prompt: PromptSpec) -> None:
    if is_made(control, run, prompt):
        if not prompt.input_video_path:
            raise SpecError(
                f"{control} would be made from the input video, and there is none",
                hint=f"give the PromptSpec an input video or a {control} control",
            )
    elif control not in prompt.control_inputs:
        raise SpecError(
            f"{control} has a weight but {prompt.name} has no {control} control",
            hint="add the control to the PromptSpec"
            + (f", or --option auto={control}" if control in DERIVABLE else ""),
        )


def _check_without_controls(
    run: RunSpec, prompt: PromptSpec, options: Cosmos3Options, mode: Mode
) -> None:
    given = [name for name in TRANSFER_ONLY if name in run.options]
    if given:
        raise SpecError(
            f"--option {given[0]} is for a transfer; this run is {mode}",
            hint="give a control a weight, or leave it away",
        )
    video = prompt.input_video_path
    if mode == "image2video" and not (options.image_path or is_image(video)):
        raise SpecError(
            "image2video starts from an image, and there is none",
            hint="--option image_path=still.png",
        )
    if mode == "video2video" and (not video or is_image(video)):
        raise SpecError(
            "video2video goes on from an input video, and there is none",
            hint="give the PromptSpec an input video",
        )


def whole_chunk(frames: int) -> int:
    """Frames rounded up to a multiple of 4, plus 1: the tokenizer packs 4 into one."""
    return -(-(frames - 1) // 4) * 4 + 1


def chunk_of(run: RunSpec) -> int:
    """Frames made at once, in a transfer."""
    usual = 101 if list(in_use(run)) == [Modality.HDMAP] else 93
    return whole_chunk(options_of(run).num_video_frames_per_chunk or usual)
