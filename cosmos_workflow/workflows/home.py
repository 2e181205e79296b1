"""Results of a shared job come home one by one, beside the following, while the job goes on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import PurePosixPath
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Self

from cosmos_workflow.errors import CosmosError
from cosmos_workflow.events import Disconnected, JobEnded, Succeeded
from cosmos_workflow.execution.job import Job
from cosmos_workflow.execution.target import Handle
from cosmos_workflow.runs.store import RunFolder
from cosmos_workflow.workflows.assemble import Bench
from cosmos_workflow.workflows.conclude import bring_home, fetch_together, strange, used
from cosmos_workflow.workflows.record import Told, recorded

AT_ONCE = 8
"""Results that one look at the target is for, where several wait."""


class Home:
    """Hears the log, and brings home what it says is whole.  Of a job with one run: nothing.

    What does not come home here is concluded once the job is over.
    """

    def __init__(
        self, bench: Bench, job: Job, handle: Handle, folders: Sequence[RunFolder]
    ) -> None:
        self._bench, self._handle = bench, handle
        shared = len(job.outputs) > 1
        self._waiting = {_stem(job.outputs[one.id][0]): one for one in folders} if shared else {}
        self._made: SimpleQueue[RunFolder | None] = SimpleQueue()
        self._told: SimpleQueue[Told | BaseException] = SimpleQueue()
        self._worker = Thread(target=self._work, daemon=True) if shared else None

    def __enter__(self) -> Self:
        if self._worker:
            self._worker.start()
            for folder in self._waiting.values():  # what was said before we came
                self.read("\n".join(folder.log_lines()))
                break
        return self

    def __exit__(self, *details: object) -> None:
        self._made.put(None)

    def read(self, text: str) -> None:
        """A piece of the job's log."""
        for line in re.split(r"[\r\n]+", text) if self._waiting else ():
            path = self._bench.engine.made(line)
            folder = self._waiting.pop(_stem(path), None) if path else None
            if folder:
                self._made.put(folder)

    def told(self) -> Iterator[Told]:
        """What has happened since, recorded already."""
        while True:
            try:
                told = self._told.get_nowait()
            except Empty:
                return
            if isinstance(told, BaseException):
                raise told
            yield told

    def rest(self) -> Iterator[Told]:
        """Wait until all that was said to be whole is home."""
        self._made.put(None)
        if self._worker:
            self._worker.join()
        yield from self.told()

    def _work(self) -> None:
        while some := self._next():
            try:
                for told in self._bring(some):
                    self._told.put(told)
            except BaseException as error:
                self._told.put(error)
                return

    def _next(self) -> list[RunFolder]:
        """Those that wait, at least one; none: there will be no more."""
        some = [self._made.get()]
        with suppress(Empty):
            while some[-1] and len(some) < AT_ONCE:
                some.append(self._made.get_nowait())
        if some[-1] is None and len(some) > 1:
            self._made.put(None)
        return [folder for folder in some if folder]

    def _bring(self, folders: Sequence[RunFolder]) -> Iterator[Told]:
        """One look at the target for all of them, and one way home.  What fails is tried again once
        the job is over."""
        folders = [one for one in folders if not one.run().status.final]
        if not folders:
            return
        job = folders[0].job()
        patterns = [pattern for one in folders for pattern in job.outputs[one.id]]
        try:
            ended = self._bench.target.so_far(self._handle, patterns)
        except CosmosError as error:
            yield from ((one, Disconnected(error.message, 0.0)) for one in folders)
            return
        made = {}
        for folder in folders:
            verdict = self._bench.engine.verdict(folder.id, ended, folder.log_lines())
            if isinstance(verdict, Succeeded) and not strange(job, folder.id, ended.files):
                made[folder] = verdict
        if len(made) > 1:
            all_of_them = fetch_together(self._bench, list(made), self._handle, ended)
            yield from _or_later(folders[0], recorded(list(made), all_of_them))
        for folder, verdict in made.items():
            of_this = self._events(folder, ended, verdict)
            yield from _or_later(folder, recorded([folder], of_this))

    def _events(self, folder: RunFolder, ended: JobEnded, verdict: Succeeded) -> Iterator[Told]:
        result = verdict.outputs[0].path
        for event in chain(
            used(self._bench, folder, ended, result),
            bring_home(self._bench, folder, self._handle, ended, verdict),
        ):
            yield folder, event


def _or_later(folder: RunFolder, told: Iterator[Told]) -> Iterator[Told]:
    try:
        yield from told
    except CosmosError as error:
        yield folder, Disconnected(error.message, 0.0)


def _stem(path: str) -> str:
    """A result without its ending: not every model's words tell an image from a video."""
    return str(PurePosixPath(path).with_suffix(""))
