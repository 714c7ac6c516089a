"""A run asks the projects that a check is about, and those with an open issue; a failure stops no other project."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from django.db import connection

from healthtrack.checks import running
from healthtrack.checks.base import Findings
from healthtrack.checks.recording import record
from healthtrack.checks.running import TooManyNotProcessed, run
from tests.environments.world import World
from tests.healthtrack.checks.making import NOON, Told, finding, rows

pytestmark = pytest.mark.django_db


def test_the_projects_that_the_check_is_about_are_asked_at_once(world: World, stranger: World) -> None:
    both = sorted([world.project.id, stranger.project.id])
    check = Told(set(both), lambda _: {both[0]: [finding(sdk="web")]})

    totals = run(check)

    assert check.asked == [both]
    assert (totals.projects, totals.not_processed, totals.firing, totals.refreshed, totals.resolved) == (2, 0, 1, 0, 0)


def test_a_project_with_an_open_issue_is_asked_although_the_check_is_not_about_it(world: World) -> None:
    check = Told(set(), lambda _: {})
    record(check, [world.project.id], {world.project.id: [finding(sdk="web")]}, NOON)

    totals = run(check)

    assert (check.asked, totals.resolved) == ([[world.project.id]], 1)
    assert run(check).projects == 0  # and it is over


def test_a_run_may_be_limited_to_projects(world: World, stranger: World) -> None:
    check = Told({world.project.id, stranger.project.id}, lambda _: {})
    run(check, [stranger.project.id])
    assert check.asked == [[stranger.project.id]]


def test_two_runs_of_a_kind_look_one_after_the_other(world: World) -> None:
    """What was seen before another run began must not overwrite what that one has seen since."""
    locks: list[int] = []

    def find(environment_ids: Sequence[int]) -> Findings:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
            locks.extend(cursor.fetchone())
        return {}

    run(Told({world.project.id}, find))
    assert locks == [1]


def test_batches_are_bounded(world: World, stranger: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "BATCH", 1)
    check = Told({world.project.id, stranger.project.id}, lambda _: {})
    run(check)
    assert sorted(check.asked) == sorted([[world.project.id], [stranger.project.id]])


def test_one_projects_failure_leaves_the_others_checked_and_fails_the_run(world: World, stranger: World) -> None:
    def find(environment_ids: Sequence[int]) -> Findings:
        if world.project.id in environment_ids:
            raise ValueError("what this project sent")
        return {stranger.project.id: [finding(sdk="web")]}

    check = Told({world.project.id, stranger.project.id}, find)
    record(check, [world.project.id], {world.project.id: [finding(sdk="node")]}, NOON)

    with pytest.raises(TooManyNotProcessed, match="told: 1 of 2 projects not processed") as failed:
        run(check)

    assert (failed.value.totals.firing, failed.value.totals.resolved) == (1, 0)
    assert rows(stranger.project, "payload") == [{"sdk": "web"}]
    assert rows(world.project, "status") == ["active"]  # not knowing is no reason to resolve


def test_a_tenth_may_fail(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def find(environment_ids: Sequence[int]) -> Findings:
        if world.project.id in environment_ids:
            raise ValueError
        return {}

    nine = {world.project.id + number for number in range(1, 10)}  # gone meanwhile: nothing is written for them
    assert run(Told({world.project.id} | nine, find)).not_processed == 1
    with pytest.raises(TooManyNotProcessed, match="1 of 9 projects"):
        run(Told({world.project.id} | set(sorted(nine)[:8]), find))
