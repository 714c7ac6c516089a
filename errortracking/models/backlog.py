"""How much is waiting in the queue: what `/readyz` and `/metrics` ask, and ingest before it takes more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from django.conf import settings

from environments import clock
from environments.tenancy import guard, sql

# The bounds are settings (`HEALTHTRACK_MAX_BACKLOG_…`). Their defaults: 250,000 requests are ten minutes and more of
# what one worker drains; 2 GB of compressed payloads is what a small disk can hold beside its data; one project may
# have half of either, so that a project that goes wild leaves room for the others.
MEGABYTE = 1024 * 1024


class Held(NamedTuple):
    """What waits of one project: requests, and bytes of their compressed payloads."""

    rows: int
    bytes: int


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
        return self.rows <= settings.MAX_BACKLOG_REQUESTS and self.bytes <= settings.MAX_BACKLOG_MB * MEGABYTE


def read() -> Backlog:
    """Return the backlog of all projects. Looks at no more rows than the bound plus one, so a probe stays cheap.

    Beyond the bound the numbers are a lower limit. Raises ``django.db.OperationalError`` where the database
    is away.
    """
    with guard.maintenance("the backlog is that of all projects"), sql.cursor() as cursor:
        rows, size, oldest = cursor.execute(
            "SELECT count(*), coalesce(sum(bytes), 0)::bigint, min(received_at)"
            " FROM (SELECT bytes, received_at FROM errortracking_queuedrequest LIMIT %s) AS waiting",
            [settings.MAX_BACKLOG_REQUESTS + 1],
        ).fetchone() or (0, 0, None)
    age = max(clock.now() - oldest, timedelta()) if oldest else timedelta()
    return Backlog(rows, size, age)


def by_project() -> dict[int, Held]:
    """Return what waits, by the id of its project. Looks at no more rows than the bound of all plus one.

    Raises ``django.db.OperationalError`` where the database is away.
    """
    with guard.maintenance("the backlog is that of all projects"), sql.cursor() as cursor:
        rows = cursor.execute(
            "SELECT environment_id, count(*), sum(bytes)::bigint"
            " FROM (SELECT environment_id, bytes FROM errortracking_queuedrequest LIMIT %s) AS waiting"
            " GROUP BY environment_id",
            [settings.MAX_BACKLOG_REQUESTS + 1],
        ).fetchall()
    return {environment_id: Held(count, size) for environment_id, count, size in rows}
