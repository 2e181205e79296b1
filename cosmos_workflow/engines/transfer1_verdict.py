"""How a Transfer1 job went: a video, a guardrail's refusal, or a cause and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from cosmos_workflow.engines import crashes, refusals, shared_log, transfer1_batch
from cosmos_workflow.engines.crashes import Crash
from cosmos_workflow.engines.transfer1_log import LOG, pieces
from cosmos_workflow.events import Blocked, Failed, JobEnded, Output, Succeeded, Verdict

OFFLOADS = (
    "offload_diffusion_transformer",
    "offload_text_encoder_model",
    "offload_guardrail_models",
    "offload_prompt_upsampler",
)

RESULT = "outputs/output.mp4"
"""The video that a run leaves, below its workspace."""


def verdict(run_id: str, ended: JobEnded, log: Sequence[str]) -> Verdict:
    """How a run of ``transfer.py`` went.  The result comes first among the outputs."""
    lines = [piece for line in log for piece in pieces(line)]
    number = shared_log.runs(lines).get(run_id)
    if number is not None:
        return _of_batch(run_id, ended, lines, number)
    done = _success(ended, RESULT) if ended.exit_code == 0 else None
    return done or _unsuccessful(run_id, ended, lines, RESULT)


def _of_batch(run_id: str, ended: JobEnded, lines: Sequence[str], number: int) -> Verdict:
    """One of several: what the others were refused for, or died of, is not said of it."""
    result, shared = transfer1_batch.result(number), shared_log.read(shared_log.numbered(lines))
    mine = shared.about.get(run_id, ())
    if ended.exit_code == 0 or any(transfer1_batch.saved(line) == result for line in mine):
        done = _success(ended, result)
        if done:
            return done
    if shared_log.had_not_begun(shared, run_id):
        why = _unsuccessful(run_id, ended, shared_log.lines_of(shared, shared.inside), result)
        return shared_log.not_begun(run_id, ended, why.message)
    ended = shared_log.end_of(shared, run_id, ended)
    return _unsuccessful(run_id, ended, shared_log.lines_of(shared, run_id), result)


def _success(ended: JobEnded, result: str) -> Succeeded | None:
    """The result, and what lies beside it."""
    folder = result.rpartition("/")[0]
    videos = [file for file in ended.files if file.path == result and file.size > 0]
    rest = sorted(
        (f for f in ended.files if f.path != result and f.path.startswith(f"{folder}/")),
        key=lambda f: f.path,
    )
    outputs = tuple(Output(f.path, f.size, f.sha256) for f in (*videos, *rest))
    return Succeeded(outputs) if videos else None


def _unsuccessful(
    run_id: str, ended: JobEnded, lines: Sequence[str], result: str
) -> Blocked | Failed:
    refused = _refusal(lines)
    if refused:
        return refused
    if ended.exit_code == 0:
        return Failed(
            "no_output",
            f"the model ended without an error, and without {result}",
            hint=f"cosmos logs {run_id} has what it said",
        )
    saved = any(file.path == result and file.size > 0 for file in ended.files)
    return _failure(run_id, ended, lines, saved=saved)


# -- refused by a guardrail -----------------------------------------------------------------------


def _refusal(lines: Sequence[str]) -> Blocked | None:
    reason = refusals.reason(lines)
    messages = [match["message"] for match in map(LOG.match, lines) if match]
    blocked_end = any(m.startswith("Guardrail blocked generation") for m in messages)
    if reason is None and not blocked_end:
        return None
    by, said = refusals.split(reason or "")
    video = by == refusals.VIDEO
    video = video or any(m.startswith("All generated videos failed safety") for m in messages)
    if video:
        return Blocked(
            "generated video",
            by,
            said or "the video was judged unsafe",
            hint="the words passed, the picture did not: change the prompt or the controls, or try "
            "another seed",
        )
    upsampled = any(m.startswith("Upsampled prompt ") for m in messages)
    what = "prompt, as the upsampler rewrote it" if upsampled else "prompt"
    return Blocked(
        what,
        by,
        refusals.without_prompt(said) or "the prompt was judged unsafe",
        refusals.other_words(said) or "say it in other words; this guardrail cannot be turned off",
    )


# -- other failures -------------------------------------------------------------------------------


def _failure(run_id: str, ended: JobEnded, lines: Sequence[str], *, saved: bool) -> Failed:
    logs = f"cosmos logs {run_id} has everything it said"
    script = "inference.sh: "
    ours = [line.removeprefix(script) for line in lines if line.startswith(script)]
    if ours and ended.exit_code == 66:
        return Failed(
            "engine",
            ours[-1],
            hint="set repo of the target to a clone of cosmos-transfer1, or use an image with it",
        )
    crash = crashes.last(lines)
    if crash:
        known = (
            _memory(crash, lines)
            or crashes.disk(crash)
            or _weights(crash)
            or _invalid(run_id, crash)
        )
        if known:
            return known
    killed = crashes.killed(lines, ended)
    if killed:
        return killed
    if crash:
        return Failed("engine", str(crash), hint=logs)
    usage = [line for line in lines if re.match(r"^\S+\.py: error: ", line)]
    worker = crashes.worker_exit(lines)
    if worker is not None and not usage and not saved:
        return Failed("engine", crashes.ended(worker), hint=logs)
    last = usage[-1] if usage else next((line.strip() for line in reversed(lines)), "")
    what = f"the model ended with exit code {ended.exit_code}"
    if saved:
        what += " after it had saved its video"
    return Failed("engine", f"{what}: {last[:300]}" if last else what, hint=logs)


def _memory(crash: Crash, lines: Sequence[str]) -> Failed | None:
    if not crashes.is_out_of_memory(crash):
        return None
    off = [name for name in OFFLOADS[:3] if not _was_on(name, lines)]
    if _was_on("upsample_prompt", lines) and not _was_on(OFFLOADS[3], lines):
        off.append(OFFLOADS[3])
    advice = " ".join(f"--option {name}=true" for name in off)
    first = f"add {advice}" if advice else "every offload option is on already: use fewer controls"
    return Failed(
        "out_of_memory",
        ". ".join(crash.message.split(". ")[:2]) or "the GPU is out of memory",
        hint=f"{first}; see that nothing else is on the GPU (cosmos status). The model wants one "
        "GPU of 80 GB: more GPUs do not add up to more memory",
    )


def _was_on(option: str, lines: Iterable[str]) -> bool:
    """Whether the model itself said that the option was on, in the arguments it prints at start."""
    return any(line.strip().rstrip(",") == f'"{option}": true' for line in lines)


def _weights(crash: Crash) -> Failed | None:
    """Weights that are not there, not allowed, or not whole."""
    known = crashes.download(
        crash,
        licences="Llama Guard 3 and the guardrail have one",
        offline="with control videos of your own none of these are needed",
    )
    known = known or crashes.pointer(crash)
    missing = re.search(r"No such file or directory: '([^']+)'", str(crash))
    if known or not (crash.kind == "FileNotFoundError" and missing and "checkpoints" in missing[1]):
        return known
    return Failed(
        "engine",
        f"the host lacks the weights {missing[1]}",
        hint="set checkpoints of the target to the folder that has them, or download them "
        "there (host-setup.sh); cosmos doctor names all that are missing",
    )


_VALIDATION = re.compile(
    r"Invalid hint_key|Must have 'input_video'|controlnet must have 'input_control'"
    r"|No default distilled checkpoint|Control weight for|Number of regional prompts"
    r"|Invalid video file|Weight map must be"
)


def _invalid(run_id: str, crash: Crash) -> Failed | None:
    if crash.kind in ("ValueError", "AssertionError") and _VALIDATION.search(crash.message):
        return Failed(
            "engine",
            f"the model refused the run: {crash.message}",
            hint=f"cosmos show {run_id} has what was sent",
        )
    return None
