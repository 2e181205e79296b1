"""The Python face of the product: one call runs a spec and returns what came back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cosmos_workflow.events import Event

if TYPE_CHECKING:
    from cosmos_workflow.runs.run import Run


class WorkflowOrchestrator:
    """Plans, submits and collects runs, with the settings of the project we are in.

    >>> run = WorkflowOrchestrator().run(prompt_file="street_rs_1f2e3d4c.json")  # doctest: +SKIP
    >>> run.outputs[0].path                                                      # doctest: +SKIP
    """

    def __init__(self, start: Path | str | None = None, *, target: str = "") -> None:
        from cosmos_workflow.config.load import load

        self._settings = load(Path(start) if start else None)
        self._target = target

    def run(
        self,
        prompt_file: Path | str,
        *,
        num_gpu: int = 1,
        cuda_devices: str = "",
        again: bool = False,
        time_limit: int | None = None,
        on_event: Callable[[Event], None] = lambda event: None,
    ) -> Run:
        """Run a RunSpec (file, id, start of an id, or name) to its end.

        A PromptSpec (file or id) is run on the default engine, with its defaults.  Returns the
        successful Run.  Raises JobBlocked, JobFailed or JobCancelled as it went, and
        HostUnreachable or TransferError when it could not be brought home yet.
        """
        from cosmos_workflow.workflows import assemble, collect, mirror, run
        from cosmos_workflow.workflows.request import How

        spec, prompt = collect.specs(self._settings, self._run_spec(str(prompt_file)))
        bench = assemble.bench(self._settings, spec.engine, self._target)
        limit = self._settings.defaults.time_limit if time_limit is None else time_limit
        how = How(num_gpu, cuda_devices, limit)
        try:
            started = run.start(bench, spec, prompt, how, again=again, say=lambda text: None)
            for event in mirror.follow(bench, started.folder):
                on_event(event)
        finally:
            bench.target.close()
        return collect.success(started.folder)

    def _run_spec(self, text: str) -> str:
        """``text``, or the file of a new RunSpec when it is the file or the id of a PromptSpec."""
        from cosmos_workflow.prompts import library
        from cosmos_workflow.workflows.compose_runs import Knobs, make_runs

        files = (Path(text).expanduser(), self._settings.root / text)
        if not text.startswith("ps_") and not any(_holds_prompt(file) for file in files):
            return text
        prompt = library.find(self._settings, "prompt", text)
        return str(make_runs(self._settings, [str(prompt)], Knobs())[0].path)


def _holds_prompt(path: Path) -> bool:
    """Whether the file, if it is one, has a PromptSpec in it; what is wrong with it is said later.

    The two kinds of spec differ by the key that only a RunSpec has.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(data, dict) and "prompt" in data and "prompt_spec_id" not in data
