"""Kinds about how exceptions are sent: without a release, by a wrong clock, in a shape that cannot be read."""

from __future__ import annotations

from datetime import timedelta

import pytest

from errortracking.models import EventCount, OutcomeCount
from healthtrack.checks.describing import describe
from healthtrack.checks.kinds import clock_skew, stale_release
from tests.environments.world import World
from tests.healthtrack.checks.kinds.asking import found
from tests.healthtrack.checks.kinds.counting import sent, tallied
from tests.healthtrack.checks.making import NOON

pytestmark = pytest.mark.django_db


def test_exceptions_without_a_release_are_told_where_releases_are_used(world: World, stranger: World) -> None:
    tallied(world, "with_release", 180, days_ago=7)
    tallied(world, "without_release", 20)
    tallied(stranger, "without_release", 500)
    payload = {
        "reason": "20 of 200 exceptions of the last 7 days have no release, although releases are used",
        "without_release": 20,
        "exceptions": 200,
        "share": 0.1,
    }
    assert found("stale_release", world, stranger) == [[("warning", payload)], []]


@pytest.mark.parametrize(("without", "with_release"), [(19, 1), (20, 181), (20, 0), (0, 0)])
def test_few_or_a_small_share_without_a_release_say_nothing(without: int, with_release: int) -> None:
    assert stale_release.findings(without, with_release) == []


def test_releases_of_the_week_before_are_not_in_use(world: World) -> None:
    tallied(world, "with_release", 180, days_ago=8)
    tallied(world, "without_release", 20)
    assert found("stale_release", world) == [[]]


def test_wrong_clocks_are_told(world: World) -> None:
    tallied(world, "clock_skew", 20, days_ago=7)
    tallied(world, "with_release", 100)
    tallied(world, "without_release", 300)
    payload = {
        "reason": "20 of 400 exceptions of the last 7 days were sent by a clock more than 5 minutes off",
        "skewed": 20,
        "exceptions": 400,
        "share": 0.05,
    }
    assert found("clock_skew", world) == [[("warning", payload)]]


@pytest.mark.parametrize(("skewed", "total"), [(19, 19), (20, 401), (0, 0)])
def test_few_wrong_clocks_say_nothing(skewed: int, total: int) -> None:
    assert clock_skew.findings(skewed, total) == []


def outcome(world: World, name: str, count: int) -> None:
    OutcomeCount.objects.create(environment=world.project, day=NOON.date(), outcome=name, count=count)


def test_each_type_of_warning_is_a_finding(world: World, stranger: World) -> None:
    tallied(world, "unreadable", 10, days_ago=7)
    sent(world, "other", 12)
    name_events(world, 999)
    outcome(world, "duplicate", 10)
    outcome(world, "stored", 190)
    tallied(stranger, "unreadable", 9)
    sent(stranger, "other", 9)
    name_events(stranger, 999)
    outcome(stranger, "duplicate", 9)
    assert found("ingestion_warning", world, stranger) == [
        [
            (
                "critical",
                {
                    "warning_type": "unreadable_exception_list",
                    "category": "exceptions",
                    "severity": "error",
                    "affected_count": 10,
                    "last_seen_at": "2026-02-22T12:00:00Z",
                },
            ),
            (
                "info",
                {
                    "warning_type": "too_many_event_names",
                    "category": "event_names",
                    "severity": "info",
                    "affected_count": 12,
                    "last_seen_at": "2026-03-01T12:00:00Z",
                },
            ),
            (
                "warning",
                {
                    "warning_type": "duplicate_uuid",
                    "category": "duplicates",
                    "severity": "warning",
                    "affected_count": 10,
                    "last_seen_at": "2026-03-01T00:00:00Z",
                },
            ),
        ],
        [],
    ]


def name_events(world: World, number: int) -> None:
    """Count one event each of so many names, two months ago."""
    EventCount.objects.bulk_create(
        EventCount(environment=world.project, day=NOON.date() - timedelta(days=60), event=f"event {n}", count=1)
        for n in range(number)
    )


def test_events_that_are_named_other_are_no_warning(world: World) -> None:
    """Beyond the limit of names events are counted under that one."""
    sent(world, "other", 5_000)
    name_events(world, 998)
    assert found("ingestion_warning", world) == [[]]


def test_retries_are_no_warning(world: World) -> None:
    sent(world, "$exception")
    outcome(world, "duplicate", 10)
    outcome(world, "stored", 191)
    assert found("ingestion_warning", world) == [[]]


def test_a_week_ago_is_over(world: World) -> None:
    sent(world, "$exception")
    tallied(world, "unreadable", 100, days_ago=8)
    assert found("ingestion_warning", world) == [[]]


def test_the_summary_tells_what_it_means() -> None:
    told = describe("ingestion_warning", "info", {"warning_type": "too_many_event_names", "affected_count": 12})
    assert told.title == "Ingestion warning detected"
    assert told.summary == "12 events have names beyond the 1,000 that are counted by name"
