"""Pipeline 4.1, `long_running_issues`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from environments.models import Project
from errortracking.models import Issue
from errortracking.recommendations.issue_lists import with_statuses
from errortracking.recommendations.types.long_running_issues import TYPE
from tests.environments.world import World, statements
from tests.errortracking.pipeline.making import entry, exception, send
from tests.errortracking.recommendations.making import (
    NOW,
    ago,
    at,
    make_events,
    make_fingerprint,
    make_issue,
)

TICK = timedelta(microseconds=1)


def names(project: Project) -> list[str]:
    return [issue["name"] for issue in TYPE.compute(project.pk)["issues"]]


def running(project: Project, name: str | None = "ValueError", **fields: Any) -> Issue:
    """Make an issue that has been running for 30 days, with an event of an hour ago."""
    issue = make_issue(project, name, **fields)
    make_events(issue, [ago(hours=1)])
    return issue


def test_the_shape_of_meta(project: Project) -> None:
    """4.1, meta; created_at = first_seen in ISO form (1.5: with Z)."""
    issue = make_issue(project, "KeyError", description="'cart'", first_seen=ago(days=30, microseconds=-1_500))
    make_events(issue, [ago(days=6), ago(days=1), ago(hours=1)])
    assert TYPE.compute(project.pk) == {
        "issues": [
            {
                "id": str(issue.pk),
                "name": "KeyError",
                "description": "'cart'",
                "created_at": "2026-10-23T12:00:00.001500Z",
                "occurrences": 3,
                "status": "active",
            }
        ]
    }


@pytest.mark.parametrize("name", [None, ""])
def test_an_issue_without_name_is_untitled(project: Project, name: str | None) -> None:
    """4.1, rules: name falls back to `Untitled issue`; a description does not."""
    running(project, name)
    [shown] = TYPE.compute(project.pk)["issues"]
    assert (shown["name"], shown["description"]) == ("Untitled issue", None)


@pytest.mark.parametrize(
    ("status", "is_listed"),
    [("active", True), ("resolved", False), ("suppressed", False), ("archived", False), ("pending_release", False)],
)
def test_only_active_issues_are_listed(project: Project, status: str, is_listed: bool) -> None:
    """4.1, rules: status active."""
    running(project, status=status)
    assert bool(names(project)) is is_listed


@pytest.mark.parametrize(
    ("first_seen", "is_listed"),
    [(ago(days=7) - TICK, True), (ago(days=7), False), (ago(days=6), False), (ago(days=400), True)],
)
def test_only_issues_first_seen_over_7_days_ago_are_listed(project: Project, first_seen: Any, is_listed: bool) -> None:
    """4.1, rules: first_seen more than 7 days ago."""
    running(project, first_seen=first_seen)
    assert bool(names(project)) is is_listed


@pytest.mark.parametrize(
    ("moment", "is_listed"), [(ago(days=7), True), (ago(days=7) - TICK, False), (ago(days=20), False), (NOW, True)]
)
def test_only_issues_with_an_exception_of_the_last_7_days_are_listed(
    project: Project, moment: Any, is_listed: bool
) -> None:
    """4.1, rules: at least one exception in the last 7 days."""
    make_events(make_issue(project, last_seen=moment), [moment])
    assert bool(names(project)) is is_listed


def test_an_issue_whose_events_were_dropped_is_not_listed(project: Project) -> None:
    """Its statistics remember an event that its project keeps no longer."""
    make_events(make_issue(project, last_seen=ago(days=1)), [ago(days=8)], received_at=ago(days=2))
    assert names(project) == []


def test_occurrences_are_those_of_the_7_days_of_all_fingerprints(project: Project) -> None:
    """4.1, rules: occurrences = exceptions of those 7 days only."""
    issue = make_issue(project)
    make_fingerprint(issue)
    make_events(issue, [ago(days=7), ago(days=3), ago(minutes=1), ago(days=7) - TICK, ago(days=29)])
    other = make_issue(project, first_seen=ago(days=29))
    make_events(other, [ago(days=2)])
    assert [shown["occurrences"] for shown in TYPE.compute(project.pk)["issues"]] == [6, 1]


def test_an_event_counts_by_its_time_and_not_by_its_receipt(project: Project) -> None:
    """A client's clock may be ahead by 23 hours, and a replay may be days late."""
    issue = make_issue(project)
    make_events(issue, [ago(days=7)], received_at=ago(days=7, hours=23))
    make_events(issue, [ago(days=8)], received_at=ago(hours=1))
    assert [shown["occurrences"] for shown in TYPE.compute(project.pk)["issues"]] == [1]


def test_the_five_oldest_are_listed_oldest_first(project: Project) -> None:
    """4.1, meta: ≤ 5; rules: first_seen ascending."""
    for days in (10, 40, 20, 60, 30, 50):
        running(project, f"{days} days", first_seen=ago(days=days))
    running(project, "70 days, but resolved", first_seen=ago(days=70), status="resolved")
    make_issue(project, "80 days, but silent", first_seen=ago(days=80))
    assert names(project) == ["60 days", "50 days", "40 days", "30 days", "20 days"]


def test_issues_of_others_are_not_listed(project: Project, stranger: World) -> None:
    running(stranger.project)
    assert TYPE.compute(project.pk) == {"issues": []}


def test_it_is_one_statement(project: Project) -> None:
    for _ in range(7):
        running(project)
    with statements() as sent:
        TYPE.compute(project.pk)
    assert len(sent) == 1


def test_what_the_pipeline_stores_is_found(project: Project) -> None:
    """An exception that is sent for ten days, through the real pipeline."""
    for day in (10, 8, 6, 2):
        moment = ago(days=day)
        with at(moment):
            send(project, entry(exception("IOError", "disk"), timestamp=moment.isoformat()), received_at=moment)
    assert [
        (shown["name"], shown["occurrences"], shown["created_at"]) for shown in TYPE.compute(project.pk)["issues"]
    ] == [("IOError", 2, "2026-11-12T12:00:00Z")]


def test_the_status_is_the_live_one(project: Project, stranger: World) -> None:
    """4.1, rules: enrich on read replaces each status with the live one; issues that are gone are skipped."""
    names_by_age = {50: "first", 40: "second", 30: "third"}
    first, second, third = (running(project, name, first_seen=ago(days=age)) for age, name in names_by_age.items())
    foreign = running(stranger.project, "foreign")
    meta = TYPE.compute(project.pk)
    meta["issues"].append({**meta["issues"][0], "id": str(foreign.pk)})
    Issue.objects.filter(environment=project, pk=second.pk).update(status="resolved")
    third.delete()
    with statements() as sent:
        enriched = TYPE.enrich(project.pk, meta)
    assert len(sent) == 1
    assert [(shown["name"], shown["status"]) for shown in enriched["issues"]] == [
        ("first", "active"),
        ("second", "resolved"),
    ]
    assert enriched["issues"][0] == meta["issues"][0]
    assert enriched["issues"][0]["id"] == str(first.pk)


def test_without_issues_nothing_is_looked_up(project: Project) -> None:
    with statements() as sent:
        assert TYPE.enrich(project.pk, {"issues": []}) == {"issues": []}
        assert TYPE.enrich(project.pk, {}) == {}
    assert sent == []


def test_statuses_replace_and_select() -> None:
    meta = {"issues": [{"id": "a", "status": "active", "name": "A"}, {"id": "b", "status": "active"}], "more": 1}
    assert with_statuses(meta, {"a": "resolved", "c": "active"}) == {
        "issues": [{"id": "a", "status": "resolved", "name": "A"}],
        "more": 1,
    }


@pytest.mark.parametrize(
    ("meta", "completed"), [({"issues": []}, True), ({"issues": [{"status": "resolved"}]}, False), ({}, True)]
)
def test_completed_when_no_issue_is_listed(meta: dict[str, Any], completed: bool) -> None:
    """3, completed: issues empty."""
    assert TYPE.is_completed(meta) is completed
