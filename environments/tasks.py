"""The tasks of access, with their times. Times are UTC."""

from __future__ import annotations

from procrastinate.contrib.django import app

from environments import housekeeping


@app.periodic(cron="17 1 * * *")
@app.task(name="environments.daily", queueing_lock="environments.daily", retry=5)
def daily(timestamp: int) -> None:
    """Delete old audit entries and rows of limits; ``timestamp`` is the minute that it was due."""
    housekeeping.daily()
