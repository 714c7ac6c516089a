"""Every hour: start what has become stale in projects that are in use, so that a first look finds results."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import structlog
from django.db import connection

from environments import clock
from errortracking.models.partitions import utc_day
from errortracking.recommendations import claims
from errortracking.recommendations.registry import TYPES

log = structlog.get_logger(__name__)

IN_USE = timedelta(days=7)  # since the last exception (pipeline 4.2)

# One look-up for each project and partition, where EXISTS may be turned into a join with all events of the week; and
# from midnight on, so that the first row of any partition that is looked into answers.
_PROJECTS = """
    SELECT p.id FROM environments_project p
    WHERE p.deleted_at IS NULL
      AND (SELECT true FROM errortracking_event e WHERE e.environment_id = p.id AND e.received_at >= %s LIMIT 1)
    ORDER BY p.id
"""


def sweep() -> int:
    """Start the stale computations of all projects with an exception in the last 7 days; return how many.

    Left out are the types that each look at the list starts: nobody waits for them, and they would be two jobs an hour
    for every project. One project's error is logged and does not stop the others.
    """
    types = [kind for kind in TYPES.values() if kind.interval is not None]
    started = 0
    for environment_id in projects_in_use():
        try:
            started += claims.start_stale(environment_id, types)
        except Exception:
            log.exception("the recommendations of a project were not started", project=environment_id)
    return started


def projects_in_use() -> list[int]:
    """Return the ids of the projects that got an exception in the last 7 days."""
    midnight = datetime.combine(utc_day(clock.now() - IN_USE), time(), UTC)
    with connection.cursor() as cursor:
        cursor.execute(_PROJECTS, [midnight])
        return [environment_id for (environment_id,) in cursor.fetchall()]
