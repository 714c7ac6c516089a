"""How much is waiting."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from environments import clock
from environments.models import Organization, Project
from errortracking.models import QueuedRequest, backlog
from errortracking.models.backlog import Backlog

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def queue(name: str, size: int, received_at: datetime, **columns: object) -> None:
    organization = Organization.objects.create(name="Acme")
    project = Project.objects.create(organization=organization, name=name)
    QueuedRequest.objects.create(
        environment_id=project.id, received_at=received_at, events=1, bytes=size, payload=b"", **columns
    )


def test_an_empty_queue_is_no_backlog(db: None) -> None:
    assert backlog.read() == Backlog(0, 0, timedelta())
    assert backlog.read().within_bounds


def test_rows_bytes_and_the_age_of_the_oldest_are_those_of_all_projects(db: None) -> None:
    queue("one", 100, NOON - timedelta(seconds=30))
    queue("two", 250, NOON - timedelta(seconds=90), not_before=NOON + timedelta(seconds=5))

    with clock.stopped_at(NOON):
        assert backlog.read() == Backlog(2, 350, timedelta(seconds=90))


def test_an_age_is_never_negative(db: None) -> None:
    queue("one", 1, NOON + timedelta(seconds=1))

    with clock.stopped_at(NOON):
        assert backlog.read().oldest_age == timedelta()


@pytest.mark.parametrize(("rows", "size", "within"), [(2, 200, True), (3, 200, False), (2, 201, False)])
def test_a_backlog_is_within_bounds_or_not(monkeypatch: pytest.MonkeyPatch, rows: int, size: int, within: bool) -> None:
    monkeypatch.setattr(backlog, "MAX_BACKLOG_ROWS", 2)
    monkeypatch.setattr(backlog, "MAX_BACKLOG_BYTES", 200)

    assert Backlog(rows, size, timedelta()).within_bounds is within


def test_no_more_rows_are_counted_than_it_takes_to_know(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "MAX_BACKLOG_ROWS", 2)
    for number in range(5):
        queue(f"project {number}", 10, NOON)

    assert (backlog.read().rows, backlog.read().within_bounds) == (3, False)
