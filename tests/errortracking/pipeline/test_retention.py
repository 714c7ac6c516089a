"""Projects that keep their events for a shorter time than the installation."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from environments import clock, deletion
from environments.models import Project
from errortracking.models import Event, partitions
from errortracking.pipeline import housekeeping, retention
from tests.errortracking.pipeline.making import NOON, make_project, uuid

DAYS = [NOON.date() - timedelta(days=ago) for ago in range(6)]


@pytest.fixture(autouse=True)
def _partitions(db: None) -> None:
    partitions.drop_before(date.max)
    partitions.ensure(DAYS)


def store(project: Project, number: int, days_ago: int) -> None:
    Event.objects.create(
        environment_id=project.id,
        id=uuid(number),
        received_at=NOON - timedelta(days=days_ago),
        timestamp=NOON,
        distinct_id="user",
        payload=b"",
    )


def left(project: Project) -> set[str]:
    return {str(id_) for id_ in Event.objects.filter(environment_id=project.id).values_list("id", flat=True)}


def keep(project: Project, days: int | None) -> None:
    project.max_event_age_days = days
    project.save()


def test_a_projects_own_age_deletes_its_events_and_nobody_elses(project: Project) -> None:
    neighbour = make_project("neighbour")
    keep(project, 2)
    for number in range(6):
        store(project, number, days_ago=number)
        store(neighbour, number, days_ago=number)
    with clock.stopped_at(NOON):
        assert retention.delete_old_events() == 3

    assert left(project) == {uuid(0), uuid(1), uuid(2)}
    assert left(neighbour) == {uuid(number) for number in range(6)}
    assert partitions.existing() == sorted(DAYS)


def test_many_events_go_in_bounded_steps(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion, "STEP", 10)
    keep(project, 1)
    for number in range(25):
        store(project, number, days_ago=3)
    with clock.stopped_at(NOON):
        assert retention.delete_old_events() == 25
        assert retention.delete_old_events() == 0

    assert left(project) == set()


@pytest.mark.parametrize("days", [None, 90, 365])
def test_an_age_that_is_no_shorter_than_the_installations_changes_nothing(project: Project, days: int | None) -> None:
    keep(project, days)
    store(project, 1, days_ago=5)
    with clock.stopped_at(NOON):
        assert retention.delete_old_events() == 0

    assert left(project) == {uuid(1)}


def test_the_daily_round_sees_to_it(project: Project) -> None:
    keep(project, 1)
    store(project, 1, days_ago=2)
    with clock.stopped_at(NOON):
        housekeeping.daily()

    assert left(project) == set()


def test_an_age_of_no_days_is_no_age(project: Project) -> None:
    project.max_event_age_days = 0
    with pytest.raises(ValidationError) as refused:
        project.full_clean()
    messages: Any = refused.value.message_dict
    assert messages == {"max_event_age_days": ["Ensure this value is greater than or equal to 1."]}
