"""``cosmos create-spec`` and ``cosmos create-run``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cosmos_workflow.cli import completion
from cosmos_workflow.cli.options import Json, takes_several
from cosmos_workflow.cli.screen import Screen, open_screen
from cosmos_workflow.cli.words import nearby

if TYPE_CHECKING:
    from cosmos_workflow.config.settings import Settings
    from cosmos_workflow.engines.convert import Change
    from cosmos_workflow.prompts.run_spec import RunSpec
    from cosmos_workflow.workflows.compose_runs import Made


@takes_several(control_inputs="modality:path")
def create_spec(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name for the shot.")],
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The prompt.")],
    negative_prompt: Annotated[
        str, typer.Option(metavar="TEXT", help="What should not be seen.")
    ] = "",
    input_video: Annotated[str, typer.Option(metavar="PATH", help="The color video.")] = "",
    control_inputs: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODALITY:PATH",
            help="Control videos; several after one flag, or the flag again.",
            autocompletion=completion.controls,
        ),
    ] = None,
    prepared: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="SHOT",
            help="Video and controls of a prepared shot: its folder, metadata.json or name.",
            autocompletion=completion.shots,
        ),
    ] = "",
    json: Json = False,
) -> None:
    """Write a PromptSpec: words, an input video and control videos.

    Controls: depth, segmentation (seg), edge, vis (blur), keypoint, lidar, hdmap.

    Example: cosmos create-spec atrium "a sunlit atrium" --from atrium
    """
    from cosmos_workflow.config.load import load
    from cosmos_workflow.workflows.compose_specs import Words, make_prompt
    from cosmos_workflow.workflows.sweep_words import places_of

    settings = load()
    with open_screen(json=json) as screen:
        words = Words(name, text, negative_prompt, input_video, control_inputs or (), prepared)
        prompt, path = make_prompt(settings, words)
        screen.data({**prompt.model_dump(mode="json"), "path": str(path)})
        screen.say(f"{prompt.id}  {prompt.name}", "bold")
        screen.say(nearby(path))
        screen.say()
        rows = [("input video", prompt.input_video_path or "none")]
        rows += [(str(key), value) for key, value in prompt.control_inputs.items()]
        screen.table(("part", "file"), rows)
        if empty := places_of(prompt):
            screen.say()
            screen.say(f"a template: a sweep fills {_braced(empty)} in")
            _next(screen, f"cosmos sweep {prompt.id} --vary {empty[0]}=ONE,TWO")
        else:
            _next(screen, f"cosmos create-run {prompt.id}")


@takes_several(weight="key=value", option="key=value")
def create_run(
    specs: Annotated[
        list[str],
        typer.Argument(
            metavar="SPEC...",
            help="PromptSpecs or RunSpecs: paths, ids, starts of ids, names, or glob patterns.",
            autocompletion=completion.specs,
        ),
    ],
    engine: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="cosmos engines lists them.  [default: the RunSpec's; else preview, or transfer1 "
            "with a remote host]",
            autocompletion=completion.engines,
        ),
    ] = "",
    weights: Annotated[
        tuple[float, float, float, float] | None,
        typer.Option(metavar="V E D S", help="Weights of vis, edge, depth, segmentation."),
    ] = None,
    weight: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODALITY=W",
            help="One weight by name: depth=0.4, or a map: depth=mask.pt.",
            autocompletion=completion.weights,
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Seed of the noise.")] = None,
    steps: Annotated[int | None, typer.Option(metavar="N", help="Denoising steps.")] = None,
    guidance: Annotated[float | None, typer.Option(metavar="X", help="Prompt strength.")] = None,
    fps: Annotated[
        int | None,
        typer.Option(metavar="N", help="Frames a second of the result.  [default: the shot's]"),
    ] = None,
    sigma_max: Annotated[
        float | None, typer.Option(metavar="X", help="How much noise replaces the input.")
    ] = None,
    blur_strength: Annotated[
        str | None, typer.Option(metavar="LEVEL", help="How far vis is blurred.")
    ] = None,
    canny_threshold: Annotated[
        str | None, typer.Option(metavar="LEVEL", help="How strong an edge must be.")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="An option of the engine's own."),
    ] = None,
    name: Annotated[
        str, typer.Option(metavar="NAME", help="Name of the RunSpec.  [default: the prompt's]")
    ] = "",
    json: Json = False,
) -> None:
    """Write a RunSpec for each PromptSpec or RunSpec: engine, weights, parameters.

    From a RunSpec, what it asks for is kept, what is said here goes first, and what another
    engine cannot do is named.

    Without weights, the controls that the prompt has share 1.0 equally. LEVEL is very_low, low,
    medium, high or very_high. Ranges and defaults are the engine's: cosmos engines show NAME.

    Example: cosmos create-run ps_1f2e --weights 0.3 0.4 0.2 0.1 --seed 7
    """
    from cosmos_workflow.config.load import load
    from cosmos_workflow.workflows.compose_runs import Knobs, make_runs

    settings = load()
    parameters = {
        "seed": seed, "num_steps": steps, "guidance": guidance, "fps": fps, "sigma_max": sigma_max,
        "blur_strength": blur_strength, "canny_threshold": canny_threshold,
    }  # fmt: skip
    with open_screen(json=json) as screen:
        knobs = Knobs(engine, weights, weight or (), parameters, option or (), name)
        made = make_runs(settings, specs, knobs)
        if empty := list(dict.fromkeys(place for one in made for place in one.places)):
            screen.warn(
                f"nothing fills {_braced(empty)} in the words: the model is given the braces; "
                "cosmos sweep SPEC --vary fills them in"
            )
        for one in made:
            screen.data({
                **one.run.model_dump(mode="json"), "path": str(one.path),
                **({"changes": [vars(change) for change in one.changes]} if one.source else {}),
            })  # fmt: skip
        if len(made) == 1:
            _tell_one(screen, made[0])
        else:
            _tell_several(screen, made)
        _next(screen, "cosmos run " + " ".join(one.run.id for one in made) + _where(settings, made))


def _braced(names: Sequence[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)


def _where(settings: Settings, made: Sequence[Made]) -> str:
    """The target to name, where the usual one is not of the kind that the engine speaks to."""
    from cosmos_workflow.workflows import assemble, match

    usual = settings.default_target
    needs = assemble.engine(made[0].run.engine, settings).needs(made[0].run)
    if usual not in settings.all_targets() or match.dialect_of(settings, usual) == needs.dialect:
        return ""
    known = match.fitting(settings, needs.dialect)
    return f" --target {known[0] if len(known) == 1 else 'NAME'}"


def _tell_one(screen: Screen, made: Made) -> None:
    screen.say(f"{made.run.id}  {made.run.name}", "bold")
    screen.say(nearby(made.path))
    screen.say()
    screen.table(("setting", "value", "from"), _effective(made))
    _tell_changes(screen, made)


def _tell_changes(screen: Screen, made: Made) -> None:
    """What is not as it was in the RunSpec that this one is made from."""
    if not made.source:
        return
    screen.say()
    if not made.changes:
        screen.say(f"nothing that {made.source} asks for is lost", "dim")
        return
    screen.say(f"not as in {made.source}:", "yellow")
    screen.table(("what", "asked", "becomes", "why"), change_rows(made.changes))


def change_rows(changes: Sequence[Change]) -> list[tuple[str, str, str, str]]:
    """Rows of what, asked, becomes, why."""
    return [
        (
            change.what,
            "-" if change.asked is None else _shown(change.asked),
            "left out" if change.becomes is None else _shown(change.becomes),
            change.why,
        )
        for change in changes
    ]


def _effective(made: Made) -> list[tuple[str, str, str]]:
    """Everything that the run will use, and whether a person said so."""
    run = made.run
    rows = [("engine", run.engine, ""), ("prompt", run.prompt_spec_id, "")]
    rows += [("parent", run.parent, "")] if run.parent else []
    weights = made.said_by.get("weights", "equal shares")
    for control, weight in run.control_weights.items():
        said = made.said_by.get(f"weight {control}", weights)
        rows.append((f"weight {control}", _shown(weight), said))
    for key, value in run.parameters.model_dump(mode="json", exclude_none=True).items():
        rows.append((key, _shown(value), made.said_by.get(key, "default")))
    for key, value in run.options.items():
        rows.append((f"option {key}", _shown(value), made.said_by.get(f"option {key}", "you")))
    return rows


def _tell_several(screen: Screen, made: Sequence[Made]) -> None:
    rows = [(one.run.id, one.run.name, _weights(one.run), one.run.prompt_spec_id) for one in made]
    screen.table(("id", "name", "weights", "prompt"), rows)
    screen.say()
    same = made[0].run.parameters
    values = same.model_dump(mode="json", exclude_none=True)
    shown = ", ".join(f"{key} {_shown(value)}" for key, value in values.items())
    alike = all(one.run.parameters == same for one in made)
    screen.say(f"{made[0].run.engine}: {shown}" + ("" if alike else " (the first one's)"))
    for one in made:
        _tell_changes(screen, one)


def _weights(run: RunSpec) -> str:
    pairs = (f"{key} {_shown(value)}" for key, value in run.control_weights.items())
    return ", ".join(pairs) or "none"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return ", ".join(f"{key}={_shown(one)}" for key, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_shown, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _next(screen: Screen, command: str) -> None:
    screen.say()
    screen.say(f"next: {command}", "cyan")
