"""Running all checks of one project because somebody asks for it, at most once a minute."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

import structlog
from django.db import Error, transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException

from environments import clock
from environments.tenancy import sql
from healthtrack.checks.registry import CHECKS

log = structlog.get_logger(__name__)

CHECK_TASK: Final = "healthtrack.check"
EVERY: Final = timedelta(minutes=1)
"""Each request is a job for every kind; what somebody has just mended shows within one anyway."""

_TAKE: Final = """
    INSERT INTO healthtrack_healthrefresh AS r (environment_id, requested_at) VALUES (%(environment)s, %(now)s)
    ON CONFLICT (environment_id) DO UPDATE SET requested_at = excluded.requested_at
    WHERE r.requested_at <= %(now)s - %(every)s OR r.requested_at > %(now)s
    RETURNING true
"""

_LAST: Final = "SELECT requested_at FROM healthtrack_healthrefresh WHERE environment_id = %s"


class Scheduled(NamedTuple):
    """The kinds whose checks will run, and those that could not be queued."""

    kinds: list[str]
    failed: list[str]


def wait(environment_id: int, now: datetime | None = None) -> float | None:
    """Take the project's turn; return ``None``, or in how many seconds the next one is. In the caller's transaction."""
    now = now or clock.now()
    with sql.cursor() as cursor:
        if cursor.execute(_TAKE, {"environment": environment_id, "now": now, "every": EVERY}).fetchone():
            return None
        (requested_at,) = cursor.execute(_LAST, [environment_id]).fetchone() or (now,)
    passed: timedelta = now - requested_at
    return max((EVERY - passed).total_seconds(), 1.0)


def schedule(environment_id: int) -> Scheduled:
    """Queue every check for one project. One that waits in the queue already is not queued twice, and counts."""
    scheduled = Scheduled([], [])
    for kind in CHECKS:
        lock = f"{CHECK_TASK}.{kind}.{environment_id}"
        try:
            with transaction.atomic():
                app.configure_task(CHECK_TASK, queueing_lock=lock).defer(kind=kind, environment_ids=[environment_id])
        except AlreadyEnqueued:
            pass
        except (ConnectorException, Error):
            log.exception("a health check was not queued", kind=kind, environment_id=environment_id)
            scheduled.failed.append(kind)
            continue
        scheduled.kinds.append(kind)
    return scheduled
