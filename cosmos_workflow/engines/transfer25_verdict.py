"""How a Transfer2.5 run went: a video, a refusal, or a cause and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cosmos_workflow.engines import crashes, refusals, shared_log, transfer25_log
from cosmos_workflow.engines.crashes import Crash
from cosmos_workflow.engines.shared_log import SharedLog
from cosmos_workflow.engines.transfer1_log import LOG
from cosmos_workflow.events import Blocked, Failed, JobEnded, Output, RemoteFile, Succeeded, Verdict

SCRIPT = "transfer25.sh: "

MEMORY = (
    "the model takes 65.4 GB of one GPU: see that nothing else is on it (cosmos status), keep "
    "--option offload_guardrail_models=true, or choose a lower --option resolution. One control "
    "takes less than several, which load all four branches. More GPUs do not add up to more memory"
)


def verdict(run_id: str, ended: JobEnded, log: Sequence[str]) -> Verdict:
    """How one run of the job went.  The result comes first among the outputs.

    The sample's JSON is there before anything is generated, so that only the video counts.
    """
    lines = transfer25_log.lines_of(log)
    shared = shared_log.read(transfer25_log.turns(lines))
    said = _messages(shared.about.get(run_id, ()))
    saved = any(message.startswith("Generated video saved to ") for message in said)
    result = _result(run_id, ended)
    if result and (ended.exit_code == 0 or saved):
        rest = sorted((f for f in ended.files if _is_of(run_id, f, result)), key=lambda f: f.path)
        return Succeeded(tuple(Output(f.path, f.size, f.sha256) for f in (result, *rest)))
    culprit = crashes.invalid_run(lines) or shared.inside
    if shared_log.had_not_begun(shared, run_id) or (
        not shared.about and culprit not in ("", run_id)
    ):
        why = _unsuccessful(culprit, ended, shared)
        return shared_log.not_begun(run_id, ended, why.message)
    return _unsuccessful(run_id, ended, shared)


def _unsuccessful(run_id: str, ended: JobEnded, shared: SharedLog) -> Blocked | Failed:
    ended = shared_log.end_of(shared, run_id, ended)
    refused = _refusal(shared.about.get(run_id, ()), through=ended.exit_code == 0)
    if refused:
        return refused
    if ended.exit_code == 0:
        return Failed(
            "no_output",
            f"the model ended without an error, and without outputs/{run_id}.mp4",
            hint=f"cosmos logs {run_id} has what it said",
        )
    return _failure(run_id, ended, shared_log.lines_of(shared, run_id))


def _result(run_id: str, ended: JobEnded) -> RemoteFile | None:
    names = (f"outputs/{run_id}.mp4", f"outputs/{run_id}.jpg")
    return next((file for file in ended.files if file.path in names and file.size > 0), None)


def _is_of(run_id: str, file: RemoteFile, result: RemoteFile) -> bool:
    """Files of this run: others belong to runs that share the job, or are the model's own logs."""
    own = file.path.startswith((f"outputs/{run_id}.", f"outputs/{run_id}_"))
    return own and file != result


def _messages(lines: Sequence[str]) -> list[str]:
    return [match["message"] for match in map(LOG.match, lines) if match]


# -- refused by a guardrail -----------------------------------------------------------------------


def _refusal(mine: Sequence[str], *, through: bool) -> Blocked | None:
    """A refusal of this run.

    That of words is said on the console; that of a video is in the model's debug.log, which the
    script repeats, and shows in what is not said: that the video passed.  That counts only where
    the model was ``through`` with the run: it may as well have been killed while it looked.
    """
    by, said = refusals.split(refusals.reason(mine) or "")
    messages = _messages(mine)
    negative = any(m.startswith("Guardrail blocked generation. Negative") for m in messages)
    words = negative or any(m.startswith("Guardrail blocked generation. Prompt") for m in messages)
    looked = any(m.startswith("Running guardrail check on video") for m in messages)
    passed = any(m.startswith("Passed guardrail on generated video") for m in messages)
    raised = any("Guardrail blocked video2world generation" in line for line in mine)
    if raised or by == refusals.VIDEO or (looked and not passed and through):
        return Blocked(
            "generated video",
            by if by == refusals.VIDEO else refusals.VIDEO,
            said or "the video was judged unsafe",
            hint="the words passed, the picture did not: change the prompt or the controls, or try "
            "another seed",
        )
    if not words:
        return None
    default = "say it in other words"
    if negative:
        default = "the negative prompt is checked as well, and names what it forbids: leave it away"
    return Blocked(
        "negative prompt" if negative else "prompt",
        by,
        refusals.without_prompt(said) or "the text was judged unsafe",
        refusals.other_words(said) or default,
    )


# -- other failures -------------------------------------------------------------------------------


def _failure(run_id: str, ended: JobEnded, lines: Sequence[str]) -> Failed:
    logs = f"cosmos logs {run_id} has everything it said"
    ours = [line.removeprefix(SCRIPT) for line in lines if line.startswith(SCRIPT)]
    if ours and ended.exit_code == 66:
        return Failed(
            "engine",
            ours[-1],
            hint="use an image with the code (docker build --build-arg STANDALONE=true), or set "
            "repo of the target to a clone of cosmos-transfer2.5",
        )
    invalid = crashes.invalid(run_id, lines)
    if invalid:
        return invalid
    crash = crashes.last(lines)
    if crash:
        known = (
            crashes.out_of_memory(crash, MEMORY)
            or crashes.disk(crash)
            or _weights(crash, lines)
            or _frames(crash)
        )
        if known:
            return known
    killed = crashes.killed(lines, ended)
    if killed:
        return killed
    return crashes.unexplained("the model", crash, lines, ended, logs)


def _weights(crash: Crash, lines: Sequence[str]) -> Failed | None:
    """Weights that could not be downloaded, or are not what they should be."""
    if crash.kind == "CalledProcessError" and "download" in crash.message:
        words = [line for line in lines if re.search(r"\b40[134]\b|[Gg]ated|not authorized", line)]
        said = words[-1].strip()[:300] if words else crash.message[:300]
        crash = Crash("GatedRepoError" if words else "LocalEntryNotFoundError", said)
    if crash.kind == "JSONDecodeError" or "version https://git-lfs" in crash.message:
        return Failed(
            "engine",
            f"a file of the model is a git-LFS pointer or damaged: {crash}",
            hint="git lfs pull in the clone of cosmos-transfer2.5, then build the image again",
        )
    if crash.kind == "ModuleNotFoundError":
        return Failed(
            "engine",
            f"the image lacks a part of the model's environment: {crash.message}",
            hint="build it with --build-arg STANDALONE=true; with repo set, its own .venv is used",
        )
    licences = "nvidia/Cosmos-Guardrail1 has one"
    return crashes.download(crash, licences=licences) or crashes.pointer(crash)


def _frames(crash: Crash) -> Failed | None:
    if "No input frames; cannot pad" not in crash.message:
        return None
    return Failed(
        "engine",
        f"a control or a mask has fewer frames than the input video: {crash.message}",
        hint="render them at one length, or --option max_frames=...",
    )
