"""Which signed calls were taken, across restarts: the same bytes a second time are a replay."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from cosmos_workflow.errors import CosmosError
from cosmos_workflow.workflows.webhook_signature import WINDOW, Signed

_TABLE = """
create table if not exists seen (id text, at integer, primary key (id, at)) without rowid
"""


@dataclass(frozen=True)
class Seen:
    """A small file.  It forgets what is refused for its age anyway."""

    file: Path

    def first(self, call: Signed, now: float) -> bool:
        """Whether it is the first with this id and time; it is remembered before this returns.

        The sender's own repeat has the same id and a new time, which only the sender can sign.
        Raises CosmosError when it cannot be remembered.
        """
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.file, timeout=10)) as base, base:
                base.execute(_TABLE)
                base.execute("delete from seen where at < ?", (int(now) - 2 * WINDOW,))
                done = base.execute("insert or ignore into seen values (?, ?)", (call.id, call.at))
                return done.rowcount == 1
        except (OSError, sqlite3.Error) as error:
            raise CosmosError(
                f"cannot write {self.file}: {error}", hint="make room or check permissions"
            ) from error
