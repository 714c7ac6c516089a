"""The tasks of access, with their times. Times are UTC."""

from __future__ import annotations

from procrastinate.contrib.django import app

from environments import (
    deletion,
    deletion_organizations,
    housekeeping,
    invitations,  # noqa: F401
    passwords,  # noqa: F401 - procrastinate looks for tasks in this file
)


@app.periodic(cron="17 1 * * *")
@app.task(name="environments.daily", queueing_lock="environments.daily", retry=5)
def daily(timestamp: int) -> None:
    """Delete old audit entries, rows of limits, ended sessions and what is left of projects.

    ``timestamp`` is when it was due.
    """
    housekeeping.daily()
    deletion.finish()
    deletion_organizations.finish()
