"""How a Cosmos 3 run went: a video, a refusal, or a cause and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cosmos_workflow.engines import cosmos3_log, crashes, refusals, shared_log
from cosmos_workflow.engines.crashes import Crash
from cosmos_workflow.engines.shared_log import SharedLog
from cosmos_workflow.engines.transfer25_log import lines_of
from cosmos_workflow.events import Blocked, Failed, JobEnded, Output, RemoteFile, Succeeded, Verdict

SCRIPT = "cosmos3.sh: "

MEMORY = (
    "see that nothing else is on the GPU (cosmos status); keep --option "
    "offload_guardrail_models=true, choose a lower --option resolution or fewer frames, or "
    "--option model=edge. Nano has 32 GB of weights, super 128 GB, which --num-gpu shares out"
)

_REFUSED = re.compile(r"Guardrail blocked (?P<what>prompt|video) '")


def verdict(run_id: str, ended: JobEnded, log: Sequence[str]) -> Verdict:
    """How the run went.  The result comes first among the outputs."""
    lines = lines_of(log)
    shared = shared_log.read(cosmos3_log.turns(lines))
    told, error = cosmos3_log.account(lines, run_id), cosmos3_log.error(lines, run_id)
    result = _result(run_id, ended)
    whole = ended.exit_code == 0 or any(cosmos3_log.done(line) == run_id for line in lines)
    if whole and result and told.get("status", "success") == "success" and not error:
        rest = sorted((f for f in ended.files if _is_of(run_id, f, result)), key=lambda f: f.path)
        return Succeeded(tuple(Output(f.path, f.size, f.sha256) for f in (result, *rest)))
    culprit = cosmos3_log.culprit(lines, shared)
    begun = run_id in shared.about or error or told or culprit == run_id
    if not begun and (shared.about or culprit):
        why = _unsuccessful(culprit, ended, lines, shared)
        return shared_log.not_begun(run_id, ended, why.message)
    return _unsuccessful(run_id, ended, lines, shared)


def _unsuccessful(
    run_id: str, ended: JobEnded, lines: Sequence[str], shared: SharedLog
) -> Blocked | Failed:
    told, error = cosmos3_log.account(lines, run_id), cosmos3_log.error(lines, run_id)
    status, message = told.get("status", "success"), str(told.get("message") or "")
    mine = shared_log.lines_of(shared, run_id)
    ended = shared_log.end_of(shared, run_id, ended)
    logs = f"cosmos logs {run_id} has everything it said"
    refused = _refusal(error or message, mine)
    if refused:
        return refused
    if error:
        known = _known(Crash("Error", error))
        return known or Failed("engine", f"the framework says: {error[:600]}", logs)
    if status != "success":
        crash = crashes.last([*str(told.get("stack_trace") or "").splitlines(), *mine])
        known = _known(crash) if crash else None
        return known or Failed("engine", f"the framework says {status}: {message[:600]}", logs)
    if ended.exit_code == 0:
        return Failed(
            "no_output",
            f"the framework ended without an error, and without outputs/{run_id}/vision.mp4",
            hint=f"cosmos logs {run_id} has what it said",
        )
    return _failure(run_id, ended, mine if run_id in shared.about else lines)


def _result(run_id: str, ended: JobEnded) -> RemoteFile | None:
    names = (f"outputs/{run_id}/vision.mp4", f"outputs/{run_id}/vision.jpg")
    return next((file for file in ended.files if file.path in names and file.size > 0), None)


def _is_of(run_id: str, file: RemoteFile, result: RemoteFile) -> bool:
    return file.path.startswith(f"outputs/{run_id}/") and file != result


# -- refused by a guardrail -----------------------------------------------------------------------


def _refusal(error: str, mine: Sequence[str]) -> Blocked | None:
    """The error names the text or the video; which guardrail, and why, is a line before it."""
    match = _REFUSED.search(error)
    if match is None:
        return None
    by, said = refusals.split(refusals.reason(mine) or "")
    if match["what"] == "video":
        return Blocked(
            "generated video",
            by if by != "guardrail" else refusals.VIDEO,
            said or "the video was judged unsafe",
            hint="the words passed, the picture did not: change the prompt, or try another seed",
        )
    return Blocked(
        "prompt",
        by,
        refusals.without_prompt(said) or "the prompt was judged unsafe",
        refusals.other_words(said) or "say it in other words",
    )


# -- other failures -------------------------------------------------------------------------------


def _failure(run_id: str, ended: JobEnded, lines: Sequence[str]) -> Failed:
    logs = f"cosmos logs {run_id} has everything it said"
    ours = [line.removeprefix(SCRIPT) for line in lines if line.startswith(SCRIPT)]
    if ours and ended.exit_code == 66:
        return Failed(
            "engine",
            ours[-1],
            hint="build an image with the code: docs/engines/cosmos3.md says how",
        )
    invalid = crashes.invalid(run_id, lines)
    if invalid:
        return invalid
    crash = crashes.last(lines)
    known = (_known(crash) if crash else None) or crashes.killed(lines, ended)
    if known:
        return known
    return crashes.unexplained("the framework", crash, lines, ended, logs)


def _known(crash: Crash) -> Failed | None:
    """Causes with a known remedy."""
    if crash.kind == "ModuleNotFoundError":
        return Failed(
            "engine",
            f"the image lacks a part of the framework's environment: {crash.message}",
            hint="build an image with the code: docs/engines/cosmos3.md says how",
        )
    licences = "nvidia/Cosmos-Guardrail1 has one"
    return (
        crashes.out_of_memory(crash, MEMORY)
        or crashes.disk(crash)
        or crashes.download(crash, licences=licences)
        or crashes.pointer(crash)
    )
