"""Which time a report is about: what a person writes after ``--since``."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from cosmos_workflow.errors import SpecError

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str, now: datetime | None = None) -> float | None:
    """``24h``, ``7d``, ``2026-11-20`` or ``all`` as seconds since the epoch; None: all.

    Raises SpecError.
    """
    now = now or datetime.now()
    if text.strip() == "all":
        return None
    match = re.fullmatch(r"(\d+)\s*([mhdw])", text.strip(), re.ASCII)
    if match:
        try:
            return (now - timedelta(**{UNITS[match[2]]: int(match[1])})).timestamp()
        except (OverflowError, ValueError):
            return None  # before the first year there is
    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except (OverflowError, ValueError) as error:
        raise SpecError(
            f"--since {text!r} is no time", hint="like 24h, 7d, 2026-11-20 or all"
        ) from error
