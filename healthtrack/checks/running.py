"""One run of one kind of check over its projects: in batches, of which one may fail without stopping the others."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from django.db import transaction

from environments import clock
from environments.tenancy import guard, sql
from healthtrack.checks import recording
from healthtrack.checks.base import HealthCheck

log = structlog.get_logger(__name__)

BATCH: Final = 250
"""Projects per statement: a thousandth of a second each, and what one defect of one project's data can spoil."""
MOST_NOT_PROCESSED: Final = 0.1
"""Share of projects above which a run has failed (pipeline 5.3)."""


class TooManyNotProcessed(Exception):
    """More than a tenth of the projects could not be checked; what could be is recorded, see ``totals``."""

    def __init__(self, totals: Totals) -> None:
        super().__init__(f"{totals.kind}: {totals.not_processed} of {totals.projects} projects not processed")
        self.totals = totals


@dataclass(slots=True)
class Totals:
    """What a run did, in numbers of projects and of health issues."""

    kind: str
    projects: int = 0
    not_processed: int = 0
    firing: int = 0
    refreshed: int = 0
    resolved: int = 0


_WITH_ACTIVE: Final = """
    SELECT DISTINCT h.environment_id FROM healthtrack_healthissue h
    JOIN environments_project p ON p.id = h.environment_id AND p.deleted_at IS NULL
    WHERE h.kind = %s AND h.status = 'active'
"""


def run(check: HealthCheck, environment_ids: Collection[int] | None = None) -> Totals:
    """Run a check now, over all projects that it is about or, of these, over ``environment_ids``.

    Raises `TooManyNotProcessed` at the end, where more than a tenth failed.
    """
    now = clock.now()
    wanted = check.eligible(now) | _with_active(check.kind)
    if environment_ids is not None:
        wanted &= set(environment_ids)
    totals = Totals(check.kind, projects=len(wanted))
    ordered = sorted(wanted)
    for start in range(0, len(ordered), BATCH):
        _run_batch(check, ordered[start : start + BATCH], now, totals)
    log.info("health check run", **{name: getattr(totals, name) for name in Totals.__slots__})
    if totals.not_processed > MOST_NOT_PROCESSED * totals.projects:
        raise TooManyNotProcessed(totals)
    return totals


def _with_active(kind: str) -> set[int]:
    """Return the projects with an active issue of the kind: they are asked also where the check is not about them."""
    with guard.maintenance("which projects have an issue"), sql.cursor() as cursor:
        return {environment_id for (environment_id,) in cursor.execute(_WITH_ACTIVE, [kind]).fetchall()}


def _run_batch(check: HealthCheck, batch: list[int], now: datetime, totals: Totals) -> None:
    """Check a batch; where that fails, each project by itself, so that one project's data spoils no other's result.

    Two runs of one kind, a scheduled one and one that was asked for, also look one after the other: else what the first
    saw before the other began could be written after what that has seen since.
    """
    try:
        with transaction.atomic():
            recording.enter(check.kind)
            changes = recording.record(check, batch, check.detect(batch, now), now)
    except Exception:
        if len(batch) == 1:
            log.exception("a project was not checked", kind=check.kind, environment_id=batch[0])
            totals.not_processed += 1
            return
        for environment_id in batch:
            _run_batch(check, [environment_id], now, totals)
        return
    totals.firing += len(changes.firing)
    totals.refreshed += changes.refreshed
    totals.resolved += len(changes.resolved)
