"""Pipeline 4.2, background sweep: hourly, the projects with an exception in the last 7 days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from procrastinate.contrib.django import app
from structlog.testing import capture_logs

from environments.models import Project
from errortracking.recommendations import claims, sweep
from tests.environments.world import World
from tests.errortracking.recommendations.making import ago, make_events, make_issue, make_row, rows, started


def used(project: Project, received_at: datetime) -> Project:
    """Let the project get an exception."""
    make_events(make_issue(project), [received_at])
    return project


@pytest.mark.parametrize(
    ("received_at", "is_used"),
    [
        (ago(minutes=1), True),
        (ago(days=6), True),
        (ago(days=7), True),
        (datetime(2026, 11, 15, 0, 0, tzinfo=UTC), True),
        (datetime(2026, 11, 14, 23, 59, 59, tzinfo=UTC), False),
        (ago(days=60), False),
    ],
)
def test_a_project_is_in_use_for_7_days_after_an_exception(
    project: Project, received_at: datetime, is_used: bool
) -> None:
    """4.2, sweep: an exception in the last 7 days, here by the day."""
    used(project, received_at)
    assert (project.pk in sweep.projects_in_use()) is is_used


def test_a_project_without_exceptions_is_left_alone(project: Project, stranger: World) -> None:
    used(stranger.project, ago(hours=1))
    assert sweep.sweep() == 3
    assert (rows(project), started(project)) == ({}, [])
    assert sorted(started(stranger.project)) == ["long_running_issues", "quiet_issues", "source_maps"]


def test_what_is_stale_starts_and_what_each_look_starts_does_not(project: Project) -> None:
    used(project, ago(hours=1))
    make_row(project, "alerts")
    make_row(project, "source_maps", computed_at=ago(hours=5))
    make_row(project, "long_running_issues", computed_at=ago(hours=7))
    make_row(project, "quiet_issues", computed_at=ago(hours=23))
    assert sweep.sweep() == 1
    assert started(project) == ["long_running_issues"]


def test_one_projects_error_does_not_stop_the_others(
    project: Project, stranger: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """4.2, sweep: one team's error does not stop the batch."""
    first, second = used(project, ago(hours=1)), used(stranger.project, ago(hours=1))
    real = claims.start_stale

    def start(environment_id: int, types: Any) -> int:
        if environment_id == first.pk:
            raise ZeroDivisionError
        return real(environment_id, types)

    monkeypatch.setattr(claims, "start_stale", start)
    with capture_logs() as logs:
        assert sweep.sweep() == 3
    assert [entry["project"] for entry in logs if entry["log_level"] == "error"] == [first.pk]
    assert len(started(second)) == 3


def test_the_sweep_is_due_every_hour_and_never_twice_at_once() -> None:
    """4.2, sweep: hourly, no overlap."""
    [periodic] = [task for (name, _), task in app.periodic_registry.periodic_tasks.items() if name.endswith("_sweep")]
    due = datetime(2026, 11, 22, 12, 23, tzinfo=UTC).timestamp()
    assert periodic.croniter.get_next(ret_type=float, start_time=due) == due + timedelta(hours=1).total_seconds()
    assert periodic.task.name == "errortracking.recommendations_sweep"
    assert periodic.task.queueing_lock == periodic.task.lock == "errortracking.recommendations_sweep"
