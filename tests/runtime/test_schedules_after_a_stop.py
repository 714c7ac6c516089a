"""What was due while no worker ran: each is made up for once. A fresh installation begins gently."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from django.db import connection
from procrastinate import PsycopgConnector
from procrastinate.contrib.django.utils import connector_params

from runtime.schedules import Schedules
from tests.runtime.test_schedules import at, make_app

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_jobs")]
WORKERS = 3  # start at the same moment, in each test


def start(*moments: str) -> dict[str, list[str]]:
    """Start several workers at the first of these moments, let them look at each, and stop them.

    Return the times of the jobs that they have deferred, by task.
    """
    asyncio.run(_start([at(moment) for moment in moments]))
    found: dict[str, list[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT task_name, (args->>'timestamp')::int FROM procrastinate_jobs ORDER BY id")
        for name, timestamp in cursor.fetchall():
            found.setdefault(name, []).append(f"{datetime.fromtimestamp(timestamp, UTC):%d %H:%M}")
        cursor.execute("DELETE FROM procrastinate_jobs")
    return found


async def _start(moments: list[float]) -> None:
    app = make_app(PsycopgConnector(kwargs=connector_params(), min_size=1, max_size=WORKERS))
    async with app.open_async():
        workers = [Schedules(app.periodic_registry, app.connector) for _ in range(WORKERS)]
        await asyncio.gather(*(worker.recall(moments[0]) for worker in workers))
        for moment in moments:
            await asyncio.gather(*(worker.defer_jobs(worker.get_previous_tasks(at=moment)) for worker in workers))


def test_what_is_due_by_night_runs_where_the_server_runs_by_day_only() -> None:
    assert start("03 09:20:00", "03 16:59:30") == {"minutely": ["03 09:20", "03 16:59"], "hourly": ["03 16:00"]}
    assert start("04 09:20:00", "04 09:20:30") == {
        "minutely": ["04 09:20"],
        "hourly": ["04 09:00"],
        "nightly": ["04 03:30"],
    }
    assert start("05 09:20:00").get("nightly") == ["05 03:30"]


def test_of_several_nights_the_last_one_is_made_up_for() -> None:
    start("03 09:20:00")
    assert start("09 09:20:00").get("nightly") == ["09 03:30"]


def test_what_was_dealt_with_is_not_due_at_the_next_start() -> None:
    start("03 03:30:00", "03 04:00:10")
    assert start("03 04:00:20") == {}
    assert start("03 04:01:00") == {"minutely": ["03 04:01"]}


def test_a_fresh_installation_does_not_begin_with_everything() -> None:
    assert start("03 12:20:00") == {"minutely": ["03 12:20"]}


def test_a_clock_that_was_years_ahead_stops_nothing() -> None:
    start("03 12:20:00", "30 12:20:00")
    assert start("03 12:21:00", "03 13:00:00", "04 03:30:00") == {
        "minutely": ["03 12:21", "03 13:00", "04 03:30"],
        "hourly": ["03 13:00", "04 03:00"],
        "nightly": ["04 03:30"],
    }
