"""Pipeline 4.1, `quiet_issues`: active, first seen over 30 days ago, no event for 30 days."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from environments.models import Project
from errortracking.models import Issue
from errortracking.recommendations.types.quiet_issues import TYPE
from tests.environments.world import World, statements
from tests.errortracking.pipeline.making import entry, exception, send
from tests.errortracking.recommendations.making import NOW, ago, at, make_issue

TICK = timedelta(microseconds=1)


def quiet(project: Project, name: str | None = "ValueError", **fields: Any) -> Issue:
    """Make an issue that has been seen from 60 to 40 days ago."""
    return make_issue(project, name, **{"first_seen": ago(days=60), "last_seen": ago(days=40), **fields})


def names(project: Project) -> list[str]:
    return [issue["name"] for issue in TYPE.compute(project.pk)["issues"]]


def test_the_shape_of_meta(project: Project) -> None:
    """4.1, meta."""
    issue = quiet(project, "KeyError", description="'cart'", first_seen=ago(days=60, microseconds=-1_500))
    assert TYPE.compute(project.pk) == {
        "quiet_days": 30,
        "total": 1,
        "issues": [
            {
                "id": str(issue.pk),
                "name": "KeyError",
                "description": "'cart'",
                "first_seen": "2026-09-23T12:00:00.001500Z",
                "status": "active",
            }
        ],
    }


def test_without_quiet_issues_it_is_completed(project: Project) -> None:
    meta = TYPE.compute(project.pk)
    assert meta == {"quiet_days": 30, "total": 0, "issues": []}
    assert TYPE.is_completed(meta) is True
    quiet(project)
    assert TYPE.is_completed(TYPE.compute(project.pk)) is False


@pytest.mark.parametrize(
    ("last_seen", "is_quiet"),
    [(ago(days=30) - TICK, True), (ago(days=30), False), (ago(days=29), False), (NOW, False), (ago(days=59), True)],
)
def test_only_issues_without_an_event_of_the_last_30_days_are_quiet(
    project: Project, last_seen: datetime, is_quiet: bool
) -> None:
    quiet(project, last_seen=last_seen)
    meta = TYPE.compute(project.pk)
    assert (bool(meta["issues"]), meta["total"]) == (is_quiet, int(is_quiet))


@pytest.mark.parametrize("status", ["resolved", "suppressed", "archived", "pending_release"])
def test_only_active_issues_are_quiet(project: Project, status: str) -> None:
    quiet(project, status=status)
    assert TYPE.compute(project.pk)["total"] == 0


def test_the_five_that_were_seen_first_are_listed_and_all_are_counted(project: Project) -> None:
    """4.1, meta: ≤ 5 beside the total."""
    for days in (70, 110, 80, 120, 90, 100, 130):
        quiet(project, f"{days} days", first_seen=ago(days=days))
    quiet(project, "140 days, but resolved", first_seen=ago(days=140), status="resolved")
    quiet(project, "150 days, but alive", first_seen=ago(days=150), last_seen=ago(days=1))
    assert names(project) == ["130 days", "120 days", "110 days", "100 days", "90 days"]
    assert TYPE.compute(project.pk)["total"] == 7


@pytest.mark.parametrize("name", [None, ""])
def test_an_issue_without_name_is_untitled(project: Project, name: str | None) -> None:
    quiet(project, name)
    [shown] = TYPE.compute(project.pk)["issues"]
    assert (shown["name"], shown["description"]) == ("Untitled issue", None)


def test_issues_of_others_are_not_listed(project: Project, stranger: World) -> None:
    quiet(stranger.project)
    assert TYPE.compute(project.pk)["total"] == 0


def test_it_is_one_statement(project: Project) -> None:
    for _ in range(7):
        quiet(project)
    with statements() as sent:
        TYPE.compute(project.pk)
    assert len(sent) == 1


def test_what_the_pipeline_stores_becomes_quiet_and_is_not_when_it_comes_back(project: Project) -> None:
    """Two exceptions through the real pipeline, of which one comes back."""
    for days, name in ((45, "IOError"), (45, "KeyError"), (3, "KeyError")):
        moment = ago(days=days)
        with at(moment):
            send(project, entry(exception(name, "x"), timestamp=moment.isoformat()), received_at=moment)
    assert names(project) == ["IOError"]


def test_the_status_is_the_live_one_and_the_total_stays(project: Project) -> None:
    """4.1, rules: as for long_running_issues; issues that are gone are skipped."""
    resolved, gone = quiet(project, "resolved"), quiet(project, "gone")
    meta = TYPE.compute(project.pk)
    Issue.objects.filter(environment=project, pk=resolved.pk).update(status="resolved")
    gone.delete()
    with statements() as sent:
        enriched = TYPE.enrich(project.pk, meta)
    assert len(sent) == 1
    assert [(shown["name"], shown["status"]) for shown in enriched["issues"]] == [("resolved", "resolved")]
    assert (enriched["total"], enriched["quiet_days"]) == (2, 30)
