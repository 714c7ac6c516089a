"""Findings become health issues: new ones, refreshed ones, resolved ones, and a recurrence is a new row."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from environments.models import Project
from healthtrack.checks.recording import record
from healthtrack.models import HealthIssue
from tests.environments.world import World
from tests.healthtrack.checks.making import NOON, Told, finding, rows

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(hours=1)


def told(**options: Any) -> Told:
    check = Told(set(), lambda _: {})
    for name, value in options.items():
        setattr(check, name, value)
    return check


def test_a_finding_is_an_active_issue(world: World) -> None:
    changes = record(told(), [world.project.id], {world.project.id: [finding("critical", sdk="web", count=2)]}, NOON)

    [issue] = HealthIssue.objects.filter(environment_id=world.project.id)
    assert (issue.kind, issue.severity, issue.status, issue.dismissed) == ("told", "critical", "active", False)
    assert issue.payload == {"sdk": "web", "count": 2}
    assert (issue.created_at, issue.updated_at, issue.resolved_at) == (NOON, NOON, None)
    assert [(one.id, one.severity, one.payload) for one in changes.firing] == [(issue.id, "critical", issue.payload)]
    assert (changes.resolved, changes.refreshed) == ([], 0)


def test_what_is_found_again_is_refreshed_and_stays_dismissed(world: World) -> None:
    here = world.project.id
    record(told(), [here], {here: [finding("warning", sdk="web", count=2)]}, NOON)
    HealthIssue.objects.filter(environment_id=here).update(dismissed=True)

    changes = record(told(), [here], {here: [finding("critical", sdk="web", count=3)]}, LATER)

    assert (changes.firing, changes.resolved, changes.refreshed) == ([], [], 1)
    assert rows(world.project, "severity", "payload", "dismissed", "created_at", "updated_at") == [
        ("critical", {"sdk": "web", "count": 3}, True, NOON, LATER)
    ]


def test_what_is_no_longer_found_is_resolved_and_a_recurrence_is_a_new_row(world: World) -> None:
    here = world.project.id
    record(told(), [here], {here: [finding(sdk="web"), finding(sdk="node")]}, NOON)

    changes = record(told(), [here], {here: [finding(sdk="node")]}, LATER)
    assert [one.payload for one in changes.resolved] == [{"sdk": "web"}]

    again = record(told(), [here], {here: [finding(sdk="node"), finding(sdk="web")]}, LATER + timedelta(hours=1))
    assert [one.payload for one in again.firing] == [{"sdk": "web"}]
    found = HealthIssue.objects.filter(environment_id=here, payload__sdk="web").order_by("created_at")
    assert [(one.status, one.resolved_at) for one in found] == [("resolved", LATER), ("active", None)]


def test_a_project_that_was_not_asked_about_keeps_its_issues(world: World, stranger: World) -> None:
    both = [world.project.id, stranger.project.id]
    record(told(), both, {one: [finding(sdk="web")] for one in both}, NOON)

    record(told(), [world.project.id], {}, LATER)

    assert rows(world.project, "status") == ["resolved"]
    assert rows(stranger.project, "status") == ["active"]


def test_findings_of_projects_that_were_not_asked_about_are_left_out(world: World, stranger: World) -> None:
    changes = record(told(), [world.project.id], {stranger.project.id: [finding(sdk="web")], 0: [finding()]}, NOON)
    assert changes.firing == []
    assert rows(stranger.project, "id") == []


def test_a_deleted_project_gets_no_issue(world: World) -> None:
    Project.objects.filter(pk=world.project.id).update(deleted_at=NOON)
    assert record(told(), [world.project.id], {world.project.id: [finding(sdk="web")]}, NOON).firing == []
    assert rows(world.project, "id") == []


def test_of_two_findings_with_one_hash_the_first_counts(world: World) -> None:
    here = world.project.id
    record(told(), [here], {here: [finding(sdk="web", n=1), finding(sdk="web", n=2)]}, NOON)
    assert rows(world.project, "payload") == [{"sdk": "web", "n": 1}]


def test_other_kinds_are_left_alone(world: World) -> None:
    here = world.project.id
    record(told(kind="other"), [here], {here: [finding(sdk="web")]}, NOON)
    record(told(), [here], {}, LATER)
    assert rows(world.project, "kind", "status") == [("other", "active")]


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_make_one_issue(world: World) -> None:
    here, together = world.project.id, threading.Barrier(2)
    fired: list[int] = []

    def run() -> None:
        together.wait()
        fired.append(len(record(told(), [here], {here: [finding(sdk="web")]}, NOON).firing))
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(fired) == [0, 1]
    assert rows(world.project, "status") == ["active"]
