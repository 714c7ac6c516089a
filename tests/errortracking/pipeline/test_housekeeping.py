"""What is done every day: partitions made and dropped, uuids forgotten, jobs looked after."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import OperationalError
from procrastinate.contrib.django import app

from environments import clock
from environments.models import Project
from errortracking import tasks
from errortracking.models import EventLedger, partitions
from errortracking.models.events import LEDGER_PARTITIONS
from errortracking.pipeline import housekeeping, pages
from tests.errortracking.pipeline.making import NOON, make_project, uuid


@pytest.fixture(autouse=True)
def _no_partitions(db: None) -> None:
    """Begin without the partitions that other tests have committed."""
    partitions.drop_before(date.max)


def remember(project: Project, number: int, received_at: datetime) -> None:
    EventLedger.objects.create(environment_id=project.id, uuid=uuid(number), received_at=received_at)


def remembered(project: Project) -> set[str]:
    return {str(row.uuid) for row in EventLedger.objects.filter(environment_id=project.id)}


def test_events_are_kept_for_as_many_whole_days_as_the_installation_says(db: None, settings: LazySettings) -> None:
    settings.MAX_EVENT_AGE_DAYS = 2
    partitions.ensure(date(2026, 11, day) for day in (18, 19, 20, 21, 22))
    with clock.stopped_at(datetime(2026, 11, 22, 0, 7, tzinfo=UTC)):
        assert housekeeping.drop_old_events() == [date(2026, 11, 18), date(2026, 11, 19)]

    assert partitions.existing() == [date(2026, 11, 20), date(2026, 11, 21), date(2026, 11, 22)]


def test_the_default_age_is_ninety_days(settings: LazySettings) -> None:
    assert settings.MAX_EVENT_AGE_DAYS == 90


def test_the_daily_round_makes_partitions_and_forgets_uuids_after_thirty_days(project: Project) -> None:
    remember(project, 1, NOON - timedelta(days=30, seconds=1))
    remember(project, 2, NOON - timedelta(days=30))
    remember(project, 3, NOON)
    with clock.stopped_at(NOON):
        housekeeping.daily()

    assert remembered(project) == {uuid(2), uuid(3)}
    assert partitions.existing()[0] == NOON.date()
    assert len(partitions.existing()) == 8


def test_uuids_of_all_projects_and_partitions_are_forgotten_in_bounded_steps(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "BLOCKS", 1)
    neighbour = make_project("neighbour")
    rows = [
        EventLedger(
            environment_id=(project, neighbour)[number % 2].id,
            uuid=uuid(number),
            received_at=NOON - timedelta(days=number % 3),
        )
        for number in range(3000)  # several pages in each of the partitions
    ]
    EventLedger.objects.bulk_create(rows)

    assert housekeeping.forget_old_uuids(NOON - timedelta(days=1)) == 1000
    assert len(remembered(project)) + len(remembered(neighbour)) == 2000
    assert housekeeping.forget_old_uuids(NOON - timedelta(days=1)) == 0
    assert LEDGER_PARTITIONS == 8


# ---- as tasks


def test_the_daily_round_is_a_task(project: Project) -> None:
    remember(project, 1, NOON - timedelta(days=31))
    with clock.stopped_at(NOON):
        tasks.daily(timestamp=0)

    assert remembered(project) == set()


def test_the_tasks_have_their_times() -> None:
    times = {task.task.name: task.cron for task in app.periodic_registry.periodic_tasks.values()}
    assert times["errortracking.daily"] == "7 0 * * *"
    assert times["tasks.retry_stalled"] == "* * * * *"
    assert times["tasks.remove_old"] == "37 2 * * *"


class Manager:
    """Stands for procrastinate's job manager, and writes down what it was asked."""

    def __init__(self, stalled: list[str]) -> None:
        self.stalled = stalled
        self.retried: list[str] = []
        self.deleted: dict[str, Any] = {}

    async def get_stalled_jobs(self) -> list[str]:
        return self.stalled

    async def retry_job(self, job: str) -> None:
        self.retried.append(job)

    async def delete_old_jobs(self, **options: Any) -> None:
        self.deleted = options


class Context:
    def __init__(self, manager: Manager) -> None:
        self.app = type("App", (), {"job_manager": manager})


def test_stalled_jobs_run_again() -> None:
    manager = Manager(["one", "two"])
    asyncio.run(tasks.retry_stalled(Context(manager), timestamp=0))  # type: ignore[arg-type]

    assert manager.retried == ["one", "two"]


def test_jobs_that_ended_three_days_ago_are_deleted_however_they_ended() -> None:
    manager = Manager([])
    asyncio.run(tasks.remove_old(Context(manager), timestamp=0))  # type: ignore[arg-type]

    assert manager.deleted == {
        "nb_hours": 72,
        "include_failed": True,
        "include_cancelled": True,
        "include_aborted": True,
    }


def test_a_step_that_fails_keeps_none_of_the_others_from_their_work(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(day: date) -> list[date]:
        raise OperationalError("the table is locked")

    remember(project, 1, NOON - timedelta(days=31))
    monkeypatch.setattr(partitions, "drop_before", locked)
    with clock.stopped_at(NOON), pytest.raises(OperationalError, match="locked"):
        housekeeping.daily()

    assert remembered(project) == set()
