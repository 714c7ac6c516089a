"""The demo's look at how the project is set up: every health check, through the API and its tasks."""

from __future__ import annotations

from typing import Any, Final

from procrastinate.contrib.django.models import ProcrastinateJob

from healthtrack.checks.refreshing import CHECK_TASK
from runtime.demo.client import Api
from runtime.demo.project import DemoFailed, Report, refused, wait

_OPEN: Final = ("todo", "doing")


def check(api: Api, report: Report) -> dict[str, Any]:
    """Run all health checks and wait for them; return how many issues they have found, as the API sums them up.

    Within a minute of the last time the API refuses to run them again: then it is what they found before. Raises
    ``DemoFailed`` where nothing moves for a minute.
    """
    status, scheduled = api("POST", "refresh/")
    if status not in (202, 429):
        raise DemoFailed(refused("to run health checks", status))
    if status == 202:
        locks = [f"{CHECK_TASK}.{kind}.{scheduled['team_id']}" for kind in scheduled["scheduled_kinds"]]
        waiting = ProcrastinateJob.objects.filter(queueing_lock__in=locks, status__in=_OPEN)
        wait(waiting.count, len(locks), "health checks have not run", report)
    status, found = api("GET", "summary/")
    if status != 200:
        raise DemoFailed(refused("to sum up health issues", status))
    return dict(found)
