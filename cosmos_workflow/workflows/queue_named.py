"""Which items of the queue the words of a person mean."""

from __future__ import annotations

from collections.abc import Sequence

from cosmos_workflow.errors import SpecError, did_you_mean
from cosmos_workflow.runs.queue import Item, Queue


def items_of(queue: Queue, texts: Sequence[str]) -> list[Item]:
    """The items that the words name: number, RunSpec or run id, name, or label.

    Of a RunSpec that was queued several times, the latest.  Raises SpecError.
    """
    known = queue.items()
    found: dict[int, Item] = {}
    for text in texts:
        for item in _matching(known, text):
            found[item.id] = item
    return list(found.values())


def _matching(known: Sequence[Item], text: str) -> list[Item]:
    if text.isdigit() and (same := [item for item in known if item.id == int(text)]):
        return same
    for same in (
        [item for item in known if text in (item.spec, item.run)],
        [item for item in known if item.name == text],
        [item for item in known if item.label == text],
        [item for item in known if len(text) > 4 and item.spec.startswith(text)],
    ):
        if same:
            latest = {item.spec: item for item in sorted(same, key=lambda one: one.id)}
            return list(latest.values())
    names = [item.name for item in known] + [item.spec for item in known]
    raise SpecError(
        f"there is no item {text!r} in the queue",
        hint=f"{did_you_mean(text, names[:2000])}cosmos queue list shows what there is",
    )
