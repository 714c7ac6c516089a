"""The tasks of project health: each kind of check at the times that it names. Times are UTC."""

from __future__ import annotations

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from healthtrack.checks.base import HealthCheck
from healthtrack.checks.refreshing import CHECK_TASK
from healthtrack.checks.registry import CHECKS
from healthtrack.checks.running import run

RETRY = RetryStrategy(max_attempts=2, wait=30, linear_wait=30)
"""Three tries, half a minute and a minute apart (pipeline 5.3): what is in the way may be gone then."""


@app.task(name=CHECK_TASK, retry=RETRY)
def check_health(kind: str, environment_ids: list[int] | None = None) -> None:
    """Run one kind of check now; a kind that no longer exists is nothing to do."""
    check = CHECKS.get(kind)
    if check is not None:
        run(check, environment_ids)


def _schedule(check: HealthCheck) -> None:
    """Let a kind run at its times. Not `check_health` with arguments: a kind has a lock of its own."""
    name = f"{CHECK_TASK}.{check.kind}"

    @app.periodic(cron=check.cron)
    @app.task(name=name, queueing_lock=name, lock=name, retry=RETRY)
    def scheduled(timestamp: int) -> None:
        """``timestamp`` is the minute that it was due."""
        run(check)


for _check in CHECKS.values():
    _schedule(_check)
