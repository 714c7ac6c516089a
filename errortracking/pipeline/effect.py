"""The effect of a leased batch: one transaction that writes everything and deletes the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import structlog
from django.db import transaction

from errortracking.models import payload
from errortracking.pipeline import lease, metrics
from errortracking.pipeline.batch import Batch, OutcomeKey, accepted
from errortracking.pipeline.lease import Leased
from errortracking.pipeline.process import process

log = structlog.get_logger(__name__)


def apply(leased: Leased) -> None:
    """Process the rows together. Either all of it is committed or nothing is, and any error goes to the caller.

    Raises `lease.LeaseLost` if another worker has taken a row meanwhile.
    """
    with transaction.atomic():
        if not lease.project_exists(leased.environment_id):
            return drop(leased)
        events = [event for row in leased.rows for event in accepted(payload.unpack(row.payload), row.received_at)]
        batch = Batch(leased.environment_id, events)
        process(batch)
        lease.settle(leased)
    report(leased, batch.outcomes(), batch.limited)
    return None


def drop(leased: Leased) -> None:
    """Delete rows of a project that is gone: there is nobody left to whom their events could belong."""
    lease.settle(leased)
    metrics.DROPPED.inc(leased.events)
    log.warning("events of a deleted project dropped", environment_id=leased.environment_id, events=leased.events)


def report(leased: Leased, outcomes: Counter[OutcomeKey], limited: Mapping[str, int] | None = None) -> None:
    """Tell Prometheus what has been committed."""
    metrics.BATCH_BYTES.inc(leased.bytes)
    for (_, outcome, _), count in outcomes.items():
        metrics.EVENTS.labels(outcome.value).inc(count)
    metrics.count_limited(limited or {})
