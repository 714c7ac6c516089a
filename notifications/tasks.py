"""The tasks of alerts, with their times. Times are UTC."""

from __future__ import annotations

from uuid import UUID

from procrastinate.contrib.django import app

from notifications import sweep
from notifications.delivering import deliver
from notifications.outbox import DELIVER_QUEUE, DELIVER_TASK


@app.task(name=DELIVER_TASK, queue=DELIVER_QUEUE)
def deliver_to(environment_id: int, destination_id: str) -> None:
    """Send what waits for a destination. Never tried again by itself: `every_minute` finds what is due."""
    deliver(environment_id, UUID(destination_id))


@app.periodic(cron="* * * * *")
@app.task(
    name="notifications.every_minute", queueing_lock="notifications.every_minute", lock="notifications.every_minute"
)
def every_minute(timestamp: int) -> None:
    """Send what is due again; ``timestamp`` is the minute that it was due."""
    sweep.every_minute()


@app.periodic(cron="47 1 * * *")
@app.task(name="notifications.daily", queueing_lock="notifications.daily", retry=5)
def daily(timestamp: int) -> None:
    """Delete the old end of the log; ``timestamp`` is the minute that it was due."""
    sweep.daily()
