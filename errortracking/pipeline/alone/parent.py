"""The worker's side of processing rows alone: what is done with a row, and what is remembered of a child's death."""

from __future__ import annotations

import threading
from datetime import timedelta

import structlog
from django.db import transaction

from errortracking.models import Outcome
from errortracking.pipeline import effect, lease, metrics, set_aside
from errortracking.pipeline.alone.protocol import Report
from errortracking.pipeline.alone.row import DEATHS_TO_BLAME, WHOLE
from errortracking.pipeline.alone.watch import Child, Died, Unavailable
from errortracking.pipeline.lease import Leased

log = structlog.get_logger(__name__)

_RETRY = timedelta(seconds=5)
_DEFECT_RETRY = timedelta(minutes=1)


def process_alone(leased: Leased, stop: threading.Event) -> None:
    """Process leased rows one by one in a child; the caller holds the project. Stops between two rows when told to.

    Rows that are not reached keep their lease, which the next holder of the project replaces.
    """
    with transaction.atomic():
        if not lease.project_exists(leased.environment_id):
            return effect.drop(leased)
    child: Child | None = None
    try:
        for row in leased.rows:
            if stop.is_set():
                break
            child = _process_row(leased.only([row]), child)
    except Unavailable:
        log.exception("no child process to be had")
        lease.park(leased, _RETRY)
    finally:
        if child:
            child.close()
    return None


def _process_row(leased: Leased, child: Child | None) -> Child | None:
    """Process one row, with as many children as it takes; returns the living one."""
    (row,) = leased.rows
    places, deaths = list(row.poison), dict[str, str]()
    while places.count(WHOLE) < DEATHS_TO_BLAME:
        child = child or Child(leased.environment_id, leased.lease)
        try:
            _finish(leased, child.process({"row": str(row.id), "deaths": deaths}))
        except Died as death:
            child = None
            place = WHOLE if death.place is None else death.place
            if places.count(place) >= DEATHS_TO_BLAME:  # it was not to be touched: setting it aside is what kills
                place = WHOLE
            log.warning("a child process died of an event", row=str(row.id), place=place, reason=death.reason)
            lease.poison(leased, place)
            places.append(place)
            deaths[str(place)] = death.reason
        else:
            return child
    _give_up(leased, deaths.get(str(WHOLE), "the process that read it ended"))
    return child


def _give_up(leased: Leased, reason: str) -> None:
    """Set a row aside as a whole without looking into it."""
    try:
        with transaction.atomic():
            counts = set_aside.set_aside_whole(leased, f"{set_aside.DIED}: {reason}")
    except lease.LeaseLost:
        return
    metrics.ISOLATED.inc()
    effect.report(leased, counts)


def _finish(leased: Leased, report: Report) -> None:
    (row,) = leased.rows
    if report["kind"] == "done":
        metrics.ISOLATED.inc()
        metrics.BATCH_BYTES.inc(leased.bytes)
        for outcome, count in report["outcomes"].items():
            metrics.EVENTS.labels(Outcome(outcome).value).inc(count)
        metrics.count_limited(report["limited"])
    elif report["kind"] == "transient":
        log.warning("transient error, row parked", row=str(row.id), error=report["text"])
        lease.park(leased, _RETRY)
    elif report["kind"] == "failed":
        # A defect of ours, which is in the log. The row stays, and shows in the backlog.
        lease.park(leased, _DEFECT_RETRY, is_attempt=True)
