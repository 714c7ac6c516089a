"""What a limit dropped yesterday and today is told of, by whose limit it was."""

from __future__ import annotations

from datetime import timedelta

import pytest

from errortracking.models import EventCount, OutcomeCount
from healthtrack.checks.describing import describe
from tests.environments.world import World
from tests.healthtrack.checks.kinds.asking import found
from tests.healthtrack.checks.making import NOON

pytestmark = pytest.mark.django_db


def counted(world: World, outcome: str, count: int, reason: str = "", days_ago: int = 0) -> None:
    day = (NOON - timedelta(days=days_ago)).date()
    OutcomeCount.objects.create(environment=world.project, day=day, outcome=outcome, reason=reason, count=count)
    EventCount.objects.get_or_create(environment=world.project, day=day, event="$exception")


def test_each_kind_of_limit_is_a_finding(world: World, stranger: World) -> None:
    counted(world, "stored", 60)
    counted(world, "rate_limited", 20, "project", days_ago=1)
    counted(world, "rate_limited", 20, "issue")
    counted(world, "duplicate", 1000)
    counted(stranger, "stored", 60)

    issue, project = found("rate_limited", world, stranger)[0]

    assert issue == (
        "warning",
        {
            "reason": "20 of 100 exceptions of yesterday and today were dropped by the rate limits of its issues",
            "limit": "issue",
            "dropped": 20,
            "sent": 100,
            "share": 0.2,
        },
    )
    assert (project[0], project[1]["limit"], project[1]["dropped"]) == ("warning", "project", 20)
    assert found("rate_limited", stranger) == [[]]


def test_when_half_is_dropped_it_is_critical(world: World) -> None:
    counted(world, "stored", 50)
    counted(world, "rate_limited", 50, "project")
    assert [severity for severity, _ in found("rate_limited", world)[0]] == ["critical"]


def test_almost_half_is_less_than_half(world: World) -> None:
    counted(world, "stored", 50_001)
    counted(world, "rate_limited", 49_999, "project")
    [[(severity, payload)]] = found("rate_limited", world)
    assert (severity, payload["share"]) == ("warning", 0.5)


def test_the_day_before_yesterday_is_over(world: World) -> None:
    counted(world, "rate_limited", 50, "project", days_ago=1)
    assert len(found("rate_limited", world)[0]) == 1
    assert found("rate_limited", world, at=NOON + timedelta(days=1)) == [[]]


def test_the_title_names_the_limit() -> None:
    title = "Exceptions are dropped by the project's rate limit"
    assert describe("rate_limited", "warning", {"limit": "project"}).title == title
    assert (
        describe("rate_limited", "warning", {"limit": "issue"}).title
        == "Exceptions are dropped by an issue's rate limit"
    )
