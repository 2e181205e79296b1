"""The Python face of the product: one call runs a spec and returns what came back."""

from __future__ import annotations

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
        """Run a RunSpec (file, id, prefix or name) to its end; a PromptSpec on the default engine.

        Returns the successful Run.  Raises JobBlocked, JobFailed or JobCancelled as it went, and
        HostUnreachable or TransferError when it could not be brought home yet.
        """
        from cosmos_workflow.workflows import assemble, collect, run
        from cosmos_workflow.workflows.request import How

        spec, prompt = collect.specs(self._settings, str(prompt_file))
        bench = assemble.bench(self._settings, spec.engine, self._target)
        limit = self._settings.defaults.time_limit if time_limit is None else time_limit
        how = How(num_gpu, cuda_devices, limit)
        try:
            started = run.start(bench, spec, prompt, how, again=again, say=lambda text: None)
            for event in run.carry_on(bench, started.folder):
                on_event(event)
        finally:
            bench.target.close()
        return collect.success(started.folder)
