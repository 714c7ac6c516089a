"""Pipeline 4.2: what is stale, and who may compute it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import ConnectorException

from environments.models import Project
from errortracking.recommendations.claims import claim, stale_since, start_stale
from tests.errortracking.recommendations.making import ALL_TYPES, NOW, ago, at, jobs, make_row, rows, started


@pytest.mark.parametrize(
    ("interval", "since"),
    [
        (None, datetime(2026, 11, 22, 12, tzinfo=UTC)),
        (timedelta(hours=6), datetime(2026, 11, 22, 6, tzinfo=UTC)),
        (timedelta(hours=24), datetime(2026, 11, 21, 12, tzinfo=UTC)),
    ],
)
def test_what_was_computed_an_interval_ago_is_stale(interval: timedelta | None, since: datetime) -> None:
    """4.2, stale: interval none → always; now ≥ computed_at + interval."""
    assert stale_since(interval, NOW) == since


def test_missing_rows_are_made_and_start_at_once(project: Project) -> None:
    """4.2, list: makes missing rows, starts stale computations; computed_at null → stale."""
    assert start_stale(project.pk) == 5
    assert sorted(started(project)) == ALL_TYPES
    for name, row in rows(project).items():
        assert (row.type, row.status, row.meta, row.computed_at, row.dismissed_at) == (
            name,
            "computing",
            {},
            None,
            None,
        )
        assert (row.created_at, row.updated_at, row.status_changed_at) == (NOW, NOW, NOW)
        assert (row.pk.version, row.pk.int >> 80) == (7, 1795348800000)


def test_the_job_says_which_row_was_claimed_when(project: Project) -> None:
    with at(datetime(2026, 11, 22, 12, 0, 0, 1, tzinfo=UTC)):
        start_stale(project.pk)
    row = rows(project)["alerts"]
    assert {"environment_id": project.pk, "row_id": str(row.pk), "claimed_at": "2026-11-22T12:00:00.000001+00:00"} in (
        jobs(project)
    )


@pytest.mark.parametrize(
    ("name", "age", "is_started"),
    [
        ("alerts", timedelta(), True),
        ("rate_limits", timedelta(seconds=1), True),
        ("source_maps", timedelta(hours=5, minutes=59, seconds=59), False),
        ("source_maps", timedelta(hours=6), True),
        ("long_running_issues", timedelta(hours=5, minutes=59, seconds=59), False),
        ("long_running_issues", timedelta(hours=6), True),
        ("quiet_issues", timedelta(hours=23, minutes=59, seconds=59), False),
        ("quiet_issues", timedelta(hours=24), True),
    ],
)
def test_a_ready_row_starts_when_it_is_stale(project: Project, name: str, age: timedelta, is_started: bool) -> None:
    """4.1, refresh; 4.2, stale (older rule)."""
    make_row(project, name, computed_at=NOW - age, meta={"old": 1}, updated_at=ago(days=2))
    start_stale(project.pk)
    row = rows(project)[name]
    assert (name in started(project)) is is_started
    assert row.status == ("computing" if is_started else "ready")
    assert row.status_changed_at == (NOW if is_started else ago(days=1))
    # The rest is as it was: whoever looks sees the old result until there is a new one.
    assert (row.meta, row.computed_at, row.updated_at) == ({"old": 1}, NOW - age, ago(days=2))


@pytest.mark.parametrize(
    ("since", "is_claimed"),
    [
        (timedelta(), False),
        (timedelta(minutes=4, seconds=59), False),
        (timedelta(minutes=5), False),
        (timedelta(minutes=5, microseconds=1), True),
        (timedelta(days=3), True),
    ],
)
def test_a_computing_row_is_claimed_again_after_more_than_five_minutes(
    project: Project, since: timedelta, is_claimed: bool
) -> None:
    """4.2, claim: ready → computing, or computing stuck > 5 min; the same for the list and for one row."""
    for name in ("alerts", "rate_limits"):
        make_row(project, name, status="computing", status_changed_at=NOW - since)
    start_stale(project.pk)
    assert ("alerts" in started(project)) is is_claimed
    assert rows(project)["alerts"].status_changed_at == (NOW if is_claimed else NOW - since)
    with at(NOW + timedelta(microseconds=0)):
        row = make_row(project, "weekly_digest", status="computing", status_changed_at=NOW - since)
        assert claim(project.pk, row.pk) is is_claimed
    assert ("weekly_digest" in started(project)) is is_claimed


def test_a_row_that_is_stuck_starts_again_although_it_is_not_stale(project: Project) -> None:
    """Somebody had asked for it anew, and its worker was lost: it would be computing until it is stale, for a day."""
    make_row(project, "quiet_issues", status="computing", status_changed_at=ago(minutes=6), computed_at=ago(minutes=10))
    make_row(project, "source_maps", status="computing", status_changed_at=ago(minutes=4), computed_at=ago(minutes=10))
    start_stale(project.pk)
    assert "quiet_issues" in started(project)
    assert "source_maps" not in started(project)


def test_one_row_is_claimed_whether_stale_or_not(project: Project) -> None:
    """3, refresh: claims the row when ready."""
    row = make_row(project, "source_maps", computed_at=NOW)
    other = make_row(project, "alerts", computed_at=NOW)
    assert claim(project.pk, row.pk) is True
    assert started(project) == ["source_maps"]
    assert claim(project.pk, row.pk) is False
    assert started(project) == ["source_maps"]
    other.refresh_from_db()
    assert other.status == "ready"


def test_a_row_of_another_project_is_not_claimed(project: Project, world: object) -> None:
    row = make_row(project)
    assert claim(project.pk + 1, row.pk) is False
    assert rows(project)["alerts"].status == "ready"


def test_rows_of_other_projects_stay_as_they_are(project: Project, world: object) -> None:
    foreign = make_row(world.project, "alerts")  # type: ignore[attr-defined]
    start_stale(project.pk)
    foreign.refresh_from_db()
    assert foreign.status == "ready"
    assert list(rows(world.project)) == ["alerts"]  # type: ignore[attr-defined]


def test_a_row_of_an_unknown_type_is_left_alone(project: Project) -> None:
    make_row(project, "weekly_digest")
    start_stale(project.pk)
    assert rows(project)["weekly_digest"].status == "ready"
    assert sorted(started(project)) == ALL_TYPES


def test_nothing_stale_is_nothing_started(project: Project) -> None:
    for name in ALL_TYPES:
        make_row(project, name, status="computing", status_changed_at=NOW)
    assert start_stale(project.pk) == 0
    assert jobs(project) == []


def test_claim_and_job_share_their_transaction(project: Project) -> None:
    """Either both exist or neither does."""
    with pytest.raises(ZeroDivisionError), transaction.atomic():  # noqa: PT012 - the rest of the transaction
        assert start_stale(project.pk) == 5
        assert len(jobs(project)) == 5
        1 / 0  # noqa: B018
    assert (rows(project), jobs(project)) == ({}, [])


def test_a_job_that_cannot_be_queued_gives_the_rows_back(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """4.2, refresh: queue down → the row goes back to ready."""
    row = make_row(project, "alerts")

    def refuse(**options: object) -> None:
        raise ConnectorException

    monkeypatch.setattr(app.connector, "execute_query_all", refuse)
    with pytest.raises(OperationalError), transaction.atomic():
        claim(project.pk, row.pk)
    with pytest.raises(OperationalError):
        start_stale(project.pk)
    assert {name: row.status for name, row in rows(project).items()} == {"alerts": "ready"}
