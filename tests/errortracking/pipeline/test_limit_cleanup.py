"""Buckets that are full again are forgotten, a day later; so are old counts of what was dropped."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.db import connections, transaction

from environments import clock
from environments.models import Project
from errortracking.models import Fingerprint, Issue, RateLimitBucket, RateLimitedCount
from errortracking.pipeline import housekeeping, limit_cleanup, pages
from tests.errortracking.pipeline.limiting import limits, of
from tests.errortracking.pipeline.making import NOON, make_project, outcomes, queue, send

DAY = timedelta(days=1)


def make(project: Project, number: int, at: datetime, tokens: int, fraction: int = 0, value: int = 10) -> None:
    RateLimitBucket.objects.create(
        environment=project,
        id=UUID(int=number),
        at=at,
        tokens=tokens,
        fraction=fraction,
        value=value,
        minutes=60,
        version=1,
    )


def kept(project: Project) -> list[int]:
    return [row.id.int for row in RateLimitBucket.objects.filter(environment_id=project.id).order_by("id")]


def test_a_bucket_goes_when_it_has_been_full_for_a_day(project: Project) -> None:
    """10 an hour: a token in 360 seconds. One missing, 100 of its 3600 parts there: 3500 parts by 10 a second."""
    full = timedelta(seconds=350)
    make(project, 1, NOON, tokens=9, fraction=100)
    make(project, 2, NOON, tokens=10)
    make(project, 3, NOON + full, tokens=10)
    make(project, 4, NOON + full, tokens=9, fraction=3599)
    with clock.stopped_at(NOON + DAY + full - timedelta(seconds=1)):
        assert limit_cleanup.forget_full_buckets() == 1
    assert kept(project) == [1, 3, 4]
    with clock.stopped_at(NOON + DAY + full + timedelta(milliseconds=500)):
        assert limit_cleanup.forget_full_buckets() == 2
    assert kept(project) == [4]


def test_the_largest_bucket_that_is_empty_is_kept_for_as_long_as_it_takes(project: Project) -> None:
    make(project, 1, NOON, tokens=0, value=2**31 - 1)
    RateLimitBucket.objects.filter(environment_id=project.id).update(minutes=2**31 - 1)
    with clock.stopped_at(NOON + 3650 * DAY):
        assert limit_cleanup.forget_full_buckets() == 0


def test_buckets_wait_for_requests_that_wait(project: Project) -> None:
    """A request of three days ago must find what was charged before it. Which project it is of does not matter."""
    neighbour = make_project("neighbour")
    queue(make_project("first"), *of("A"), received_at=NOON + 3 * DAY)
    queue(neighbour, *of("A"), received_at=NOON - timedelta(seconds=1))
    queue(neighbour, *of("A"), received_at=NOON + DAY)
    make(project, 1, NOON, tokens=10)
    make(project, 2, NOON - timedelta(seconds=1), tokens=10)
    with clock.stopped_at(NOON + 3 * DAY):
        assert limit_cleanup.forget_full_buckets() == 1
    assert kept(project) == [1]


def test_a_bucket_from_a_future_that_was_none_is_forgotten(project: Project) -> None:
    """The clock was wrong: an empty bucket would get nothing before that moment comes."""
    make(project, 1, NOON + timedelta(hours=1), tokens=0)
    make(project, 2, NOON + timedelta(hours=1, seconds=1), tokens=0)
    with clock.stopped_at(NOON):
        assert limit_cleanup.forget_full_buckets() == 1
    assert kept(project) == [1]


def test_all_projects_are_cleaned_in_bounded_steps(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "BLOCKS", 1)
    neighbour = make_project("neighbour")
    rows = [
        RateLimitBucket(
            environment_id=(project, neighbour)[number % 2].id,
            id=UUID(int=number),
            at=NOON,
            tokens=number % 4,
            fraction=0,
            value=3,
            minutes=10_000,
            version=1,
        )
        for number in range(1000)  # some ten pages
    ]
    RateLimitBucket.objects.bulk_create(rows)
    with clock.stopped_at(NOON + DAY):
        assert limit_cleanup.forget_full_buckets() == 250
        assert limit_cleanup.forget_full_buckets() == 0
    assert len(kept(project)) + len(kept(neighbour)) == 750


@pytest.mark.django_db(transaction=True)
def test_a_bucket_that_is_being_charged_is_passed_over() -> None:
    project = make_project()
    make(project, 1, NOON, tokens=10)
    make(project, 2, NOON, tokens=10)
    other = connections["default"].copy()
    try:
        with other.cursor() as cursor:
            other.set_autocommit(False)
            mine: list[int | UUID] = [project.id, UUID(int=1)]
            cursor.execute(
                "SELECT 1 FROM errortracking_ratelimitbucket WHERE environment_id = %s AND id = %s FOR UPDATE", mine
            )
            with clock.stopped_at(NOON + 2 * DAY), transaction.atomic():
                assert limit_cleanup.forget_full_buckets() == 1
            other.rollback()
    finally:
        other.close()
    assert kept(project) == [1]


def test_what_is_forgotten_admits_no_more_than_what_is_kept(project: Project) -> None:
    limits(project, issue=2)
    send(project, *of("A", 3))
    later = NOON + DAY + timedelta(hours=1)
    with clock.stopped_at(later):
        housekeeping.daily()
    assert kept(project) == []
    send(project, *of("A", 3), received_at=later)
    assert outcomes(project) == {"stored": 4, "rate_limited/issue": 2}


def test_counts_of_drops_go_with_the_events_of_their_days(project: Project, settings: LazySettings) -> None:
    settings.MAX_EVENT_AGE_DAYS = 2
    issue = Issue.objects.create(environment=project, name="A")
    fingerprint = Fingerprint.objects.create(
        environment=project, issue=issue, fingerprint="f", kind="v2", first_seen=NOON
    )
    for day in (19, 20, 21):
        RateLimitedCount.objects.create(
            environment=project, fingerprint=fingerprint, day=date(2026, 11, day), reason="issue", count=1
        )
    with clock.stopped_at(NOON):
        housekeeping.daily()
    rows = RateLimitedCount.objects.filter(environment_id=project.id)
    assert sorted(row.day.day for row in rows) == [20, 21]
