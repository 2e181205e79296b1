"""What only Transfer2.5 has: its own options, and the combinations of them that it refuses."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from cosmos_workflow.engines.engine import Options
from cosmos_workflow.errors import SpecError
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec

DISTILLED_STEPS = 4
"""What the distilled model was trained with."""

CHUNK = 93
"""Frames of one chunk: 24 latent frames."""

Resolution = Literal["256", "480", "480p", "512", "720", "720p", "1024", "1080"]
Positive = Annotated[int, Field(ge=1)]


def _pairs(value: Any) -> Any:
    """``edge=car,depth=road`` as an object."""
    if not isinstance(value, str):
        return value
    pairs = [part.partition("=") for part in value.split(",") if part.strip()]
    if not all(equals and text.strip() for _, equals, text in pairs):
        raise ValueError("it is written like depth=...,edge=..., or as a JSON object")
    return {control.strip(): text.strip() for control, _, text in pairs}


ByControl = Annotated[dict[Modality, str], BeforeValidator(_pairs)]


class Transfer25Options(Options):
    """Options of the 2B model, named as the model names them where it has them."""

    resolution: Resolution = Field("720", description="the tier it works at; 480 is poor")
    keep_input_resolution: bool = Field(
        True, description="bring the result back to the size of the input video"
    )
    max_frames: Positive | None = Field(None, description="read only so many frames of the input")
    num_video_frames_per_chunk: Positive = Field(
        CHUNK, description="frames made at once; 93 is what it was trained with"
    )
    num_conditional_frames: int = Field(
        1, ge=0, le=2, description="frames of a chunk that the next one starts from"
    )
    auto: tuple[Modality, ...] = Field(
        (), description="controls that the model makes from the input video itself"
    )
    control_prompt: str = Field("", description="what to segment, with auto segmentation")
    mask_path: ByControl = Field(
        {}, description="video by control, white where the control counts: depth=masks/road.mp4"
    )
    mask_prompt: ByControl = Field(
        {}, description="words by control for where it counts: depth=car building"
    )
    image_context_path: str = Field("", description="an image whose style the result takes")
    context_frame_index: Positive | None = Field(
        None, description="the frame of the input video whose style the result takes"
    )
    guided_generation_mask: str = Field(
        "", description="video or .npz, white where the input's own picture is kept"
    )
    guided_generation_step_threshold: int = Field(
        25, ge=0, description="steps for which the mask holds"
    )
    guided_generation_foreground_labels: tuple[int, ...] = Field(
        (), description="labels of a .npz mask that count; all but 0 when empty"
    )
    show_control_condition: bool = Field(False, description="the controls beside the result")
    show_input: bool = Field(False, description="the input video beside the result")
    use_distilled: bool = Field(False, description="four-step edge model, for 93 frames")
    offload_guardrail_models: bool = Field(True, description="guardrails in main memory: less VRAM")
    disable_guardrails: bool = Field(False, description="no guardrail on words and result")
    compile_tokenizer: Literal["none", "moderate", "aggressive"] = Field(
        "none", description="pays from some 30 videos a job on"
    )
    enable_parallel_tokenizer: bool = Field(
        False, description="the tokenizer on all GPUs, with several"
    )
    checkpoint_path: str = Field(
        "", description="post-trained weights, below the target's checkpoints"
    )
    experiment: str = Field(
        "",
        pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]*)?$",
        description="the experiment they were trained with",
    )


def options_of(run: RunSpec) -> Transfer25Options:
    """The options of a run that has been settled."""
    return Transfer25Options.model_validate(run.options)


def in_use(run: RunSpec) -> dict[Modality, float]:
    """The controls with a weight above 0: for one of weight 0 a whole branch would be loaded."""
    weights = run.control_weights.items()
    return {control: weight for control, weight in weights if isinstance(weight, float) and weight}


def is_made(control: Modality, run: RunSpec, prompt: PromptSpec) -> bool:
    """Whether the model makes the control from the input video."""
    if control in options_of(run).auto:
        return True
    return control is Modality.EDGE and control not in prompt.control_inputs


def check(run: RunSpec, prompt: PromptSpec) -> None:
    """Raise SpecError for every combination that the model refuses or silently gets wrong."""
    options, controls = options_of(run), in_use(run)
    if not prompt.input_video_path:
        raise SpecError(
            "transfer25 always reads an input video, and there is none",
            hint="give the PromptSpec one; render the color pass, or use engine transfer1 with "
            "--option ignore_input=true",
        )
    _check_controls(run, prompt, options, controls)
    _check_masks(options, controls)
    _check_style(options, controls)
    if options.use_distilled:
        _check_distilled(run, controls)
    _check_frames(options)
    _check_own_weights(options, controls)


def _check_controls(
    run: RunSpec, prompt: PromptSpec, options: Transfer25Options, controls: dict[Modality, float]
) -> None:
    if not controls:
        raise SpecError(
            "transfer25 needs at least one control with a weight above 0",
            hint="--weight edge=1.0 has the model draw the edges of the input video",
        )
    for control in options.auto:
        if control not in controls:
            raise SpecError(
                f"--option auto={control}, but {control} has no weight",
                hint=f"add --weight {control}=0.5",
            )
    for control in controls:
        if not is_made(control, run, prompt) and control not in prompt.control_inputs:
            raise SpecError(
                f"{control} has a weight but {prompt.name} has no {control} control",
                hint=f"add the control to the PromptSpec, or --option auto={control} to have the "
                "model make it from the input video",
            )
    segmented = Modality.SEGMENTATION in controls and is_made(Modality.SEGMENTATION, run, prompt)
    if options.control_prompt and not segmented:
        raise SpecError(
            "--option control_prompt has an effect only where the model segments",
            hint="add --weight seg=0.5 --option auto=seg",
        )


def _check_masks(options: Transfer25Options, controls: dict[Modality, float]) -> None:
    for name in ("mask_path", "mask_prompt"):
        for control in getattr(options, name):
            if control not in controls:
                raise SpecError(
                    f"--option {name}={control}=..., but {control} has no weight",
                    hint=f"add --weight {control}=0.5",
                )
    both = set(options.mask_path) & set(options.mask_prompt)
    if both:
        raise SpecError(
            f"{min(both)} has a mask_path and a mask_prompt; the model would ignore the words",
            hint="leave one of them away",
        )
    if options.guided_generation_foreground_labels and not options.guided_generation_mask.endswith(
        ".npz"
    ):
        raise SpecError(
            "--option guided_generation_foreground_labels counts for a .npz mask only",
            hint="make the mask a .npz of labels, or leave the labels away",
        )


def _check_style(options: Transfer25Options, controls: dict[Modality, float]) -> None:
    if options.image_context_path and Modality.VIS in controls:
        raise SpecError(
            "image_context_path and the vis control both give the style; the model refuses both",
            hint="leave one of them away",
        )
    if options.image_context_path and options.context_frame_index:
        raise SpecError(
            "context_frame_index is given, so the model would ignore image_context_path",
            hint="leave one of them away",
        )


def _check_distilled(run: RunSpec, controls: dict[Modality, float]) -> None:
    if list(controls) != [Modality.EDGE]:
        raise SpecError(
            f"the distilled model has edge alone; this run has {', '.join(controls)}",
            hint="--weight edge=1.0 alone",
        )
    if run.parameters.num_steps != DISTILLED_STEPS:
        raise SpecError(
            f"--steps {run.parameters.num_steps}: the distilled model was trained with "
            f"{DISTILLED_STEPS} steps",
            hint="leave --steps away",
        )
    if run.parameters.guidance is not None:
        raise SpecError(
            f"--guidance {run.parameters.guidance:g}: the distilled model has no guidance",
            hint="leave --guidance away, or run without use_distilled",
        )


def _check_frames(options: Transfer25Options) -> None:
    chunk, kept = options.num_video_frames_per_chunk, options.num_conditional_frames
    if chunk % 4 != 1:
        near = max(1, round((chunk - 1) / 4) * 4 + 1)
        raise SpecError(
            f"--option num_video_frames_per_chunk={chunk}: the model packs 4 frames into one, "
            "after the first",
            hint=f"a multiple of 4, plus 1: {near}, or {CHUNK}",
        )
    if chunk > 1 and chunk <= kept:
        raise SpecError(
            f"chunks of {chunk} frames that start from {kept} frames go no further",
            hint=f"--option num_video_frames_per_chunk={CHUNK}",
        )


def _check_own_weights(options: Transfer25Options, controls: dict[Modality, float]) -> None:
    if options.experiment and not options.checkpoint_path:
        raise SpecError(
            "--option experiment names the training of weights of your own",
            hint="add --option checkpoint_path=...",
        )
    if not options.checkpoint_path:
        return
    if options.checkpoint_path.startswith("/") or ".." in options.checkpoint_path.split("/"):
        raise SpecError(
            f"--option checkpoint_path={options.checkpoint_path}: it is relative to the "
            "target's checkpoints",
            hint="set checkpoints of the target, and name the file below it",
        )
    if len(controls) > 1:
        raise SpecError(
            "with several controls the model loads its own four branches, not checkpoint_path",
            hint="use one control",
        )
