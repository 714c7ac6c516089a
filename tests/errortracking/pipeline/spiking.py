"""What the tests of spikes are made of: exceptions that have been stored, as the stage gets them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from environments.models import Project
from environments.tenancy import sql
from errortracking.models import Fingerprint, Issue, Outcome, SpikeCount, SpikeDetectionConfig, SpikeEvent
from errortracking.pipeline.batch import Batch, accepted
from errortracking.pipeline.spike import detect_spikes
from tests.errortracking.pipeline.making import NOON, entry, request


def configure(project: Project, threshold: int = 5, multiplier: int = 10, snooze: int = 10) -> None:
    SpikeDetectionConfig.objects.update_or_create(
        environment=project,
        defaults={"threshold": threshold, "multiplier": multiplier, "snooze_duration_minutes": snooze},
    )


def fingerprint(project: Project, issue: Issue | None = None) -> Fingerprint:
    """Return a new fingerprint of an issue, of a new one unless it is given."""
    issue = issue or Issue.objects.create(environment=project, name="KeyError")
    number = Fingerprint.objects.filter(environment_id=project.id).count()
    return Fingerprint.objects.create(
        environment=project, issue=issue, fingerprint=f"{number}", kind="v2", first_seen=NOON
    )


def stored(project: Project, *sent: tuple[Fingerprint, int, datetime]) -> Batch:
    """Return a batch as the stage gets it: so many stored exceptions of a fingerprint, received at a moment."""
    events = []
    for of, count, at in sent:
        for event in accepted(request(*[entry() for _ in range(count)], received_at=at), at):
            event.outcome, event.fingerprint_id, event.issue_id = Outcome.STORED, of.id, of.issue_id
            events.append(event)
    return Batch(project.id, events, NOON)


def come(project: Project, *sent: tuple[Fingerprint, int, datetime]) -> None:
    detect_spikes(stored(project, *sent))


def spikes(project: Project) -> list[tuple[float, int]]:
    """Return baseline and value of the project's spikes, the oldest first."""
    rows = SpikeEvent.objects.filter(environment_id=project.id).order_by("detected_at", "current_bucket_value")
    return [(row.computed_baseline, row.current_bucket_value) for row in rows]


def counts(project: Project) -> dict[tuple[UUID, str], int]:
    rows = SpikeCount.objects.filter(environment_id=project.id)
    return {(row.fingerprint_id, f"{row.bucket:%d %H:%M}"): row.count for row in rows}


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the statements of raw cursors; nothing goes through Django's own."""
    texts: list[str] = []
    execute = sql.Cursor.execute

    def counted(cursor: sql.Cursor, query: str, *arguments: Any, **options: Any) -> Any:
        texts.append(query)
        return execute(cursor, query, *arguments, **options)

    monkeypatch.setattr(sql.Cursor, "execute", counted)
    return texts
