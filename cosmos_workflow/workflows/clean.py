"""Room on a target: what old jobs have left there goes, but no result that is not home yet."""

from __future__ import annotations

import re
import shutil
from datetime import timedelta

from cosmos_workflow.errors import SpecError
from cosmos_workflow.events import ExecutionStatus
from cosmos_workflow.execution.clean import Cleaned
from cosmos_workflow.execution.staging import abandoned
from cosmos_workflow.execution.target import Target
from cosmos_workflow.runs.index import page
from cosmos_workflow.runs.store import Store


def age(text: str) -> timedelta:
    """``12h`` or ``7d``.  Raises SpecError."""
    match = re.fullmatch(r"(\d{1,6})([hd])", text.strip())
    if match is None:
        raise SpecError(f"{text!r} is not an age", hint="hours or days, like 12h, 7d or 0d")
    number = int(match[1])
    return timedelta(hours=number) if match[2] == "h" else timedelta(days=number)


def clean(store: Store, place: Target, older: timedelta, *, dry: bool) -> tuple[Cleaned, int]:
    """What goes from the target, and how many staging folders of killed processes from here.

    With ``dry`` everything stays.  Runs of this project that are not over keep their workspace.
    """
    unfinished = [
        row.id
        for status in ExecutionStatus
        if not status.final
        for row in page(store, status=status).rows
    ]
    minutes = int(older.total_seconds()) // 60
    cleaned = place.clean(minutes, dry=dry, away=unfinished)
    folders = abandoned()
    for folder in folders if not dry else ():
        shutil.rmtree(folder, ignore_errors=True)
    return cleaned, len(folders)
