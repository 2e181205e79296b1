"""How the states of items look, and what is said of a queue that is held back."""

from __future__ import annotations

from cosmos_workflow.runs.queue import State

STYLES = {
    State.DONE: "green",
    State.WAITING: "yellow",
    State.BLOCKED: "yellow",
    State.CANCELLED: "yellow",
    State.FAILED: "red",
    State.SET_ASIDE: "red",
}

PAUSED = "the queue is paused: cosmos queue resume lets it go on"
