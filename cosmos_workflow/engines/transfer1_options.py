"""What only Transfer1 has: its own options, and the combinations of them that the model refuses."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from cosmos_workflow.engines.engine import Options
from cosmos_workflow.errors import SpecError
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec

DERIVABLE = (
    Modality.DEPTH,
    Modality.SEGMENTATION,
    Modality.EDGE,
    Modality.VIS,
    Modality.KEYPOINT,
)
"""Controls that can be made from the input video: edge here, the others by the model's helpers."""

DRIVING = (Modality.HDMAP, Modality.LIDAR)
"""Controls of the driving model; no other model has them, and it has no others."""

IGNORES_INPUT = 80.0
"""From this sigma_max on the model starts from pure noise and the input video has no effect."""

Share = Annotated[float, Field(ge=0, le=1)]


class Region(BaseModel):
    """A part of the picture with words of its own: exactly one of mask_prompt, box and path."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    prompt: str = Field(min_length=1, description="what is to be seen there")
    mask_prompt: str | None = Field(None, description="what to look for in the input video")
    box: tuple[Share, Share, Share, Share] | None = Field(
        None, description="left, top, right, bottom as shares of the picture"
    )
    path: str | None = Field(None, description="a mask video, white where the words hold")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        given = [name for name in ("mask_prompt", "box", "path") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError("a region has exactly one of mask_prompt, box and path")
        if self.box and not (self.box[0] < self.box[2] and self.box[1] < self.box[3]):
            raise ValueError(
                "a box is left, top, right, bottom, with left < right and top < bottom"
            )
        return self


def _for_segmentation(value: Any) -> Any:
    return {Modality.SEGMENTATION: value} if isinstance(value, str) else value


class Transfer1Options(Options):
    """Options of the 7B model, named as the model names them where it has them."""

    offload_diffusion_transformer: bool = Field(
        False, description="load the diffusion model only while it works: less memory, slower"
    )
    offload_text_encoder_model: bool = Field(True, description="free the text encoder after use")
    offload_guardrail_models: bool = Field(True, description="free the guardrails after use")
    offload_prompt_upsampler: bool = Field(False, description="free the prompt upsampler after use")
    upsample_prompt: bool = Field(False, description="let the model's own writer expand the prompt")
    use_distilled: bool = Field(False, description="one-step edge model")
    is_av_sample: bool = Field(False, description="driving model: hdmap and lidar controls")
    save_input_noise: bool = Field(False, description="also bring home noise.pickle")
    ignore_input: bool = Field(
        False, description="start from pure noise (sigma_max 80); the input only feeds controls"
    )
    auto: tuple[Modality, ...] = Field(
        (), description="controls to make from the input video, even where the shot has its own"
    )
    input_control_prompt: str = Field("", description="what to segment, with auto segmentation")
    control_weight_prompt: Annotated[dict[Modality, str], BeforeValidator(_for_segmentation)] = (
        Field({}, description="where segmentation counts: it has weight 0 elsewhere")
    )
    regional_prompts: tuple[Region, ...] = Field((), description="words for parts of the picture")


def options_of(run: RunSpec) -> Transfer1Options:
    """The options of a run that has been settled."""
    return Transfer1Options.model_validate(run.options)


def in_use(run: RunSpec) -> dict[Modality, float | str]:
    """The controls that have a weight above 0.

    A control of weight 0 is left out: its network would be loaded for nothing, and beside a weight
    map the model would take the 0 for 1.
    """
    return {control: weight for control, weight in run.control_weights.items() if weight != 0}


def is_made(control: Modality, run: RunSpec, prompt: PromptSpec) -> bool:
    """Whether the control is made from the input video instead of read from its own file."""
    if control in options_of(run).auto:
        return True
    return control is Modality.EDGE and control not in prompt.control_inputs


def check(run: RunSpec, prompt: PromptSpec) -> None:
    """Raise SpecError for every combination that the model refuses or silently gets wrong."""
    options = options_of(run)
    controls = in_use(run)
    _check_controls(run, prompt, options)
    _check_model(options, controls)
    if options.use_distilled:
        _check_distilled(run, options, controls)
    _check_start(run, prompt, options)
    _check_texts(run, prompt, options, controls)
    _check_upsampling(run, prompt, options, controls)


def _check_controls(run: RunSpec, prompt: PromptSpec, options: Transfer1Options) -> None:
    controls = in_use(run)
    if not controls:
        raise SpecError(
            "transfer1 needs at least one control with a weight above 0",
            hint="--weight edge=1.0 draws the edges from the input video"
            if prompt.input_video_path
            else "give the PromptSpec a control video and the run its --weight",
        )
    for control in options.auto:
        if control not in DERIVABLE:
            raise SpecError(
                f"--option auto={control}: it cannot be made from the input video",
                hint=f"can be made: {', '.join(DERIVABLE)}",
            )
        if control not in controls:
            raise SpecError(
                f"--option auto={control}, but {control} has no weight",
                hint=f"add --weight {control}=0.5",
            )
    for control in controls:
        if is_made(control, run, prompt):
            if not prompt.input_video_path:
                raise SpecError(
                    f"{control} would be made from the input video, and there is none",
                    hint=f"give the PromptSpec an input video or a {control} control",
                )
        elif control not in prompt.control_inputs:
            raise SpecError(
                f"{control} has a weight but {prompt.name} has no {control} control",
                hint=f"add the control to the PromptSpec, or --option auto={control} to have the "
                "model make it from the input video"
                if control in DERIVABLE
                else "add the control to the PromptSpec",
            )


def _check_model(options: Transfer1Options, controls: dict[Modality, float | str]) -> None:
    if options.is_av_sample:
        wrong = [control for control in controls if control not in DRIVING]
        if wrong:
            raise SpecError(
                f"the driving model has no {wrong[0]} control",
                hint=f"with is_av_sample only {' and '.join(DRIVING)}",
            )
    else:
        driving = [control for control in controls if control in DRIVING]
        if driving:
            raise SpecError(
                f"{driving[0]} needs the driving model", hint="add --option is_av_sample=true"
            )


def _check_distilled(
    run: RunSpec, options: Transfer1Options, controls: dict[Modality, float | str]
) -> None:
    if options.is_av_sample:
        raise SpecError(
            "use_distilled and is_av_sample are two different models", hint="choose one"
        )
    if list(controls) != [Modality.EDGE] or controls[Modality.EDGE] != 1.0:
        given = " ".join(f"{control}={weight}" for control, weight in controls.items())
        raise SpecError(
            f"the distilled model takes one control, edge with weight 1.0; this run has {given}",
            hint="--weight edge=1.0 alone",
        )
    if run.parameters.num_steps != 1:
        raise SpecError(
            f"--steps {run.parameters.num_steps}: the distilled model always takes 1 step",
            hint="leave --steps away",
        )
    for name in ("save_input_noise", "regional_prompts"):
        if getattr(options, name):
            raise SpecError(
                f"--option {name}: the distilled model does not have it",
                hint="leave it away, or run without use_distilled",
            )


def _check_start(run: RunSpec, prompt: PromptSpec, options: Transfer1Options) -> None:
    """What the picture starts from: the input video, or pure noise."""
    sigma = run.parameters.sigma_max
    assert sigma is not None
    if options.is_av_sample or options.ignore_input:
        if sigma < IGNORES_INPUT:
            name = "is_av_sample" if options.is_av_sample else "ignore_input"
            raise SpecError(
                f"--sigma-max {sigma:g}: {name} starts from pure noise, which is 80",
                hint="leave --sigma-max away",
            )
        return
    if not prompt.input_video_path and sigma < IGNORES_INPUT:
        raise SpecError(
            f"there is no input video, and --sigma-max {sigma:g} would start from it",
            hint="give the PromptSpec an input video, or start from noise with --sigma-max 80",
        )
    if prompt.input_video_path and sigma >= IGNORES_INPUT:
        raise SpecError(
            f"--sigma-max {sigma:g} ignores the input video (pure noise)",
            hint="use less than 80 to keep something of it, or say --option ignore_input=true",
        )


def _check_texts(
    run: RunSpec,
    prompt: PromptSpec,
    options: Transfer1Options,
    controls: dict[Modality, float | str],
) -> None:
    segmentation = Modality.SEGMENTATION
    if options.input_control_prompt and not (
        segmentation in controls and is_made(segmentation, run, prompt)
    ):
        raise SpecError(
            "--option input_control_prompt has an effect only where the model segments",
            hint="add --weight seg=0.5 --option auto=seg",
        )
    for control in options.control_weight_prompt:
        if control is not segmentation:
            raise SpecError(
                f"--option control_weight_prompt for {control}: the model ignores it, it makes "
                "weight masks from words for segmentation only",
                hint=f"use a .pt weight map: --weight {control}=map.pt",
            )
        if not isinstance(controls.get(control), float | int):
            raise SpecError(
                "--option control_weight_prompt needs a number as the weight of segmentation",
                hint="add --weight seg=0.5",
            )
    looks = bool(options.control_weight_prompt)
    looks = looks or any(region.mask_prompt for region in options.regional_prompts)
    if looks and not prompt.input_video_path:
        raise SpecError(
            "masks from words are looked for in the input video, and there is none",
            hint="give the PromptSpec an input video, or the region a box",
        )


def _check_upsampling(
    run: RunSpec,
    prompt: PromptSpec,
    options: Transfer1Options,
    controls: dict[Modality, float | str],
) -> None:
    if not options.upsample_prompt:
        return
    if not (options.offload_diffusion_transformer and options.offload_prompt_upsampler):
        raise SpecError(
            "--option upsample_prompt: the upsampler takes nearly all of a GPU's memory, so it "
            "cannot share one with the loaded model",
            hint="add --option offload_diffusion_transformer=true "
            "--option offload_prompt_upsampler=true",
        )
    if Modality.VIS in controls or Modality.EDGE in controls:
        return
    readable = [c for c in (Modality.DEPTH, Modality.SEGMENTATION) if c in controls]
    if not readable or is_made(readable[0], run, prompt):
        raise SpecError(
            "--option upsample_prompt: the upsampler looks at a vis, edge, segmentation or depth "
            "control, and segmentation and depth must be videos of their own",
            hint="give the run such a control, or leave upsample_prompt away",
        )
