"""PUT and PATCH issues/{id}/: status, texts and severity, and which values are not for people to write."""

from __future__ import annotations

from typing import Any

import pytest

from errortracking.models import Issue
from tests.environments.world import NOT_FOUND, Api, World, answer
from tests.errortracking.api.acting import UNKNOWN, invalid, issues, recorded

__all__ = ["issues"]


def make(world: World, **columns: Any) -> Issue:
    return Issue.objects.create(environment=world.project, **{"name": "KeyError", "description": "stock", **columns})


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize(
    "change",
    [
        {"status": "resolved"},
        {"status": "suppressed", "name": "Cart"},
        {"name": None, "description": None},
        {"name": "", "description": ""},
        {"severity": "critical"},
        {"severity": None},
        {},
    ],
)
def test_what_is_given_changes_and_the_rest_stays(
    world: World, issues: Api, method: str, change: dict[str, Any]
) -> None:
    issue = make(world, severity="low")
    status, shown = answer(issues.request(method, f"{issue.pk}/", change))
    expected = {"status": "active", "name": "KeyError", "description": "stock", "severity": "low"} | change
    assert (status, {name: shown[name] for name in expected}, shown["id"]) == (200, expected, str(issue.pk))
    issue.refresh_from_db()
    assert {name: getattr(issue, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"status": "archived"}, invalid("status", '"archived" is not a valid choice.', "invalid_choice")),
        (
            {"status": "pending_release"},
            invalid("status", '"pending_release" is not a valid choice.', "invalid_choice"),
        ),
        ({"status": "open"}, invalid("status", '"open" is not a valid choice.', "invalid_choice")),
        ({"status": None}, invalid("status", "This field may not be null.", "null")),
        ({"severity": "worst"}, invalid("severity", '"worst" is not a valid choice.', "invalid_choice")),
        ({"name": "x" * 1001}, invalid("name", "Ensure this field has no more than 1000 characters.", "max_length")),
        ({"name": ["x"]}, invalid("name", "Not a valid string.")),
        ({"name": "a\0b"}, invalid("name", "Null characters are not allowed.", "null_characters_not_allowed")),
    ],
)
def test_a_wrong_value_is_a_400_and_nothing_changes(
    world: World, issues: Api, change: dict[str, Any], expected: Any
) -> None:
    issue = make(world)
    assert answer(issues.patch(f"{issue.pk}/", {"description": "new", **change})) == expected
    issue.refresh_from_db()
    assert (issue.status, issue.name, issue.description) == ("active", "KeyError", "stock")
    assert recorded(world.project) == []


def test_an_archived_issue_is_shown_and_can_be_opened(world: World, issues: Api) -> None:
    issue = make(world, status="archived")
    assert answer(issues.patch(f"{issue.pk}/", {"name": "x"}))[1]["status"] == "archived"
    assert answer(issues.patch(f"{issue.pk}/", {"status": "active"}))[1]["status"] == "active"


def test_what_is_the_servers_is_passed_over(world: World, issues: Api) -> None:
    """Who read an issue may send it back."""
    issue = make(world)
    _, shown = answer(issues.get(f"{issue.pk}/"))
    assert answer(issues.put(f"{issue.pk}/", shown | {"id": UNKNOWN, "occurrences": 9}))[0] == 200
    assert recorded(world.project) == []


def test_changes_are_recorded_and_what_changes_nothing_is_not(world: World, issues: Api) -> None:
    issue = make(world)
    issues.patch(f"{issue.pk}/", {"status": "resolved", "name": "KeyError"})
    issues.put(f"{issue.pk}/", {"status": "resolved"})
    assert recorded(world.project) == [("partial_update", str(issue.pk), {"status": "active"}, {"status": "resolved"})]


@pytest.mark.parametrize("id_", [UNKNOWN, "x"])
def test_an_unknown_issue_is_a_404(issues: Api, id_: str) -> None:
    assert answer(issues.patch(f"{id_}/", {"status": "resolved"})) == (404, NOT_FOUND)
