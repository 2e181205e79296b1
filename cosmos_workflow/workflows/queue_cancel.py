"""Ending the runs of items that are taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import CosmosError
from cosmos_workflow.runs import claims
from cosmos_workflow.runs.queue import Item, Queue
from cosmos_workflow.workflows import assemble
from cosmos_workflow.workflows import run as line
from cosmos_workflow.workflows.assemble import Bench
from cosmos_workflow.workflows.worker_follow import OUTCOMES


def cancel_runs(
    settings: Settings, queue: Queue, items: Sequence[Item], ask: Callable[[str], str] | None
) -> Iterator[tuple[Item, CosmosError | None]]:
    """End the run of each item; with the error where its target could not be told."""
    store = assemble.store(settings)
    targets = {}
    try:
        for item in items:
            folder = store.folder(item.run)
            try:
                name = folder.run().target
                if name not in targets:
                    targets[name] = assemble.target(settings, name, ask)
                engine = assemble.engine(item.engine, settings)
                after = line.cancel(Bench(settings, engine, targets[name], store), folder)
            except CosmosError as error:
                yield item, error
                continue
            claims.settle(
                queue, item.id, OUTCOMES[after.status], after.id, after.cause, after.message
            )
            yield item, None
    finally:
        for target in targets.values():
            target.close()
