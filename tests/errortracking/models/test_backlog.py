"""How much is waiting."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from environments import clock
from environments.models import Organization, Project
from errortracking.models import QueuedRequest, backlog
from errortracking.models.backlog import Backlog, Held

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


@pytest.mark.parametrize(("rows", "size", "within"), [(2, 1_048_576, True), (3, 200, False), (2, 1_048_577, False)])
def test_a_backlog_is_within_bounds_or_not(settings: Any, rows: int, size: int, within: bool) -> None:
    settings.MAX_BACKLOG_REQUESTS = 2
    settings.MAX_BACKLOG_MB = 1

    assert Backlog(rows, size, timedelta()).within_bounds is within


def test_no_more_rows_are_counted_than_it_takes_to_know(db: None, settings: Any) -> None:
    settings.MAX_BACKLOG_REQUESTS = 2
    for number in range(5):
        queue(f"project {number}", 10, NOON)

    assert (backlog.read().rows, backlog.read().within_bounds) == (3, False)


def test_what_waits_is_told_by_project(db: None) -> None:
    queue("one", 100, NOON)
    queue("two", 250, NOON)
    one, two = Project.objects.order_by("name").values_list("id", flat=True)
    QueuedRequest.objects.create(environment_id=two, received_at=NOON, events=1, bytes=50, payload=b"")

    assert backlog.by_project() == {one: Held(1, 100), two: Held(2, 300)}
