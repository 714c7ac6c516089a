"""Time that a test moves: one clock for a live server's web, worker and schedules, and for the clients around it.

    with simulated(MONDAY) as (time, server):
        for moment in time.moments(until=MONDAY + timedelta(days=1)):
            time.go(moment)

Between two moments the clock runs on, so that whatever measures finds what it would find on any day. Nothing waits for
it: at each moment `Time.settle` waits until the server has nothing left to do, however long this machine needs.
"""

from __future__ import annotations

import os
import time as machine
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import psycopg
from croniter import croniter  # type: ignore[import-untyped]
from procrastinate.contrib.django import app
from procrastinate.periodic import MAX_DELAY

from tests.live import LiveServer, live_server

HOURLY_AT: Final = timedelta(minutes=45)
"""When in an hour it is looked what became due in it: after all that comes every hour, with what comes each quarter."""
_RARE: Final = timedelta(hours=12)

_WORK: Final = """
    SELECT (SELECT count(*) FROM errortracking_queuedrequest)
         + (SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing'))
"""
_DEFERRED: Final = "SELECT task_name, max(defer_timestamp) FROM procrastinate_periodic_defers GROUP BY task_name"


def crons() -> dict[str, str]:
    """Return the periodic tasks of the server by name, with their times, as its workers know them."""
    return {periodic.task.name: periodic.cron for periodic in app.periodic_registry.periodic_tasks.values()}


def latest(cron: str, moment: datetime) -> datetime:
    """Return when a task was due last, ``moment`` included."""
    found: datetime = croniter(cron, moment + timedelta(seconds=1)).get_prev(datetime)
    return found


class Time:
    """The moved clock, and the moments that it has stood at."""

    def __init__(self, file: Path, start: datetime) -> None:
        self.visited: list[datetime] = []
        self._file = file
        self._offset = 0.0
        self._set(start)
        self._server: LiveServer
        self._database: psycopg.Connection[Any]

    def attach(self, server: LiveServer, database: psycopg.Connection[Any]) -> None:
        """Name the server that lives by this clock."""
        self._server, self._database = server, database

    def now(self) -> datetime:
        """Return what time it is."""
        return datetime.fromtimestamp(machine.time() + self._offset, UTC)

    def moment_of(self, moment: datetime) -> datetime:
        """Return at which of the visited moments something has happened."""
        return self.visited[bisect_right(self.visited, moment) - 1]

    def moments(self, until: datetime) -> Iterator[datetime]:
        """Yield the moments of the schedules after the last visited one: once an hour, and when a rare task is due."""
        last, rare = self.visited[-1], [cron for cron in crons().values() if _is_rare(cron)]
        found = {until}
        hour = last.replace(minute=0, second=0, microsecond=0)
        while hour <= until:
            found.add(hour + HOURLY_AT)
            found.update(latest(cron, hour + timedelta(hours=1)) for cron in rare)
            hour += timedelta(hours=1)
        yield from sorted(moment for moment in found if last < moment <= until)

    def go(self, moment: datetime) -> None:
        """Let it be ``moment``, and wait until everything that is due by then has been done."""
        assert moment > self.now(), f"{moment} is over: the steps before it took too long"
        due = self._due(moment)
        self._set(moment)
        self._server.until(lambda: self._is_deferred(due))
        self.settle()

    def settle(self) -> None:
        """Wait until the server has processed what it has accepted, and has run its tasks."""
        self._server.until(lambda: self._database.execute(_WORK).fetchone() == (0,))

    def _due(self, moment: datetime) -> dict[str, int]:
        """Return by task when it is due last, for those that the server, since its start, has had to do with."""
        earliest = self.visited[0].timestamp() - MAX_DELAY
        due = {name: int(latest(cron, moment).timestamp()) for name, cron in crons().items()}
        return {name: timestamp for name, timestamp in due.items() if timestamp > earliest}

    def _is_deferred(self, due: dict[str, int]) -> bool:
        deferred: dict[str, int] = dict(self._database.execute(_DEFERRED).fetchall())
        return all(deferred.get(name, 0) >= timestamp for name, timestamp in due.items())

    def _set(self, moment: datetime) -> None:
        self._offset = moment.timestamp() - machine.time()
        new = self._file.with_suffix(".new")
        new.write_text(repr(self._offset), encoding="ascii")
        os.replace(new, self._file)
        self.visited.append(moment)


def _is_rare(cron: str) -> bool:
    times = croniter(cron, datetime(2030, 1, 1, tzinfo=UTC))
    first: datetime = times.get_next(datetime)
    second: datetime = times.get_next(datetime)
    return second - first >= _RARE


@contextmanager
def simulated(start: datetime) -> Iterator[tuple[Time, LiveServer]]:
    """Yield a clock that begins at ``start``, and a server with a fresh database that lives by it.

    It may send alerts to this machine, and says nothing of a disk that is as full as this one may be.
    """
    with TemporaryDirectory(prefix="healthtrack-clock-") as folder:
        file = Path(folder) / "offset"
        time = Time(file, start)
        with live_server(
            HEALTHTRACK_CLOCK_FILE=str(file),
            HEALTHTRACK_ALLOWED_PRIVATE_HOSTS="127.0.0.1",
            HEALTHTRACK_MIN_FREE_DISK_MB="0",
        ) as server:
            assert server.database_url
            with psycopg.connect(server.database_url, autocommit=True) as database:
                time.attach(server, database)
                yield time, server
