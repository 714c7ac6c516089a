"""When periodic tasks are due: by the one clock (`environments.clock`), which tests and rehearsals move.

procrastinate's own deferrer asks the machine's clock, and sleeps until something is due by that: where the clock is
moved, web and worker would live on one day and the schedules on another. This one asks the one clock. It runs beside
each worker of a queue, as the original does; a row per task and time in the database keeps all of them together from
deferring the same one twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from procrastinate import JobContext
from procrastinate.periodic import MARGIN, PeriodicDeferrer, PeriodicTask
from procrastinate.worker import Worker

from environments import clock

LOOK_SECONDS: Final = 0.05
"""Between looks at a clock that may be moved at any time. Nothing but tests and rehearsals waits for it."""


class ScheduledWorker(Worker):
    """A worker whose periodic tasks go by the one clock, and which looks for jobs again after each."""

    _ended = 0
    """How many jobs have."""

    async def _periodic_deferrer(self) -> None:
        await Schedules(self.app.periodic_registry).worker()

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
    """Defers each periodic task when its time has come."""

    _from: float | None = None
    """What was due before is not made up for: ten minutes before the first look."""

    async def worker(self) -> None:
        """Defer what is due, until cancelled. An error of the database ends it, and with it the task runner."""
        due = 0.0
        while True:
            at = clock.now().timestamp()
            if at >= due:
                await self.defer_jobs(self.get_previous_tasks(at=at))
                due = at + self.get_next_tick(at=at)
            pause = due - at + MARGIN
            await asyncio.sleep(min(pause, LOOK_SECONDS) if clock.may_jump() else pause)

    def get_timestamps(
        self, periodic_task: PeriodicTask[Any, Any, Any], since: int | None, until: float
    ) -> Iterable[int]:
        """Return the latest time at which a task was due, if that was not dealt with: a list of one or none.

        After a machine has slept for a night, the original would defer the task of every minute 500 times, and leave
        out what was due once and had not been before. No task here needs the former: each looks at the present, and
        the latest time stands for all that were missed. ``since`` is the time dealt with last. Nothing is due again
        when the clock is set back.
        """
        if self._from is None:
            self._from = until - self.max_delay
        schedule = periodic_task.croniter
        schedule.set_current(start_time=int(until) + 1)  # the search leaves its start out
        latest = round(schedule.get_prev(ret_type=float))
        return [latest] if latest > (self._from if since is None else since) else []
