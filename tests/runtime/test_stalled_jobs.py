"""What a worker had begun when it was killed runs again, or is left to the same job that waits already."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

from errortracking.tasks import retry_stalled
from runtime import task_runner

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_jobs")]


def job(status: str, lock: str | None, queueing_lock: str | None) -> int:
    """Make a job; one that is being done is of a worker that is no more."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args, status)"
            " VALUES ('default', 'notifications.every_minute', %s, %s, '{}', %s) RETURNING id",
            [lock, queueing_lock, status],
        )
        return int(cursor.fetchone()[0])


def statuses() -> dict[int, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, status::text FROM procrastinate_jobs")
        return dict(cursor.fetchall())


def put_back() -> None:
    asyncio.run(_put_back())


async def _put_back() -> None:
    app = task_runner._worker_app()
    async with app.open_async():
        context: Any = SimpleNamespace(app=app)
        await retry_stalled(context, 0)


def test_a_job_of_a_killed_worker_waits_to_run_again() -> None:
    first, second = job("doing", "a", "a"), job("doing", "b", None)
    put_back()
    assert statuses() == {first: "todo", second: "todo"}


def test_where_the_same_job_waits_already_the_killed_one_makes_room_for_it() -> None:
    """The next minute has queued it meanwhile; it waits for the lock that the killed one holds. Others go on, too."""
    killed, waiting, other = job("doing", "a", "a"), job("todo", "a", "a"), job("doing", "b", "b")
    put_back()
    assert statuses() == {killed: "aborted", waiting: "todo", other: "todo"}
