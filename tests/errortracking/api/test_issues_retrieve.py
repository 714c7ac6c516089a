"""GET …/issues/{id}/ (contract 10): the issue with its sparklines, and where it has gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from environments import clock
from environments.models import Project
from errortracking.models import Fingerprint, IssueRedirect, SpikeCount, partitions
from tests.environments.world import NOT_FOUND, Api, World, answer, error, statements
from tests.errortracking.api.issuing import count, make_fingerprint, make_issue, names
from tests.errortracking.api.making import MALFORMED_IDS, UNKNOWN

NOW = datetime(2026, 3, 30, 12, 34, 56, tzinfo=UTC)
LAST_DAY, LAST_MONTH = "last_24_hours", "last_30_days"


@pytest.fixture
def issues(world: World, monkeypatch: pytest.MonkeyPatch) -> Api:
    """A client of the project's issues, on the 30th of March at 12:34:56."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    return Api(world.project, world.key("error_tracking:read"), below="error_tracking/issues/")


def came(project: Project, fingerprint: Fingerprint, at: datetime, number: int) -> None:
    """Count exceptions of a fingerprint in one bucket of 5 minutes."""
    partitions.ensure([at.date()])
    SpikeCount.objects.create(environment=project, bucket=at, fingerprint_id=fingerprint.pk, count=number)


def sparklines(issues: Api, issue: Any) -> dict[str, Any]:
    status, body = answer(issues.get(f"{issue.pk}/"))
    assert status == 200, body
    return dict(body["sparklines"])


# ---- the object


def test_an_issue_is_shown_as_in_the_list_with_its_sparklines(world: World, issues: Api) -> None:
    issue = make_issue(world.project, description="x", severity="low")
    count(world.project, issue, 1, 2, 3, 4)
    [listed] = answer(issues.get(""))[1]["results"]
    status, shown = answer(issues.get(f"{issue.pk}/"))
    assert status == 200
    assert shown == listed | {"sparklines": shown["sparklines"]}
    assert list(shown) == [*listed, "sparklines"]


def test_an_issue_without_counts_has_zeros(world: World, issues: Api) -> None:
    assert sparklines(issues, make_issue(world.project)) == {
        LAST_DAY: {"start": "2026-03-29T13:00:00Z", "step_seconds": 3600, "counts": [0] * 24},
        LAST_MONTH: {"start": "2026-03-01T00:00:00Z", "step_seconds": 86400, "counts": [0] * 30},
    }


def test_counts_of_5_minutes_become_hours_and_days(world: World, issues: Api) -> None:
    issue = make_issue(world.project)
    one, two = make_fingerprint(world.project, issue), make_fingerprint(world.project, issue)
    other = make_fingerprint(world.project, make_issue(world.project, "other"))
    today = datetime(2026, 3, 30, tzinfo=UTC)
    for of, at, number in (
        (one, today + timedelta(hours=12, minutes=30), 5),  # now
        (two, today + timedelta(hours=12), 2),
        (one, today + timedelta(hours=11, minutes=55), 7),
        (one, today, 11),
        (one, today - timedelta(hours=11), 13),  # the first of the 24 hours
        (two, today - timedelta(hours=11, minutes=5), 17),  # the day before, and too old for them
        (one, today - timedelta(days=29), 19),  # the first of the 30 days
        (one, today - timedelta(days=29, minutes=5), 23),  # too old
        (other, today, 1_000),
    ):
        came(world.project, of, at, number)
    found = sparklines(issues, issue)
    hours = {hour: number for hour, number in enumerate(found[LAST_DAY]["counts"]) if number}
    assert hours == {0: 13, 11: 11, 22: 7, 23: 7}
    days = {day: number for day, number in enumerate(found[LAST_MONTH]["counts"]) if number}
    assert days == {0: 19, 28: 30, 29: 25}


def test_counts_follow_a_fingerprint_that_moves(world: World, issues: Api) -> None:
    source, target = make_issue(world.project, "source"), make_issue(world.project, "target")
    moved = make_fingerprint(world.project, source)
    came(world.project, moved, NOW.replace(minute=0, second=0), 4)
    assert sum(sparklines(issues, source)[LAST_DAY]["counts"]) == 4
    Fingerprint.objects.filter(environment_id=world.project.pk, pk=moved.pk).update(issue=target)
    assert sum(sparklines(issues, source)[LAST_DAY]["counts"]) == 0
    assert sum(sparklines(issues, target)[LAST_MONTH]["counts"]) == 4


def test_counts_of_another_project_with_the_same_ids_are_not_taken(world: World, stranger: World, issues: Api) -> None:
    issue = make_issue(world.project)
    mine = Fingerprint.objects.get(environment_id=world.project.pk)
    make_issue(stranger.project, id=issue.pk)
    theirs = make_fingerprint(stranger.project, issue, id=mine.pk)
    came(stranger.project, theirs, NOW.replace(minute=0, second=0), 4)
    assert sum(sparklines(issues, issue)[LAST_DAY]["counts"]) == 0


def test_an_issue_is_three_statements(world: World, issues: Api) -> None:
    """The key, the issue, its counts."""
    issue = make_issue(world.project)
    for _ in range(2):
        with statements() as sent:
            issues.get(f"{issue.pk}/")
        assert len(sent) == 3


@pytest.mark.parametrize("id_", [UNKNOWN, *MALFORMED_IDS])
def test_an_unknown_or_malformed_id_is_a_404(issues: Api, id_: str) -> None:
    assert answer(issues.get(f"{id_}/")) == (404, NOT_FOUND)


def test_a_foreign_issue_is_a_404(stranger: World, issues: Api) -> None:
    assert answer(issues.get(f"{make_issue(stranger.project).pk}/")) == (404, NOT_FOUND)


# ---- where an issue has gone


def moved(issues: Api, path: str, prefix: str = "") -> tuple[Any, str]:
    response = issues.get(path)
    status, body = answer(response)
    assert status == 308, body
    assert list(body) == ["issue_id"]
    return body["issue_id"], response["Location"]


def test_a_fingerprint_of_another_issue_leads_there(world: World, issues: Api) -> None:
    """10: with `?fingerprint=` of a merged issue a 308 with issue_id."""
    target = make_issue(world.project, "target")
    make_fingerprint(world.project, target, fingerprint="f / ö")
    expected = (str(target.pk), f"http://testserver{issues.root}{target.pk}/")
    for gone in (UNKNOWN, make_issue(world.project).pk):
        assert moved(issues, f"{gone}/?fingerprint=f%20/%20%C3%B6") == expected
    assert answer(issues.get(f"{target.pk}/?fingerprint=f%20/%20%C3%B6"))[0] == 200


def test_the_redirect_keeps_the_spelling_of_the_address(world: World) -> None:
    target = make_issue(world.project, "target")
    make_fingerprint(world.project, target, fingerprint="f")
    for prefix, ending in (("projects", ".json"), ("environments", "")):
        api = Api(world.project, world.key("*"), prefix, "error_tracking/issues/")
        found = moved(api, f"{UNKNOWN}{ending}?fingerprint=f")
        assert found == (str(target.pk), f"http://testserver{api.root}{target.pk}{ending}")
        assert answer(api.get(found[1].removeprefix("http://testserver")))[1]["name"] == "target"


@pytest.mark.parametrize("fingerprint", ["", "unknown", "%00", "%ED%A0%80"])
def test_an_unknown_fingerprint_changes_nothing(world: World, issues: Api, fingerprint: str) -> None:
    issue = make_issue(world.project)
    assert answer(issues.get(f"{issue.pk}/?fingerprint={fingerprint}"))[0] == 200
    assert answer(issues.get(f"{UNKNOWN}/?fingerprint={fingerprint}")) == (404, NOT_FOUND)


def test_a_fingerprint_of_another_project_leads_nowhere(world: World, stranger: World, issues: Api) -> None:
    make_fingerprint(stranger.project, make_issue(stranger.project), fingerprint="f")
    assert answer(issues.get(f"{UNKNOWN}/?fingerprint=f")) == (404, NOT_FOUND)


def test_a_merged_issue_leads_to_its_successor(world: World, issues: Api) -> None:
    target = make_issue(world.project, "target")
    IssueRedirect.objects.create(environment=world.project, id=UNKNOWN, successor_id=target.pk)
    assert moved(issues, f"{UNKNOWN}/") == (str(target.pk), f"http://testserver{issues.root}{target.pk}/")


def test_the_query_goes_along_without_the_fingerprint(world: World) -> None:
    """A key may stand in it."""
    target = make_issue(world.project, "target")
    make_fingerprint(world.project, target, fingerprint="f")
    nobody = Api(world.project, None, below="error_tracking/issues/")
    query = f"personal_api_key={world.key('error_tracking:read')}"
    for given in (f"fingerprint=f&{query}", f"{query}&fingerprint=f"):
        _, location = moved(nobody, f"{UNKNOWN}/?{given}")
        assert location == f"http://testserver{nobody.root}{target.pk}/?{query}"
        assert answer(nobody.get(location.removeprefix("http://testserver")))[1]["name"] == "target"
    _, location = moved(nobody, f"{UNKNOWN}/?{query}&fingerprint=f&a=%ED%A0%80&a=%C3%B6%26")
    assert location.startswith(f"http://testserver{nobody.root}{target.pk}/?{query}&a=")
    assert location.endswith("&a=%C3%B6%26")


# ---- other methods


@pytest.mark.parametrize("path", ["", "exists/", "values/"])
def test_nothing_is_posted(issues: Api, path: str) -> None:
    text = 'Method "POST" not allowed.'
    expected = error(405, "invalid_request", "method_not_allowed", text)
    assert answer(issues.post(path, {"name": "x"})) == expected


def test_an_issue_is_never_deleted(world: World) -> None:
    """1.4: 405 without a body, for keys that may write and for sessions, whatever the id."""
    issue = make_issue(world.project)
    for api in (world.api("error_tracking:write"), world.browser()):
        for id_ in (issue.pk, UNKNOWN, "x"):
            response = api.delete(f"error_tracking/issues/{id_}/")
            assert (response.status_code, response.content) == (405, b"")
            assert "DELETE" not in response["Allow"]
    assert names(Api(world.project, world.key("*"), below="error_tracking/issues/")) == ["TypeError"]
