"""The tasks of error tracking and of the task queue itself, with their times. Times are UTC."""

from __future__ import annotations

from procrastinate import JobContext, RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Status

from errortracking.pipeline import housekeeping, park, spike_cleanup
from errortracking.pipeline.resolve_again import resolve_again
from errortracking.recommendations import tasks  # noqa: F401 - procrastinate looks for tasks in this file
from errortracking.symbols import bringing, cleanup, wishes

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


@app.periodic(cron="23 * * * *")
@app.task(name="errortracking.symbols.clean", queueing_lock="errortracking.symbols.clean", retry=5)
def clean_symbols(timestamp: int) -> None:
    """Delete unused symbol sets, and data that none points at; ``timestamp`` is the minute that it was due."""
    cleanup.hourly()


@app.task(name=wishes.FETCH, retry=RetryStrategy(max_attempts=5, exponential_wait=3))
def fetch_symbols(environment_id: int, url: str) -> None:
    """Fetch a script and its source map, and let the events go on that wait for it."""
    bringing.bring(environment_id, url)
    park.wake(environment_id, url)


@app.task(name=wishes.RESOLVE_AGAIN, retry=RetryStrategy(max_attempts=10, exponential_wait=2))
def resolve_frames_again(environment_id: int, refs: list[str], waited: int = 0) -> None:
    """Resolve the frames that have lacked these symbol sets; ``waited`` are the seconds by which that was put off."""
    resolve_again(environment_id, refs, waited)


@app.periodic(cron="* * * * *")
@app.task(name="tasks.retry_stalled", queueing_lock="tasks.retry_stalled", pass_context=True)
async def retry_stalled(context: JobContext, timestamp: int) -> None:
    """Let jobs run again whose worker has died: it has given no sign of life for half a minute.

    Others wait for their locks: those of one kind of check, or of one destination of alerts. Where the same job was
    queued once more meanwhile, that one does the work: only one of a queueing lock may wait.
    """
    jobs = context.app.job_manager
    for job in await jobs.get_stalled_jobs():
        try:
            await jobs.retry_job(job)
        except UniqueViolation:
            await jobs.finish_job(job, Status.ABORTED, delete_job=False)


@app.periodic(cron="37 2 * * *")
@app.task(name="tasks.remove_old", queueing_lock="tasks.remove_old", pass_context=True)
async def remove_old(context: JobContext, timestamp: int) -> None:
    """Delete jobs that ended days ago, however they ended."""
    await context.app.job_manager.delete_old_jobs(
        nb_hours=KEEP_JOBS_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
    )
