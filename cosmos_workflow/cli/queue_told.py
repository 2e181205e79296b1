"""What a worker says on a screen: a line for each item that ends, and how far all of it is."""

from __future__ import annotations

from typing import Any

from cosmos_workflow.cli.queue_words import PAUSED, STYLES
from cosmos_workflow.cli.screen import Screen
from cosmos_workflow.cli.words import duration
from cosmos_workflow.events import (
    Disconnected,
    JobEnded,
    JobOver,
    Log,
    Progress,
    Submitted,
    to_json,
)
from cosmos_workflow.execution.waiting import waits_for
from cosmos_workflow.runs.queue import Queue, State
from cosmos_workflow.workflows.worker import Complaint, Ended
from cosmos_workflow.workflows.worker_follow import News


class Told:
    """Tells a worker's news, and remembers how many of each there were."""

    def __init__(self, screen: Screen, queue: Queue, label: str) -> None:
        self._screen, self._queue, self._label = screen, queue, label
        self.counts = queue.counts(label)
        self._last = ""
        self._waits: dict[int, tuple[int, str]] = {}
        self._known = 0

    def show(self, news: News | Complaint | Ended) -> None:
        """One piece of it."""
        match news:
            case Complaint():
                if news.message != self._last:
                    self._screen.warn(news.message)
                self._last = news.message
            case Ended():
                self._screen.clear()
                self._screen.say(f"ended: {news.reason}; {self.summary()}", "bold")
                if self._known:
                    self._screen.say(f"{self._known} of them had succeeded before", "dim")
                if self._queue.paused:
                    self._screen.say(PAUSED, "yellow")
                counts = {str(one): n for one, n in self._queue.counts(self._label).items()}
                self._screen.data({"ended": news.reason, **counts})
            case News(item=None):
                self._event(news)
            case News():
                self._item(news)

    def _event(self, news: News) -> None:
        event, lane = news.event, news.claim.lane
        self._heed(news)
        if self._screen.json and event and not isinstance(event, Log):
            runs = [news.folder.id] if news.folder else [item.run for item in news.claim.items]
            at = {"target": lane.target, "slot": lane.slot, "runs": runs}
            self._screen.data({**at, **to_json(event, 0)})
        elif isinstance(event, Submitted):
            many = len(news.claim.items)
            what = news.claim.items[0].name if many == 1 else f"{many} runs in one job"
            self._screen.say(f"{lane.target}/{lane.slot}: {what}", "dim")
            self._progress()
        elif isinstance(event, Disconnected):
            self._screen.warn(f"{lane.target}: {event.reason}")
        elif isinstance(event, Progress):
            self._progress()

    def _heed(self, news: News) -> None:
        """Whether the claim's job waits in the queue of a cluster, and what for."""
        match news.event:
            case Progress(stage=stage) if (why := waits_for(stage)) is not None:
                self._waits[news.claim.id] = (len(news.claim.items), why)
            case Progress() | JobOver() | JobEnded():
                self._waits.pop(news.claim.id, None)

    def _item(self, news: News) -> None:
        assert news.item is not None and news.state is not None
        run, item = news.run, news.item
        self._waits.pop(news.claim.id, None)
        data: dict[str, Any] = {"item": item.id, "run": item.run, "state": news.state}
        if run:
            data |= {"cause": run.cause, "message": run.message}
            data |= {"gpu_seconds": run.used.gpu_seconds} if run.used else {}
        elif news.why:
            data |= {"message": news.why}
        self._screen.data(data)
        if news.state is State.DONE and run is None:
            self._known += 1
            return
        self._screen.say(self._line(news), STYLES.get(news.state, ""))
        self._progress()

    def _line(self, news: News) -> str:
        assert news.item is not None and news.state is not None
        run, item, word = news.run, news.item, str(news.state).replace("_", " ")
        if news.state is State.WAITING:
            word = "waits again"
        parts = [f"{word:<11} {item.run or item.spec}  {item.name}"]
        if run and run.used and news.state is State.DONE:
            parts.append(duration(run.used.until - run.used.since))
        elif run and run.message:
            parts.append(f"{run.cause}: {run.message.splitlines()[0]}")
        elif news.why:
            parts.append(news.why.splitlines()[0])
        return "  ".join(parts)

    def _progress(self) -> None:
        counts = self._queue.counts(self._label)
        total = sum(counts.values())
        over = sum(counts[state] for state in State if state.over)
        waiting = sum(many for many, _ in self._waits.values())
        words = f"{over} of {total} over, {max(0, counts[State.RUNNING] - waiting)} running"
        if waiting:
            whys = ", ".join(
                sorted({why.partition(":")[0] for _, why in self._waits.values() if why})
            )
            words += f", {waiting} in the cluster's queue" + (f" ({whys})" if whys else "")
        self._screen.step(words, over / max(total, 1))

    def summary(self) -> str:
        """How many of each there are."""
        counts = self._queue.counts(self._label)
        told = (f"{n} {str(state).replace('_', ' ')}" for state, n in counts.items() if n)
        return ", ".join(told) or "nothing is queued"

    def how_to_go_on(self) -> str:
        """What is left, and which command comes back to it."""
        running = self._queue.counts(self._label)[State.RUNNING]
        left = f"{running} of them run on by themselves; " if running else ""
        more = f" --label {self._label}" if self._label else ""
        return f"{self.summary()}; {left}cosmos queue work{more} goes on with them"
