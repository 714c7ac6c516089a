"""Pipeline 4.2, task compute: success, failure, a row that is gone or no longer its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from structlog.testing import capture_logs

from environments.models import Project
from errortracking.models import Recommendation
from errortracking.recommendations import computing
from errortracking.recommendations.base import Meta, RecommendationType
from errortracking.recommendations.claims import claim, start_stale
from tests.errortracking.recommendations.making import NOW, ago, at, jobs, make_row, rows, work

LATER = NOW + timedelta(seconds=9)


class Made(RecommendationType):
    """A type that computes whatever the test says."""

    name = "made"
    interval = None

    def __init__(self) -> None:
        self.calls = 0
        self.act: Callable[[int], Meta] = lambda environment_id: {"n": environment_id}

    def compute(self, environment_id: int) -> Meta:
        self.calls += 1
        return self.act(environment_id)

    def is_completed(self, meta: Meta) -> bool:
        return True


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    kind = Made()
    monkeypatch.setattr(computing, "TYPES", {"made": kind})
    return kind  # type: ignore[return-value]


def claimed(project: Project, **fields: Any) -> Recommendation:
    """Make a row with an old result and claim it."""
    old = {"meta": {"old": True}, "computed_at": ago(hours=7)}
    row = make_row(project, **{"type": "made", **old, **fields})
    assert claim(project.pk, row.pk)
    return row


def content(row: Recommendation) -> tuple[Any, ...]:
    row.refresh_from_db()
    return row.status, row.meta, row.computed_at, row.status_changed_at, row.updated_at


def test_success_writes_meta_and_time_and_makes_the_row_ready(project: Project, made: Made) -> None:
    """4.2: success writes meta + computed_at + ready."""
    row = claimed(project)
    with at(LATER):
        work(project)
    assert content(row) == ("ready", {"n": project.pk}, LATER, LATER, LATER)


def test_failure_is_logged_and_changes_nothing_but_the_status(project: Project, made: Made) -> None:
    """4.2: exception → logged, back to ready, meta and computed_at unchanged; 3: resets status to ready silently."""
    row = claimed(project)
    made.act = lambda environment_id: {"n": 1 // 0}
    with at(LATER), capture_logs() as logs:
        work(project)
    assert content(row) == ("ready", {"old": True}, ago(hours=7), LATER, ago(days=1))
    assert [(entry["log_level"], entry["project"], entry["type"]) for entry in logs] == [("error", project.pk, "made")]


def test_a_statement_that_fails_is_a_failure_too(project: Project, made: Made) -> None:
    row = claimed(project)

    def fail(environment_id: int) -> Meta:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")
        return {}

    made.act = fail
    work(project)
    assert content(row)[:3] == ("ready", {"old": True}, ago(hours=7))


def test_what_cannot_be_stored_is_a_failure_too(project: Project, made: Made) -> None:
    row = claimed(project)
    made.act = lambda environment_id: {"n": object()}
    work(project)
    assert content(row)[:3] == ("ready", {"old": True}, ago(hours=7))


def test_a_statement_may_take_less_time_than_a_claim_lasts(project: Project, made: Made) -> None:
    claimed(project)
    seen = []

    def look(environment_id: int) -> Meta:
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            seen.append(cursor.fetchone())
        return {}

    made.act = look
    work(project)
    assert seen == [("4min",)]


def test_a_row_that_is_gone_is_not_missed(project: Project, made: Made) -> None:
    """4.2: row gone → nothing."""
    row = claimed(project)
    [job] = jobs(project)
    row.delete()
    work(project)
    computing.compute(project.pk, uuid4(), NOW)
    assert (rows(project), made.calls, job["row_id"]) == ({}, 0, str(row.pk))


def test_a_row_that_goes_while_it_is_computed_is_not_made_again(project: Project, made: Made) -> None:
    row = claimed(project)

    def remove(environment_id: int) -> Meta:
        row.delete()
        return {}

    made.act = remove
    work(project)
    assert (rows(project), made.calls) == ({}, 1)


def test_an_unknown_type_becomes_ready_and_stays_as_it_was(project: Project, made: Made) -> None:
    """4.2: unknown type → ready."""
    row = claimed(project, type="weekly_digest")
    with at(LATER):
        work(project)
    assert content(row) == ("ready", {"old": True}, ago(hours=7), LATER, ago(days=1))


def test_a_job_that_runs_twice_computes_once(project: Project, made: Made) -> None:
    row = claimed(project)
    work(project)
    with at(LATER):
        work(project)
    assert made.calls == 1
    assert content(row)[2] == NOW


def test_a_job_that_was_overtaken_does_nothing(project: Project, made: Made) -> None:
    """Its row looked stuck and was claimed anew: only the newer job's result and failure count."""
    row = claimed(project)
    with at(NOW + timedelta(minutes=6)):
        assert claim(project.pk, row.pk)
        first, second = jobs(project)
        computing.compute(project.pk, row.pk, NOW)
        assert (made.calls, content(row)[0]) == (0, "computing")
        assert (first["claimed_at"], second["claimed_at"]) == ("2026-11-22T12:00:00+00:00", "2026-11-22T12:06:00+00:00")
        work(project)
    assert (made.calls, content(row)[0]) == (1, "ready")


def test_a_job_that_is_overtaken_while_it_computes_writes_nothing(project: Project, made: Made) -> None:
    row = claimed(project)
    fence = NOW + timedelta(minutes=6)

    def overtaken(environment_id: int) -> Meta:
        with at(fence):
            assert claim(project.pk, row.pk)
        return {"stale": True}

    made.act = overtaken
    computing.compute(project.pk, row.pk, NOW)
    assert content(row)[:4] == ("computing", {"old": True}, ago(hours=7), fence)


def test_a_dismissal_during_the_computation_is_kept(project: Project, made: Made) -> None:
    row = claimed(project)

    def dismiss(environment_id: int) -> Meta:
        Recommendation.objects.filter(environment_id=project.pk, pk=row.pk).update(dismissed_at=LATER)
        return {"n": 1}

    made.act = dismiss
    work(project)
    assert (content(row)[1], row.dismissed_at) == ({"n": 1}, LATER)


def test_a_new_project_ends_with_all_rows_ready(project: Project) -> None:
    """The real types, on a project without any data: each has its documented shape (contract 3, meta)."""
    start_stale(project.pk)
    work(project)
    assert {name: (row.status, row.computed_at, row.meta) for name, row in rows(project).items()} == {
        "alerts": (
            "ready",
            NOW,
            {
                "alerts": [
                    {"key": "error-tracking-issue-created", "enabled": False},
                    {"key": "error-tracking-issue-reopened", "enabled": False},
                    {"key": "error-tracking-issue-spiking", "enabled": False},
                ]
            },
        ),
        "long_running_issues": ("ready", NOW, {"issues": []}),
        "quiet_issues": ("ready", NOW, {"quiet_days": 30, "total": 0, "issues": []}),
        "rate_limits": (
            "ready",
            NOW,
            {"rate_limits": [{"key": "project", "enabled": False}, {"key": "per_issue", "enabled": True}]},
        ),
        "source_maps": (
            "ready",
            NOW,
            {
                "total_frames": 0,
                "unresolved_frames": 0,
                "unresolved_pct": 0.0,
                "threshold_pct": 0.3,
                "min_sample_frames": 20,
                "sample_frames": 2000,
                "lookback_hours": 24,
            },
        ),
    }
