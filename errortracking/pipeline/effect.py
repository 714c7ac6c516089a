"""The effect of a leased batch: one transaction that writes everything and deletes the rows.

What takes long is done before it: source maps are looked at, and rows that must wait for one are parked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from uuid import UUID

import structlog
from django.db import transaction

from environments import clock
from errortracking.models import payload
from errortracking.pipeline import lease, metrics, park
from errortracking.pipeline.batch import Batch, OutcomeKey, accepted
from errortracking.pipeline.lease import Leased
from errortracking.pipeline.process import process
from errortracking.pipeline.symbolicate import Ahead, look_ahead
from errortracking.symbols import wishes

log = structlog.get_logger(__name__)


def apply(leased: Leased) -> None:
    """Process the rows together. Either all of it is committed or nothing is, and any error goes to the caller.

    Rows that wait for source maps are left out; they keep waiting in the queue. Raises `lease.LeaseLost` if another
    worker has taken a row meanwhile.
    """
    leased, batch = _prepare(leased)
    if not leased.rows:
        return None
    with transaction.atomic():
        if not lease.project_exists(leased.environment_id):
            return drop(leased)
        process(batch)
        lease.settle(leased)
    report(leased, batch.outcomes(), batch.limited)
    return None


def _prepare(leased: Leased) -> tuple[Leased, Batch]:
    """Return the rows that are processed now, and their events with what symbol sets say of their frames."""
    now = clock.now()
    requests = [accepted(payload.unpack(row.payload), row.received_at) for row in leased.rows]
    ahead = look_ahead(leased.environment_id, requests, now)
    parked = _park(leased, ahead)
    places = [place for place, row in enumerate(leased.rows) if row.id not in parked]
    events = [event for place in places for event in requests[place]]
    batch = Batch(leased.environment_id, events, now)
    batch.symbolicated = ahead.symbolicated(places)
    return leased.only(leased.rows[place] for place in places), batch


def _park(leased: Leased, ahead: Ahead) -> set[UUID]:
    """Let the rows wait that need scripts which have never been fetched, and have not waited for long enough."""
    wanted = ahead.wanted()
    if not wanted:
        return set()
    waiting: dict[UUID, set[str]] = {}
    urgent: set[str] = set()
    for place, urls in wanted.items():
        row = leased.rows[place]
        if row.waits_until is None or ahead.now < row.waits_until:
            waiting[row.id] = urls
        else:
            urgent |= urls
    if urgent:  # in vain so far; if it comes after all, their frames are resolved again
        wishes.fetch(leased.environment_id, urgent)
    return park.park(leased, waiting, ahead.now) if waiting else set()


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
