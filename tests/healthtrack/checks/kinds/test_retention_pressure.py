"""The disk is foreseen to be full: by what each day takes, and what each day that is dropped gives back."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from errortracking.ingest.disk import Space
from errortracking.models import EventCount, OutcomeCount, partitions
from healthtrack.checks.kinds import retention_pressure
from healthtrack.checks.kinds.retention_pressure import days_left, room
from tests.environments.world import World
from tests.healthtrack.checks.kinds.asking import found
from tests.healthtrack.checks.making import NOON

TODAY = date(2026, 3, 1)
MEGABYTE = 1024 * 1024


def sizes(**by_age: int) -> dict[date, int]:
    return {TODAY - timedelta(days=int(age[1:])): size for age, size in by_age.items()}


def test_the_mean_of_the_last_full_days_is_what_a_day_takes() -> None:
    # Today (1,000) is not full yet, and the eighth day is not asked: (10 + 20 + 30) / 3 = 20 a day.
    told = sizes(d0=1000, d1=10, d2=20, d3=30, d8=9000)
    assert days_left(100, told, TODAY, max_age=90, within=30) == 5
    assert days_left(101, told, TODAY, max_age=90, within=30) == 6
    assert days_left(601, told, TODAY, max_age=90, within=30) is None


def test_a_day_that_becomes_too_old_gives_its_room_back() -> None:
    # 10 a day, and each day one of 10 is dropped: it goes on for ever. Where the dropped were smaller, it does not.
    full = {TODAY - timedelta(days=age): 10 for age in range(1, 91)}
    assert days_left(5, full, TODAY, max_age=90, within=30) is None
    smaller = {day: 10 if day >= TODAY - timedelta(days=7) else 4 for day in full}
    assert days_left(30, smaller, TODAY, max_age=90, within=30) == 5  # 6 a day net


def test_without_events_nothing_fills_up() -> None:
    assert days_left(0, {}, TODAY, max_age=90, within=30) is None


def test_room_is_what_is_left_until_events_are_refused(settings: Any) -> None:
    settings.MIN_FREE_DISK_MB, settings.MAX_DATABASE_MB = 512, 1000
    assert room(Space(None, None)) is None
    assert room(Space(600 * MEGABYTE, None)) == 88 * MEGABYTE
    assert room(Space(None, 990 * MEGABYTE)) == 10 * MEGABYTE
    assert room(Space(600 * MEGABYTE, 990 * MEGABYTE)) == 10 * MEGABYTE


@pytest.mark.django_db
def test_those_who_fill_it_are_told(world: World, stranger: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for place, count in ((world, 95), (stranger, 5)):
        day = NOON.date() - timedelta(days=1)
        OutcomeCount.objects.create(environment=place.project, day=day, outcome="stored", count=count)
        EventCount.objects.create(environment=place.project, day=day, event="$exception")
    told = {NOON.date() - timedelta(days=1): 10 * MEGABYTE}
    monkeypatch.setattr(retention_pressure, "_sizes", lambda: told)
    monkeypatch.setattr("errortracking.ingest.disk.read", lambda: Space((512 + 70) * MEGABYTE, None))

    assert found("retention_pressure", world, stranger) == [
        [
            (
                "critical",
                {
                    "reason": "Events will be refused in about 7 days, of which this project sends 95%",
                    "days_left": 7,
                    "share": 0.95,
                    "free_bytes": 70 * MEGABYTE,
                    "max_event_age_days": 90,
                },
            )
        ],
        [],
    ]
    monkeypatch.setattr("errortracking.ingest.disk.read", lambda: Space((512 + 71) * MEGABYTE, None))
    assert [severity for severity, _ in found("retention_pressure", world)[0]] == ["warning"]
    monkeypatch.setattr("errortracking.ingest.disk.read", lambda: Space((512 + 301) * MEGABYTE, None))
    assert found("retention_pressure", world) == [[]]


@pytest.mark.django_db
def test_the_sizes_are_those_of_the_partitions() -> None:
    partitions.ensure([TODAY, TODAY - timedelta(days=1)])
    told = retention_pressure._sizes()
    assert told[TODAY] > 0
    assert told[TODAY - timedelta(days=1)] > 0
