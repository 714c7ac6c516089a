"""How much is waiting in the queue: what `/readyz` and `/metrics` ask."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from environments import clock
from environments.tenancy import guard, sql

MAX_BACKLOG_ROWS = 250_000
"""Requests: ten minutes and more of what one worker drains. A server that is this far behind wants no more
traffic sent to it.
"""

MAX_BACKLOG_BYTES = 2 * 1024**3
"""Of compressed payloads: what an installation on a small disk can hold beside its data."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits to be processed, parked and leased rows included."""

    rows: int
    bytes: int
    oldest_age: timedelta
    """Since the oldest of these was received; zero where nothing waits."""

    @property
    def within_bounds(self) -> bool:
        """Whether this is little enough to take more."""
        return self.rows <= MAX_BACKLOG_ROWS and self.bytes <= MAX_BACKLOG_BYTES


def read() -> Backlog:
    """Return the backlog of all projects. Looks at no more rows than the bound plus one, so a probe stays cheap.

    Beyond the bound the numbers are a lower limit. Raises ``django.db.OperationalError`` where the database
    is away.
    """
    with guard.maintenance("the backlog is that of all projects"), sql.cursor() as cursor:
        rows, size, oldest = cursor.execute(
            "SELECT count(*), coalesce(sum(bytes), 0)::bigint, min(received_at)"
            " FROM (SELECT bytes, received_at FROM errortracking_queuedrequest LIMIT %s) AS waiting",
            [MAX_BACKLOG_ROWS + 1],
        ).fetchone() or (0, 0, None)
    age = max(clock.now() - oldest, timedelta()) if oldest else timedelta()
    return Backlog(rows, size, age)
