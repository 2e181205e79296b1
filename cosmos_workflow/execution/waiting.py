"""How it is said that a job waits in the queue of a cluster."""

from __future__ import annotations

WAITING = "in the queue of the cluster"
"""How what ``Launcher.waits`` says begins."""


def waits_for(stage: str) -> str | None:
    """What a job waits for, by the stage that it is in; empty: that is not known; None: it does not
    wait in the queue of a cluster."""
    return stage.removeprefix(WAITING).strip(" ()") if stage.startswith(WAITING) else None
