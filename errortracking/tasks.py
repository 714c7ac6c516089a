"""The tasks of error tracking and of the task queue itself, with their times. Times are UTC."""

from __future__ import annotations

from procrastinate import JobContext
from procrastinate.contrib.django import app

from errortracking.pipeline import housekeeping, spike_cleanup
from errortracking.recommendations import tasks  # noqa: F401 - procrastinate looks for tasks in this file

KEEP_JOBS_HOURS = 72  # finished jobs: long enough to look at what happened over a weekend


@app.periodic(cron="7 0 * * *")
@app.task(name="errortracking.daily", queueing_lock="errortracking.daily", retry=5)
def daily(timestamp: int) -> None:
    """Make and drop partitions and clean the ledger; ``timestamp`` is the minute that it was due."""
    housekeeping.daily()


@app.periodic(cron="0 4 * * *")
@app.task(name="errortracking.spikes", queueing_lock="errortracking.spikes", retry=5)
def spikes(timestamp: int) -> None:
    """Delete old spikes (pipeline 3); ``timestamp`` is the minute that it was due."""
    spike_cleanup.daily()


@app.periodic(cron="*/5 * * * *")
@app.task(name="tasks.retry_stalled", queueing_lock="tasks.retry_stalled", pass_context=True)
async def retry_stalled(context: JobContext, timestamp: int) -> None:
    """Let jobs run again whose worker has died: it has given no sign of life for half a minute."""
    for job in await context.app.job_manager.get_stalled_jobs():
        await context.app.job_manager.retry_job(job)


@app.periodic(cron="37 2 * * *")
@app.task(name="tasks.remove_old", queueing_lock="tasks.remove_old", pass_context=True)
async def remove_old(context: JobContext, timestamp: int) -> None:
    """Delete jobs that ended days ago, however they ended."""
    await context.app.job_manager.delete_old_jobs(
        nb_hours=KEEP_JOBS_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
    )
