"""POST …/health_issues/refresh/: all checks of the project run soon, at most once a minute (pipeline 5.6)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from environments import clock
from healthtrack.checks.registry import CHECKS
from healthtrack.tasks import check_health
from tests.environments.world import Api, World, answer, error
from tests.healthtrack.api.making import CREATED, make_issue
from tests.healthtrack.checks.making import rows

pytestmark = pytest.mark.django_db


def jobs(world: World) -> list[dict[str, Any]]:
    found = ProcrastinateJob.objects.filter(task_name="healthtrack.check").order_by("id").values_list("args", flat=True)
    return [arguments for arguments in found if arguments["environment_ids"] == [world.project.id]]


def test_every_check_is_queued_for_this_project(world: World, stranger: World, issues: Api) -> None:
    kinds = sorted(CHECKS)
    expected = {"scheduled_kinds": kinds, "kinds_failed": [], "team_id": world.project.id}
    assert answer(issues.post("refresh/")) == (202, expected)
    assert sorted(job["kind"] for job in jobs(world)) == kinds
    assert jobs(stranger) == []


def test_the_queued_jobs_run_the_checks(world: World, issues: Api) -> None:
    make_issue(world.project, kind="set_aside_events")
    issues.post("refresh/")
    for job in jobs(world):
        check_health(**job)
    assert rows(world.project, "status") == ["resolved"]  # nothing is set aside


def test_once_a_minute_is_enough(world: World, stranger: World, issues: Api) -> None:
    with clock.stopped_at(CREATED):
        assert issues.post("refresh/").status_code == 202
    with clock.stopped_at(CREATED + timedelta(seconds=59)):
        again = issues.post("refresh/")
        other = Api(stranger.project, stranger.key("*"), below="health_issues/")
        assert other.post("refresh/").status_code == 202
    assert answer(again) == error(
        429, "throttled_error", "throttled", "Request was throttled. Expected available in 1 second.", None
    )
    assert again["Retry-After"] == "1"
    assert len(jobs(world)) == len(CHECKS)
    with clock.stopped_at(CREATED + timedelta(seconds=60)):
        assert issues.post("refresh/").status_code == 202


def test_a_job_that_waits_is_not_queued_twice(world: World, issues: Api) -> None:
    for minutes in (0, 2):
        with clock.stopped_at(CREATED + timedelta(minutes=minutes)):
            _, body = answer(issues.post("refresh/"))
            assert body["scheduled_kinds"] == sorted(CHECKS)
    assert len(jobs(world)) == len(CHECKS)


def test_reading_is_not_enough(world: World) -> None:
    api = Api(world.project, world.key("health_issue:read"), below="health_issues/")
    assert api.post("refresh/").status_code == 403
    assert jobs(world) == []
