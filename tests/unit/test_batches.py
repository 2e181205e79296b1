"""A batch gives what single runs would give: for every field, by the model's own rules."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from cosmos_workflow.engines.cosmos3 import Cosmos3
from cosmos_workflow.engines.engine import Engine, RunRequest
from cosmos_workflow.engines.rules import settle
from cosmos_workflow.engines.transfer1 import Transfer1
from cosmos_workflow.engines.transfer25 import Transfer25
from cosmos_workflow.errors import SpecError
from cosmos_workflow.events import Blocked, Failed, JobEnded, RemoteFile, Succeeded
from cosmos_workflow.execution.job import CommandJob, Place, fill
from tests.engine_samples import prompt_spec, request

T1, T25, C3 = Transfer1(), Transfer25(), Cosmos3()
CONTROLS = ("depth", "seg", "edge", "vis")


# -- what the models would use --------------------------------------------------------------------


def used_by_transfer1(job: CommandJob) -> dict[str, dict[str, Any]]:
    """Run id -> all that ``transfer.py`` uses for it, as its source reads flags, spec and lines."""
    argv = [str(arg) for arg in job.argv[2:]]
    flags: dict[str, Any] = {}
    for place, word in enumerate(argv):
        if word.startswith("--"):
            following = argv[place + 1] if place + 1 < len(argv) else "--"
            flags[word[2:]] = True if following.startswith("--") else following
    files = {file.path: sources(job, file.json) for file in job.files if not file.script}
    spec: dict[str, Any] = files["spec.json"]
    hints = {k: v for k, v in spec.items() if isinstance(v, dict)}
    once = {k: v for k, v in spec.items() if not isinstance(v, dict)} | flags
    for gone in ("controlnet_specs", "batch_input_path", "batch_size"):
        once.pop(gone, None)
    words = once.pop("prompt")
    seen = once.pop("input_video_path", None)
    lines = files.get("batch.jsonl") or [{"prompt": words, "visual_input": seen}]
    assert flags.get("batch_size", "1") == "1", "one refused would shift the others"
    found = []
    for line in lines:
        merged = {hint: dict(values) for hint, values in hints.items()}
        for hint, values in line.get("control_overrides", {}).items():
            if hint in merged:  # the model ignores others
                merged[hint].update(values)
        found.append({
            **once, "prompt": line["prompt"], "video": line["visual_input"], "hints": merged,
        })  # fmt: skip
    return dict(zip(job.outputs, found, strict=True))


def used_by_transfer25(job: CommandJob) -> dict[str, dict[str, Any]]:
    """Run id -> its sample and the set-up flags, as ``inference.py`` reads them."""
    flags = [str(arg) for arg in job.argv if not str(arg).endswith("spec.json")]
    samples = [sources(job, file.json) for file in job.files if file.path.endswith("spec.json")]
    hints = {key for sample in samples for key in ("edge", "depth", "vis", "seg") if key in sample}
    return {sample["name"]: {**sample, "flags": flags, "branches": hints} for sample in samples}


def sources(job: CommandJob, value: Any) -> Any:
    """``value`` with each input as the file that it is."""
    by_key = {item.key: item.source for item in job.inputs}

    def where(place: Place) -> str:
        return str(by_key[place.path]) if place.root == "input" else str(place)

    return fill(value, where)


def used_by_cosmos3(job: CommandJob) -> dict[str, dict[str, Any]]:
    """Run id -> its sample and the set-up flags, as the framework's command line reads them."""
    flags = [str(arg) for arg in job.argv if not str(arg).endswith("spec.json")]
    samples = [sources(job, file.json) for file in job.files if file.path.endswith("spec.json")]
    return {sample["name"]: {**sample, "flags": flags} for sample in samples}


READERS = {
    "transfer1": used_by_transfer1, "transfer25": used_by_transfer25, "cosmos3": used_by_cosmos3,
}  # fmt: skip


# -- any runs -------------------------------------------------------------------------------------


@st.composite
def requests(draw: st.DrawFn, engine: Engine) -> RunRequest:
    """Any run of the engine that it accepts."""
    controls = draw(st.lists(st.sampled_from(CONTROLS), min_size=1, max_size=3, unique=True))
    prompt = prompt_spec(
        draw(st.text(min_size=1, max_size=30).filter(str.strip)),
        negative=draw(st.sampled_from(["", "no rain"])),
        controls=draw(st.sampled_from([controls, list(CONTROLS)])),
    )
    weights = {one: draw(st.sampled_from([0.0, 0.25, 0.5, 1.0])) for one in controls}
    parameters: dict[str, Any] = {
        "seed": draw(st.integers(0, 2)), "guidance": float(draw(st.integers(1, 7))),
        "canny_threshold": draw(st.sampled_from(["low", "high"])),
        "num_steps": draw(st.sampled_from([10, 35])),
        "sigma_max": draw(st.sampled_from([None, 60.0, 75.0])),
        "fps": draw(st.sampled_from([None, 24])),
    }  # fmt: skip
    known = {k: v for k, v in parameters.items() if k in engine.limits and v is not None}
    parameters = {k: v for k, v in known.items() if draw(st.booleans())}
    options = draw(st.sampled_from([{}, {"offload_guardrail_models": "false"}]))
    try:
        one = request(engine, prompt, weights=weights, parameters=parameters, options=options)
    except SpecError:
        reject()
    number = draw(st.integers(1, 10**6))
    return replace(one, run_id=f"rs_{number:08x}.1", job_name=f"rs_{number:08x}.1-x")


@pytest.mark.parametrize("engine", [T1, T25, C3], ids=lambda one: str(one.name))
@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_a_batch_gives_what_single_runs_would(engine: Engine, data: st.DataObject) -> None:
    asked: dict[str, RunRequest] = {}
    for one in data.draw(st.lists(requests(engine), min_size=2, max_size=8)):
        try:
            engine.plan([one])
        except SpecError:
            continue
        asked[one.run_id] = one
    groups: dict[str, list[RunRequest]] = {}
    for one in asked.values():
        key = engine.batch_key(settle(engine, one.run, one.prompt), one.prompt)
        groups.setdefault(key, []).append(one)
    read = READERS[engine.name]
    for group in groups.values():
        together = engine.plan(group)
        assert isinstance(together, CommandJob)
        found = read(together)
        for one in group:
            alone = engine.plan([one])
            assert isinstance(alone, CommandJob)
            assert found[one.run_id] == read(alone)[one.run_id]
            assert together.parameters[one.run_id] == alone.parameters[one.run_id]


def some(count: int, **kwargs: Any) -> list[RunRequest]:
    made = []
    for number in range(count):
        prompt = prompt_spec(f"street {number}", controls=("depth", "vis"))
        weights = {"depth": 0.2 * (number + 1), "vis": 0.5}
        one = request(T1, prompt, weights=weights, **kwargs)
        made.append(replace(one, run_id=f"rs_0000000{number}.1"))
    return made


def test_every_weight_of_every_line_is_said() -> None:
    job = T1.plan(some(3))
    (lines,) = [file.json for file in job.files if file.path == "batch.jsonl"]
    for number, line in enumerate(lines):
        assert {hint: set(values) for hint, values in line["control_overrides"].items()} == {
            "depth": {"control_weight", "input_control"},
            "vis": {"control_weight", "input_control"},
        }
        assert line["control_overrides"]["depth"]["control_weight"] == 0.2 * (number + 1)
    assert job.proofs.keys() == job.outputs.keys()


@pytest.mark.parametrize("more", [
    {"options": {"use_distilled": True}, "weights": {"edge": 1.0}},
    {"parameters": {"sigma_max": 80.0}, "options": {"ignore_input": True}},
    {"options": {"upsample_prompt": True, "offload_prompt_upsampler": True,
                 "offload_diffusion_transformer": True}},
    {"options": {"auto": "depth"}},
])  # fmt: skip
def test_what_a_line_cannot_say_is_run_alone(more: Mapping[str, Any]) -> None:
    asked = {"weights": {"depth": 0.5}, **more}
    one, two = (
        request(T1, prompt_spec(text, controls=("depth", "edge")), **asked) for text in "ab"
    )
    keys = {T1.batch_key(settle(T1, x.run, x.prompt), x.prompt) for x in (one, two)}
    assert len(keys) == (2 if one.run.id != two.run.id else 1)


# -- how each of a batch went ---------------------------------------------------------------------


def log(message: str) -> str:
    return (
        f"[11-20 10:00:00|INFO|cosmos_transfer1/diffusion/inference/transfer.py:9:demo] {message}"
    )


NAMES = [f"inference.sh: video_{n} is rs_0000000{n}.1" for n in range(3)]


def begun(number: int, *, saved: bool) -> list[str]:
    folder = f"/cosmos/run/outputs/video_{number}"
    done = [log(f"Saved video to {folder}/output.mp4"), log(f"Saved prompt to {folder}/prompt.txt")]
    return [
        log("running preprocessor"),
        log("Starting diffusion sampling"),
        *(done if saved else []),
    ]


def files(*numbers: int) -> tuple[RemoteFile, ...]:
    names = ("output.mp4", "prompt.txt")
    return tuple(RemoteFile(f"outputs/video_{n}/{x}", 9, "s") for n in numbers for x in names)


def verdicts(ended: JobEnded, lines: Sequence[str]) -> list[Any]:
    return [T1.verdict(f"rs_0000000{n}.1", ended, [*NAMES, *lines]) for n in range(3)]


def test_a_result_counts_while_the_job_goes_on() -> None:
    lines = [*begun(0, saved=True), *begun(1, saved=False)]
    assert T1.made(lines[-3]) == "outputs/video_0/output.mp4"
    first, second, _ = verdicts(JobEnded(None, "exited", files(0, 1)), lines)
    assert isinstance(first, Succeeded)
    assert [one.path for one in first.outputs] == [f.path for f in files(0)]
    assert not isinstance(second, Succeeded), "half of a video is none"


def test_a_refused_one_costs_only_itself() -> None:
    refused = [
        log("GUARDRAIL BLOCKED: BLOCKLIST: x").replace("INFO", "CRITICAL"),
        log("Guardrail blocked generation for entire batch.").replace("INFO", "CRITICAL"),
        "TypeError: cannot unpack non-iterable NoneType object",
    ]
    lines = [*begun(0, saved=True), *begun(1, saved=False), *refused]
    first, second, third = verdicts(JobEnded(1, "exited", files(0)), lines)
    assert isinstance(first, Succeeded) and isinstance(second, Blocked)
    assert isinstance(third, Failed) and third.cause == "not_begun"


def test_a_crash_while_loading_is_everybodys() -> None:
    lines = ["Traceback (most recent call last):", "RuntimeError: no weights"]
    found = verdicts(JobEnded(1, "exited"), lines)
    assert [(type(one), one.cause) for one in found] == [(Failed, "engine")] * 3


def test_transfer25_says_which_of_its_results_is_whole() -> None:
    line = "[11-20 10:00:00|SUCCESS|cosmos_transfer2/inference.py:9:x] Generated video saved to "
    assert T25.made(f"{line}/cosmos/run/outputs/rs_1f2e3d4c.2.mp4") == "outputs/rs_1f2e3d4c.2.mp4"
    assert T25.made(f"{line}outputs/rs_1f2e3d4c.2.jpg") == "outputs/rs_1f2e3d4c.2.jpg"
    assert T25.made(line.replace("SUCCESS", "INFO") + "nowhere") is None
    assert T25.made("Generated video saved to outputs/x.mp4") is None, "a prompt may say so"


def test_cosmos3_takes_its_samples_in_order() -> None:
    folder = "/cosmos/run/outputs/rs_00000000.1"
    saved = f"Saved transfer outputs to '{folder}/sample_outputs.json'"
    line = f"[11-20 10:00:00|job=|SUCCESS|cosmos_framework/inference/inference.py:9:x] {saved}"
    assert C3.made(line) == "outputs/rs_00000000.1/vision.mp4"
    lines = ["cosmos3.sh: runs rs_00000000.1 rs_00000001.1 rs_00000002.1", line,
             "Traceback (most recent call last):", "RuntimeError: it broke"]  # fmt: skip
    files = (RemoteFile("outputs/rs_00000000.1/vision.mp4", 9, "s"),)
    ended = JobEnded(1, "exited", files)
    found = [C3.verdict(f"rs_0000000{n}.1", ended, lines) for n in range(3)]
    assert isinstance(found[0], Succeeded)
    assert [getattr(one, "cause", "") for one in found[1:]] == ["engine", "not_begun"]


def test_proofs_are_of_the_words() -> None:
    one, two = some(2)
    job = T1.plan([one, two])
    assert len({json.dumps(dict(proof)) for proof in job.proofs.values()}) == 2
    assert T1.plan([one]).proofs == {}
