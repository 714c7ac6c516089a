"""Who computes a row: whoever makes its status ``computing`` in one conditional statement, and nobody else.

The task is deferred on the connection and in the transaction of the claim, so that neither exists without the other.
The moment of the claim goes with the task: a task that was overtaken, because it looked stuck, changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import OperationalError, transaction
from django.db.models import Q
from procrastinate.contrib.django import app
from procrastinate.exceptions import ConnectorException
from procrastinate.types import JSONDict

from environments import clock
from environments.ids import uuid7
from environments.tenancy import sql
from errortracking.models import Recommendation
from errortracking.models.recommendations import RecommendationStatus
from errortracking.recommendations.base import RecommendationType
from errortracking.recommendations.registry import TYPES

TASK: Final = "errortracking.recommendation"
STUCK_AFTER: Final = timedelta(minutes=5)
"""A row that is computing for longer lost its worker: it may be claimed again."""


def stale_since(interval: timedelta | None, now: datetime) -> datetime:
    """Return the moment at or before which a result was computed that is stale now (pipeline 4.2, plain intervals).

    The newer rule, windows with a phase per project, spreads a load over the day that is small here.
    """
    return now - (interval or timedelta())


# All parts of one statement see the table as it was before it, so a row that is made here is not claimed once more.
# A row whose computation was lost is claimed whether stale or not: nobody else would ever make it ready again.
# Rows are locked in one order; after a wait for somebody's lock the conditions are checked anew.
_CLAIM_STALE: Final = """
    WITH kind AS (
        SELECT * FROM unnest(%(ids)b::uuid[], %(types)b::text[], %(stale)b::timestamptz[]) AS kind(id, type, stale)
    ), made AS (
        INSERT INTO errortracking_recommendation
            (environment_id, id, type, status, status_changed_at, meta, created_at, updated_at)
        SELECT %(environment)s, kind.id, kind.type, 'computing', %(now)s, '{}', %(now)s, %(now)s
        FROM kind
        WHERE NOT EXISTS (
            SELECT FROM errortracking_recommendation r WHERE r.environment_id = %(environment)s AND r.type = kind.type
        )
        ORDER BY kind.type
        ON CONFLICT (environment_id, type) DO NOTHING
        RETURNING id
    ), free AS MATERIALIZED (
        SELECT r.id
        FROM errortracking_recommendation r JOIN kind ON kind.type = r.type
        WHERE r.environment_id = %(environment)s
          AND (r.status = 'ready' AND (r.computed_at IS NULL OR r.computed_at <= kind.stale)
               OR r.status = 'computing' AND r.status_changed_at < %(stuck)s)
        ORDER BY r.type
        FOR UPDATE OF r
    ), claimed AS (
        UPDATE errortracking_recommendation r SET status = 'computing', status_changed_at = %(now)s
        FROM free WHERE r.environment_id = %(environment)s AND r.id = free.id
        RETURNING r.id
    )
    SELECT id FROM made UNION ALL SELECT id FROM claimed
"""


def start_stale(environment_id: int, types: Iterable[RecommendationType] | None = None) -> int:
    """Make the project's missing rows of ``types`` (all), start computing the stale and stuck ones, return how many."""
    wanted, now = list(TYPES.values() if types is None else types), clock.now()
    parameters = {
        "environment": environment_id,
        "ids": [uuid7(now) for _ in wanted],
        "types": [kind.name for kind in wanted],
        "stale": [stale_since(kind.interval, now) for kind in wanted],
        "stuck": now - STUCK_AFTER,
        "now": now,
    }
    with transaction.atomic():
        with sql.cursor() as cursor:
            claimed = [row_id for (row_id,) in cursor.execute(_CLAIM_STALE, parameters).fetchall()]
        _defer(environment_id, claimed, now)
    return len(claimed)


def claim(environment_id: int, row_id: UUID) -> bool:
    """Start computing one row, stale or not, and return whether nobody else is at it. Call it in a transaction.

    Raises ``OperationalError`` where the job cannot be queued; what was claimed goes back with the transaction.
    """
    now = clock.now()
    free = Q(status=RecommendationStatus.READY) | Q(status_changed_at__lt=now - STUCK_AFTER)
    row = Recommendation.objects.filter(free, environment_id=environment_id, pk=row_id)
    if not row.update(status=RecommendationStatus.COMPUTING, status_changed_at=now):
        return False
    _defer(environment_id, [row_id], now)
    return True


def _defer(environment_id: int, row_ids: list[UUID], claimed_at: datetime) -> None:
    if not row_ids:
        return
    claimed: JSONDict = {"environment_id": environment_id, "claimed_at": claimed_at.isoformat()}
    try:
        app.configure_task(TASK).batch_defer(*({**claimed, "row_id": str(row_id)} for row_id in row_ids))
    except ConnectorException as error:  # how procrastinate tells trouble with the database
        raise OperationalError("no job could be queued") from error
