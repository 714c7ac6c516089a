"""The task runner ends when any part of it does: its process is started again then. And it lets no job lie."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from django.db import connection
from procrastinate import App, PsycopgConnector
from procrastinate.contrib.django import app as declared
from procrastinate.contrib.django.utils import connector_params

from errortracking.symbols import wishes
from runtime import task_runner
from runtime.schedules import ScheduledWorker, Schedules
from runtime.task_runner import QUEUES, TaskRunner
from tests.errortracking.pipeline.making import make_project


@pytest.mark.django_db(transaction=True)
def test_it_fails_when_the_worker_of_one_queue_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """procrastinate's worker returns when its heartbeat fails. The others are stopped, not left alone."""
    began: set[str] = set()
    stopped: list[str] = []

    async def run_worker(_: App, queues: list[str], **__: Any) -> None:
        began.update(queues)
        while began != set(QUEUES):  # noqa: ASYNC110 - of two lines it is shorter
            await asyncio.sleep(0)
        if queues == ["fetch"]:
            return
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            stopped.extend(queues)
            raise

    monkeypatch.setattr(task_runner._App, "run_worker_async", run_worker)
    ended = threading.Event()
    runner = TaskRunner(on_end=ended)
    runner.start()
    assert ended.wait(30)
    assert runner.failed
    assert sorted(stopped) == ["alerts", "default"]


@pytest.mark.django_db(transaction=True)
def test_the_worker_of_one_queue_looks_after_the_schedules_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the others have no side task that ends, after which nobody would watch over their heartbeat."""
    looks: list[str] = []
    ends: list[str] = []

    async def look(_: Schedules) -> None:
        looks.append("begun")
        await asyncio.sleep(600)

    deferrer = ScheduledWorker._periodic_deferrer

    async def watched(worker: ScheduledWorker) -> None:
        await deferrer(worker)
        ends.extend(worker.queues or [])

    monkeypatch.setattr(Schedules, "worker", look)
    monkeypatch.setattr(ScheduledWorker, "_periodic_deferrer", watched)
    asyncio.run(_serve_for_a_moment())
    assert (looks, ends) == (["begun"], [])


async def _serve_for_a_moment() -> None:
    app = task_runner._worker_app()
    async with app.open_async():
        workers = [asyncio.create_task(task_runner._work(app, queue, 1)) for queue in QUEUES]
        await asyncio.sleep(1)
        assert not any(worker.done() for worker in workers)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


def test_each_task_is_of_a_queue_that_is_worked_off() -> None:
    """And what waits for other machines is of one that nothing else waits in."""
    queues = {task.name: task.queue for task in declared.tasks.values()}
    assert set(queues.values()) - {"builtin"} <= set(QUEUES)
    assert queues["notifications.deliver"] == "alerts"


@pytest.mark.django_db(transaction=True)
def test_a_job_that_waits_for_the_lock_of_another_runs_as_soon_as_that_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And not at the next poll: an upload of thousands of source maps is hundreds of jobs, one after the other."""
    monkeypatch.setattr(Schedules, "worker", lambda _: asyncio.sleep(600))  # what is due now would wake it as well
    project = make_project()
    for number in range(100):
        wishes.changed(project.id, f"chunk-{number}")

    asyncio.run(_work_off())


async def _work_off() -> None:
    """Run a worker that polls every ten minutes and is told nothing, until all jobs have succeeded."""
    app = task_runner._worker_app()
    rare: Any = {"fetch_job_polling_interval": 600, "listen_notify": False, "install_signal_handlers": False}
    async with app.open_async():
        worker = asyncio.create_task(app.run_worker_async(queues=["default"], concurrency=2, **rare))
        try:
            async with asyncio.timeout(30):
                while await asyncio.to_thread(_waiting):  # noqa: ASYNC110 - nothing tells of it
                    await asyncio.sleep(0.05)
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)


def _waiting() -> int:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE status <> 'succeeded'")
            return int(cursor.fetchone()[0])
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_a_job_that_fails_after_the_same_was_queued_again_makes_room_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that is to be tried again, and whose next time has come while it ran: only one of them may wait."""
    monkeypatch.setattr(Schedules, "worker", lambda _: asyncio.sleep(600))
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    asyncio.run(_fail_once())
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs RETURNING id, status::text, attempts")
        ended = [(status, attempts) for _, status, attempts in sorted(cursor.fetchall())]
    assert ended == [("failed", 1), ("succeeded", 1)]


async def _fail_once() -> None:
    """Let a job queue itself again and fail, then run what waits."""
    connector = PsycopgConnector(kwargs=connector_params(), min_size=1, max_size=3)
    app = task_runner._App(connector=connector)
    began = []

    @app.task(name="fails", lock="fails", queueing_lock="fails", retry=3)
    async def fails() -> None:
        began.append(1)
        if len(began) == 1:
            await fails.defer_async()
            raise ValueError

    async with app.open_async():
        await fails.defer_async()
        for _ in range(2):
            await app.run_worker_async(wait=False, listen_notify=False, install_signal_handlers=False)
