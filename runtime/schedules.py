"""When periodic tasks are due: by the one clock (`environments.clock`), which tests and rehearsals move.

procrastinate's own deferrer asks the machine's clock, and sleeps until something is due by that: where the clock is
moved, web and worker would live on one day and the schedules on another. This one asks the one clock. It runs once in
each worker process, beside the worker of one of its queues; a row per task and time in the database keeps all processes
together from deferring the same one twice.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable
from typing import Any, Final

from procrastinate import JobContext
from procrastinate.connector import BaseConnector
from procrastinate.exceptions import UniqueViolation
from procrastinate.job_context import JobResult
from procrastinate.jobs import Job, Status
from procrastinate.periodic import MARGIN, PeriodicDeferrer, PeriodicRegistry, PeriodicTask
from procrastinate.retry import RetryDecision
from procrastinate.worker import Worker

from environments import clock

QUEUE: Final = "default"
"""The queue whose worker looks after the schedules. The original does so in the worker of each queue."""
LOOK_SECONDS: Final = 0.05
"""Between looks at a clock that may be moved at any time. Nothing but tests and rehearsals waits for it."""
SET_BACK_SECONDS: Final = 60.0
"""By how much a clock must have been set back to be believed. What is less passes soon, and nothing is due twice."""

_NEWEST: Final = """
    SELECT task_name, periodic_id, max(defer_timestamp) AS newest FROM procrastinate_periodic_defers
    WHERE defer_timestamp <= %(at)s GROUP BY task_name, periodic_id
"""
# Several workers may meet a task at once.
_MEET: Final = """
    INSERT INTO procrastinate_periodic_defers (task_name, periodic_id, defer_timestamp)
    SELECT * FROM unnest(%(names)s::varchar[], %(ids)s::varchar[], %(times)s::bigint[]) ON CONFLICT DO NOTHING
"""


class ScheduledWorker(Worker):
    """A worker whose periodic tasks go by the one clock, and which looks for jobs again after each."""

    _ended = 0
    """How many jobs have."""

    async def _periodic_deferrer(self) -> None:
        """Look after the schedules, or leave that to the worker of `QUEUE`. Never returns.

        The original watches over a worker's side tasks until the first of them ends: were one to return, nobody would
        notice that the heartbeat or the listener had failed.
        """
        if self.queues is None or QUEUE in self.queues:
            await Schedules(self.app.periodic_registry, self.app.connector).worker()
        await asyncio.Event().wait()

    async def _persist_job_status(
        self,
        job: Job,
        status: Status,
        retry_decision: RetryDecision | None,
        context: JobContext,
        job_result: JobResult | None,
    ) -> None:
        """Write down how a job ended. One that is to be tried again ends where the same job waits already.

        Only one of a queueing lock may wait. The original lets the error pass: the job would keep its lock, and the one
        that waits for that would not begin, until this process ends.
        """
        try:
            await super()._persist_job_status(job, status, retry_decision, context, job_result)
        except UniqueViolation:
            if retry_decision is None:
                raise
            self.logger.info("Not tried again, as the same job waits already: %s", job.call_string)
            await super()._persist_job_status(job, status, None, context, job_result)

    async def _process_job(self, context: JobContext) -> None:
        """Do a job, then wake the search for others: nobody announces those that have waited for its lock.

        The original finds them when it polls next, one every five seconds.
        """
        try:
            await super()._process_job(context)
        finally:
            self._ended += 1
            self._new_job_event.set()

    async def _fetch_and_process_jobs(self) -> None:
        """Begin all jobs that may; again where one has ended meanwhile: the original forgets what woke it then."""
        ended = None
        while ended != self._ended and not self._stop_event.is_set():
            ended = self._ended
            await super()._fetch_and_process_jobs()  # type: ignore[no-untyped-call]


class Schedules(PeriodicDeferrer):
    """Defers each periodic task when its time has come, and once for all times that came while no worker ran."""

    def __init__(self, registry: PeriodicRegistry, connector: BaseConnector) -> None:
        super().__init__(registry)
        self._connector = connector

    async def worker(self) -> None:
        """Defer what is due, until cancelled. An error of the database ends it, and with it the task runner.

        After the clock was set back by much it begins anew: a machine that was a year ahead until it learned the time
        would else do nothing for that year.
        """
        looked, due = math.inf, 0.0
        while True:
            at = clock.now().timestamp()
            if at < looked - SET_BACK_SECONDS:
                await self.recall(at)
                due = 0.0
            looked = at
            if at >= due:
                await self.defer_jobs(self.get_previous_tasks(at=at))
                due = at + self.get_next_tick(at=at)
            pause = due - at + MARGIN
            await asyncio.sleep(min(pause, LOOK_SECONDS) if clock.may_jump() else pause)

    async def recall(self, at: float) -> None:
        """Learn from the database which times were dealt with before this start, which is at ``at``.

        The original makes up for ten minutes: where a server runs by day only, what is due by night would never run. A
        task that no worker has met before is made up for no longer, as a fresh installation would begin with everything
        at once; but that it was met is written down, as if its last time before that had been dealt with. So it runs
        after the next start if not before. Times to come are left out, or a clock that was years ahead for a moment
        would stop everything for years; such a time is not dealt with twice all the same, since its row is there.
        """
        rows = await self._connector.execute_query_all_async(_NEWEST, at=int(at))
        self.last_defers = {(row["task_name"], row["periodic_id"]): row["newest"] for row in rows}
        tasks = self.registry.periodic_tasks.items()
        new = {key: _latest(task, at - self.max_delay) for key, task in tasks if key not in self.last_defers}
        self.last_defers |= new
        names, ids = [name for name, _ in new], [periodic_id for _, periodic_id in new]
        await self._connector.execute_query_async(_MEET, names=names, ids=ids, times=list(new.values()))

    def get_timestamps(
        self, periodic_task: PeriodicTask[Any, Any, Any], since: int | None, until: float
    ) -> Iterable[int]:
        """Return the latest time at which a task was due, if that was not dealt with: a list of one or none.

        After a machine has slept for a night, the original would defer the task of every minute 500 times. No task here
        needs that: each looks at the present, and the latest time stands for all that were missed. ``since`` is the
        time dealt with last, in this process or before it. Nothing is due again when the clock is set back.
        """
        latest = _latest(periodic_task, until)
        return [latest] if since is None or latest > since else []


def _latest(task: PeriodicTask[Any, Any, Any], until: float) -> int:
    """Return when a task was due last, in seconds since 1970, the second of ``until`` included."""
    task.croniter.set_current(start_time=int(until) + 1)  # the search leaves its start out
    latest: float = task.croniter.get_prev(ret_type=float)
    return round(latest)
