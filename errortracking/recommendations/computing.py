"""One computation: what the task does with a row that was claimed for it (pipeline 4.2)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import structlog
from django.db import connection, transaction

from environments import clock
from errortracking.models import Recommendation
from errortracking.models.recommendations import RecommendationStatus
from errortracking.recommendations.base import RecommendationType
from errortracking.recommendations.registry import TYPES

log = structlog.get_logger(__name__)

MAX_MINUTES = 4  # of one statement: less than `claims.STUCK_AFTER`, so that two computations do not pile up


def compute(environment_id: int, row_id: UUID, claimed_at: datetime) -> None:
    """Compute the row's ``meta`` anew; whatever happens, the row is ready afterwards.

    A row that is gone, or no longer claimed for this task, is left alone. A failure is logged and leaves ``meta`` and
    ``computed_at`` as they were: an old recommendation is better than none.
    """
    row = Recommendation.objects.filter(
        environment_id=environment_id, pk=row_id, status=RecommendationStatus.COMPUTING, status_changed_at=claimed_at
    )
    name = row.values_list("type", flat=True).first()
    if name is None:
        return
    try:
        with transaction.atomic():
            row.update(**_computed(TYPES.get(name), environment_id), **_ready())
    except Exception:
        log.exception("a recommendation was not computed", project=environment_id, type=name)
        row.update(**_ready())


def _computed(kind: RecommendationType | None, environment_id: int) -> dict[str, object]:
    """Return the columns that a computation changes: none of a type that only another version knows."""
    if kind is None:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = '{MAX_MINUTES}min'")
    meta = kind.compute(environment_id)
    now = clock.now()
    return {"meta": meta, "computed_at": now, "updated_at": now}


def _ready() -> dict[str, object]:
    return {"status": RecommendationStatus.READY, "status_changed_at": clock.now()}
