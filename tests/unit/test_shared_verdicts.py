"""How each run of a shared job went, whatever became of the others: by the logs of whole jobs.

A writer for each model says what its source says; what is expected is written here by hand.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import pytest

from cosmos_workflow.engines.cosmos3 import Cosmos3
from cosmos_workflow.engines.engine import Engine
from cosmos_workflow.engines.preview import Preview
from cosmos_workflow.engines.transfer1 import Transfer1
from cosmos_workflow.engines.transfer25 import Transfer25
from cosmos_workflow.events import Blocked, Failed, JobEnded, RemoteFile, Succeeded, Verdict

RUNS = [f"rs_0000000{number}.1" for number in range(3)]
HOME = "/cosmos/a b/run"
"""A workspace may have spaces in its path."""

CRASH = ["Traceback (most recent call last):", "RuntimeError: it broke"]
Lines = Iterator[str]


def logged(message: str, level: str = "INFO") -> str:
    return f"[11-20 10:00:00|{level}|cosmos/inference.py:9:f] {message}"


# -- what the models write ------------------------------------------------------------------------


def transfer1(fates: Sequence[str]) -> tuple[list[str], int | None]:
    """It dies of the first refusal; whatever it says then, is said of the run that it is at."""
    lines = [f"inference.sh: run {n}/3 is {run}" for n, run in enumerate(RUNS, 1)]
    lines.append(logged("Loading ctrl model"))
    for number, fate in enumerate(fates, 1):
        said, code = _transfer1(number, fate)
        lines += [f"run {number}/3: {line}" for line in said]
        if code != 0:
            return lines, code
    return lines, 0


def _transfer1(number: int, fate: str) -> tuple[list[str], int | None]:
    said = [logged("running preprocessor"), logged("Running guardrail checks on all prompts")]
    if fate == "blocked":
        said += [
            logged("GUARDRAIL BLOCKED: BLOCKLIST: x", "CRITICAL"),
            logged("Guardrail blocked generation for entire batch.", "CRITICAL"),
            "TypeError: cannot unpack non-iterable NoneType object",
        ]
        return said, 1
    said += ["  0%|          | 0/1 [00:00<?, ?it/s]", logged("Starting diffusion sampling")]
    if fate != "done":
        return said + (CRASH if fate == "crash" else []), CODES[fate]
    folder = f"{HOME}/outputs/video_{number - 1}"
    said += ["100%|##########| 1/1 [00:09<00:00, 9.0s/it]", logged("Finish generation")]
    said += [logged(f"Saved video to {folder}/output.mp4")]
    return [*said, logged(f"Saved prompt to {folder}/prompt.txt")], 0


def transfer25(fates: Sequence[str]) -> tuple[list[str], int | None]:
    """It goes on after a refusal.  A refused video is told in a file, which is repeated last."""
    lines, refused = [logged("Loading checkpoint")], []
    for number, (run, fate) in enumerate(zip(RUNS, fates, strict=True), 1):
        begun = logged(f"[{number}/3] Processing sample {run}")
        lines += [begun, logged(f"Saved arguments to {HOME}/outputs/{run}.json")]
        if fate == "blocked":
            lines.append(logged("Guardrail blocked generation. Prompt: a", "CRITICAL"))
            continue
        lines += [f"steps.py: sample {number}/3 chunk 1/1 step {step}/2" for step in (0, 1, 2)]
        lines.append(logged("Running guardrail check on video..."))
        if fate == "unseen":
            reason = logged("GUARDRAIL BLOCKED: VIDEOCONTENTSAFETYFILTER: unsafe", "CRITICAL")
            refused += [begun, reason]
            continue
        if fate != "done":
            return [*lines, *(CRASH if fate == "crash" else []), *refused], CODES[fate]
        lines.append(logged("Passed guardrail on generated video", "SUCCESS"))
        lines.append(logged(f"Generated video saved to {HOME}/outputs/{run}.mp4", "SUCCESS"))
    return [*lines, *refused], 0


def cosmos3(fates: Sequence[str]) -> tuple[list[str], int | None]:
    """It goes on after a refusal, and after a fault in what it writes; no file says so."""
    lines, accounts = [f"cosmos3.sh: runs {' '.join(RUNS)}", logged("Loaded 3 samples")], []
    for run in (run for run, fate in zip(RUNS, fates, strict=True) if fate == "skip"):
        lines.append(logged(f"Skipping sample '{run}': no control", "WARNING"))
        said = {"args": {"name": run}, "status": "skip", "message": "no control"}
        accounts.append(f"cosmos3.sh: sample_outputs: {json.dumps(said)}")
    for number, (run, fate) in enumerate(zip(RUNS, fates, strict=True)):
        if fate == "skip":
            continue
        folder = f"{HOME}/outputs/{run}"
        lines.append(logged(f"[RANK 0] Saved sample args to '{folder}/sample_args.json'"))
        steps = (f"steps.py: sample 1/1 chunk {number + 1}/3 step {step}/2" for step in (0, 1, 2))
        lines += steps
        if fate == "blocked":
            lines.append(logged("GUARDRAIL BLOCKED: QWEN3GUARD: Unsafe", "CRITICAL"))
            lines += [*logged(f"Error generating sample '{run}': Guardrail blocked prompt "
                              f"'{folder}': 'a\nb'", "ERROR").split("\n")]  # fmt: skip
            continue
        if fate == "error":
            lines.append(logged(f"Error generating sample '{run}': it cannot be written", "ERROR"))
            continue
        if fate != "done":
            return [*lines, *(CRASH if fate == "crash" else []), *accounts], CODES[fate]
        said = f"[RANK 0] Saved sample outputs to '{folder}/sample_outputs.json'"
        lines.append(logged(said, "SUCCESS"))
        accounts.append(f'cosmos3.sh: sample_outputs: {{"args": {{"name": "{run}"}}}}')
    return [*lines, *accounts], 0


def preview(fates: Sequence[str]) -> tuple[list[str], int | None]:
    """It goes on after a fault, and ends with the code of the first one."""
    lines = [f"run {n}/3 is {run}" for n, run in enumerate(RUNS, 1)]
    code = 0
    for number, (run, fate) in enumerate(zip(RUNS, fates, strict=True), 1):
        lines += [f"run {number}/3: frame {frame}/2" for frame in (1, 2)]
        if fate == "error":
            lines.append(f"run {number}/3: error: it cannot be read")
            code = code or 3
        elif fate == "done":
            lines.append(f"run {number}/3: whole: {run}/output.mp4")
        else:
            return lines, CODES[fate]
    return lines, code


CODES: dict[str, int | None] = {"crash": 1, "killed": 137, "cut": None}
Writer = Callable[[Sequence[str]], tuple[list[str], int | None]]
MODELS: dict[str, tuple[Engine, Writer, tuple[str, ...]]] = {
    "transfer1": (Transfer1(), transfer1, ("done", "blocked", "crash", "killed")),
    "transfer25": (Transfer25(), transfer25, ("done", "blocked", "unseen", "crash", "killed")),
    "cosmos3": (Cosmos3(), cosmos3, ("done", "blocked", "error", "skip", "crash", "killed")),
    "preview": (Preview(), preview, ("done", "error", "killed")),
}
"""Each model, what writes its log, and what may become of a run."""


def results(name: str) -> dict[str, str]:
    """The result of each run."""
    shapes = {
        "transfer1": "outputs/video_{n}/output.mp4", "transfer25": "outputs/{run}.mp4",
        "cosmos3": "outputs/{run}/vision.mp4", "preview": "outputs/{run}/output.mp4",
    }  # fmt: skip
    return {run: shapes[name].format(n=n, run=run) for n, run in enumerate(RUNS)}


def files(name: str, *runs: str) -> tuple[RemoteFile, ...]:
    return tuple(RemoteFile(results(name)[run], 9, "s") for run in runs)


def word(verdict: Verdict) -> str:
    if isinstance(verdict, Failed):
        return verdict.cause
    return "blocked" if isinstance(verdict, Blocked) else "done"


# -- every fate in every place --------------------------------------------------------------------

JOBS = [(name, fates) for name, (_, _, all_of) in MODELS.items()
        for fates in product(all_of, repeat=3)]  # fmt: skip


def expected(name: str, fates: Sequence[str]) -> list[str]:
    ends = {"crash", "killed", *(["blocked"] if name == "transfer1" else [])}
    words = dict.fromkeys(("error", "skip", "crash"), "engine")
    words |= {"unseen": "blocked", "killed": "out_of_memory"}
    if name == "preview":
        words["killed"] = "engine"
    last = next((number for number, fate in enumerate(fates) if fate in ends), len(fates))
    return [words.get(fate, fate) if number <= last or fate == "skip" else "not_begun"
            for number, fate in enumerate(fates)]  # fmt: skip


@pytest.mark.parametrize(("name", "fates"), JOBS, ids=[f"{n}-{'-'.join(f)}" for n, f in JOBS])
def test_each_run_has_its_own_end(name: str, fates: Sequence[str]) -> None:
    engine, write, _ = MODELS[name]
    log, code = write(fates)
    done = [run for run, fate in zip(RUNS, fates, strict=True) if fate == "done"]
    there = files(name, *done[: expected(name, fates).count("done")])
    ended = JobEnded(code, "exited", there)
    verdicts = [engine.verdict(run, ended, log) for run in RUNS]
    assert [word(verdict) for verdict in verdicts] == expected(name, fates)
    for run, verdict in zip(RUNS, verdicts, strict=True):
        if isinstance(verdict, Succeeded):
            assert [one.path for one in verdict.outputs] == [results(name)[run]]


@pytest.mark.parametrize(("name", "fates"), JOBS, ids=[f"{n}-{'-'.join(f)}" for n, f in JOBS])
def test_nothing_is_said_too_early(name: str, fates: Sequence[str]) -> None:
    """After each line, while the job goes on or when it is killed there: though a file of every
    result is there, only what was called whole is one; and nobody is blocked for another."""
    engine, write, _ = MODELS[name]
    log, _ = write(fates)
    whole: set[str] = set()
    for count in range(len(log) + 1):
        path = engine.made(log[count - 1]) if count else None
        whole |= {run for run, result in results(name).items() if result == path}
        for code in (None, 137):
            ended = JobEnded(code, "killed", files(name, *RUNS))
            for run, fate in zip(RUNS, fates, strict=True):
                said = engine.verdict(run, ended, log[:count])
                assert isinstance(said, Succeeded) == (run in whole), (count, run)
                assert not isinstance(said, Blocked) or fate in ("blocked", "unseen")
    last = expected(name, fates)
    assert whole == {run for run, end in zip(RUNS, last, strict=True) if end == "done"}


@pytest.mark.parametrize(("name", "fates"), JOBS, ids=[f"{n}-{'-'.join(f)}" for n, f in JOBS])
def test_the_percentage_is_of_the_whole_job(name: str, fates: Sequence[str]) -> None:
    engine, write, _ = MODELS[name]
    log, _ = write(fates)
    said = [one.fraction for line in log if (one := engine.progress(line))]
    fractions = [one for one in said if one is not None]
    assert fractions == sorted(fractions)
    if fates[0] == "done" and expected(name, fates)[1:] == ["not_begun"] * 2:
        assert max(fractions) < 0.5
    if fates[-1] == "done" and expected(name, fates)[-1] == "done":
        assert max(fractions) > 0.9


# -- ends of the job itself -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["transfer1", "transfer25", "cosmos3"])
def test_a_crash_while_loading_is_everybodys(name: str) -> None:
    engine, write, _ = MODELS[name]
    log = [line for line in write(("done",) * 3)[0] if "sh: run" in line]
    found = [engine.verdict(run, JobEnded(1, "exited"), [*log, *CRASH]) for run in RUNS]
    assert [word(one) for one in found] == ["engine"] * 3


@pytest.mark.parametrize("name", MODELS)
def test_a_run_that_was_left_out_had_not_begun_though_all_ended_well(name: str) -> None:
    engine, write, _ = MODELS[name]
    third = ("run 3/3: ", f"/{RUNS[2]}", f"sample {RUNS[2]}", f'"{RUNS[2]}"')
    log = [one for one in write(("done",) * 3)[0] if not any(word in one for word in third)]
    ended = JobEnded(0, "exited", files(name, *RUNS[:2]))
    found = [engine.verdict(run, ended, log) for run in RUNS]
    assert [word(one) for one in found] == ["done", "done", "not_begun"]


@pytest.mark.parametrize("name", ["transfer1", "transfer25", "cosmos3", "preview"])
def test_how_the_job_ended_is_said_of_the_run_that_it_was_at(name: str) -> None:
    """The first one's result is not there, for whatever reason; then the next one is killed."""
    engine, write, _ = MODELS[name]
    log, code = write(("done", "killed", "done"))
    log = [line for line in log if not (engine.made(line) and name != "transfer25")]
    found = [engine.verdict(run, JobEnded(code, "exited"), log) for run in RUNS]
    killed = "engine" if name == "preview" else "out_of_memory"
    assert [word(one) for one in found] == ["no_output", killed, "not_begun"]


def test_a_video_that_did_not_pass_is_refused_once_the_model_has_gone_on() -> None:
    """Where the script, which repeats the reason, was killed as well."""
    log, code = transfer25(("unseen", "crash", "done"))
    log = [line for line in log if "GUARDRAIL" not in line]
    found = [Transfer25().verdict(run, JobEnded(code, "exited"), log) for run in RUNS]
    assert [word(one) for one in found] == ["blocked", "engine", "not_begun"]


@pytest.mark.parametrize("name", ["transfer25", "cosmos3"])
def test_a_fault_in_a_sample_is_its_own(name: str) -> None:
    """The model reads all its files first, and dies of the first fault in one."""
    engine = MODELS[name][0]
    kind = "" if name == "transfer25" else "ValueError: "
    log = [f"{kind}Error validating parameters from '{HOME}/02_{RUNS[1]}.json' at line 0",
           "1 validation error for X", "fps", "  Extra inputs are not permitted"]  # fmt: skip
    found = [engine.verdict(run, JobEnded(1, "exited"), log) for run in RUNS]
    assert [word(one) for one in found] == ["not_begun", "engine", "not_begun"]
    assert "fps: Extra inputs" in found[1].message  # type: ignore[union-attr]


@pytest.mark.parametrize(("first", "begun", "ends"), [
    ("done", 0, ["engine", "not_begun", "not_begun"]),
    ("done", 1, ["done", "engine", "not_begun"]),
    ("skip", 1, ["engine", "engine", "not_begun"]),
])  # fmt: skip
def test_cosmos3_dies_of_a_file_before_it_turns_to_its_sample(
    first: str, begun: int, ends: list[str]
) -> None:
    log, _ = cosmos3((first, "done", "done"))
    cut = next(n for n, line in enumerate(log) if f"{RUNS[begun]}/sample_args" in line)
    left_out = [line for line in log if '"skip"' in line]
    crash = ["Traceback (most recent call last):",
             '  File "/workspace/cosmos_framework/inference.py", line 9, in create_batches',
             "    sample_args, data_batch = dataset[sample_idx]",
             "ValueError: no frames in it"]  # fmt: skip
    done = files("cosmos3", *RUNS[: ends.count("done")])
    lines = [*log[:cut], *(f"[rank0]: {line}" for line in crash), *left_out]
    found = [Cosmos3().verdict(run, JobEnded(1, "exited", done), lines) for run in RUNS]
    assert [word(one) for one in found] == ends
    assert "no frames in it" in found[begun].message  # type: ignore[union-attr]


def test_what_was_said_at_the_start_counts_for_all() -> None:
    """The hint names the offload options that were off, by what Transfer1 printed first."""
    log, code = transfer1(("done", "crash", "done"))
    log[3:3] = ['    "offload_text_encoder_model": true,']
    log[-1] = "run 2/3: torch.OutOfMemoryError: CUDA out of memory."
    said = Transfer1().verdict(RUNS[1], JobEnded(code, "exited"), log)
    assert isinstance(said, Failed) and said.cause == "out_of_memory"
    assert "offload_guardrail_models=true" in said.hint
    assert "offload_text_encoder_model" not in said.hint


def test_with_several_gpus_a_refusal_ends_the_job_of_transfer25() -> None:
    log, _ = transfer25(("done", "blocked", "done"))
    cut = next(n for n, line in enumerate(log) if "Guardrail blocked" in line) + 1
    log = [*log[:cut], "Exception: Guardrail blocked generation. Prompt: a"]
    ended = JobEnded(1, "exited", files("transfer25", RUNS[0]))
    found = [Transfer25().verdict(run, ended, log) for run in RUNS]
    assert [word(one) for one in found] == ["done", "blocked", "not_begun"]


def test_a_result_is_named_as_the_model_names_it() -> None:
    line = logged("Generated video saved to outputs/rs_1f2e3d4c.2.jpg", "SUCCESS")
    assert Transfer25().made(line) == "outputs/rs_1f2e3d4c.2.jpg"
    assert Transfer25().made(logged("Generated video saved to nowhere")) is None
    said: list[tuple[Engine, Any]] = [
        (Transfer25(), "Generated video saved to outputs/x.mp4"),
        (Transfer1(), "Saved prompt to outputs/video_0/prompt.txt"),
        (Cosmos3(), "Saved sample outputs to 'outputs/x/sample_outputs.json'"),
    ]
    for engine, words in said:
        assert engine.made(words) is None, "a prompt may say so"
        assert engine.made(logged(words))
