"""GET …/issues/exists/ and …/issues/values/ (contract 10)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from errortracking.api import issue_values
from errortracking.models import Issue
from tests.environments.world import Api, World, answer, error, statements
from tests.errortracking.api.issuing import make_fingerprint, make_issue, seen
from tests.errortracking.api.making import make_release


@pytest.fixture
def issues(world: World) -> Api:
    """A client of the project's issues."""
    return Api(world.project, world.key("error_tracking:read"), below="error_tracking/issues/")


def values(issues: Api, key: str, value: str | None = None) -> list[str]:
    status, body = answer(issues.get(f"values/?key={key}" + ("" if value is None else f"&value={quote(value)}")))
    assert status == 200, body
    assert list(body) == ["results", "refreshing"]
    assert body["refreshing"] is False
    assert all(list(item) == ["name"] for item in body["results"])
    return [item["name"] for item in body["results"]]


# ---- exists


def test_whether_there_is_any_issue(world: World, stranger: World, issues: Api) -> None:
    make_issue(stranger.project)
    assert answer(issues.get("exists/")) == (200, {"exists": False})
    make_issue(world.project, status="suppressed")
    assert answer(issues.get("exists/")) == (200, {"exists": True})


# ---- values


@pytest.fixture
def some(world: World, stranger: World) -> None:
    for name, description in (("TypeError", "x is 100% y"), ("KeyError", None), ("TypeError", "b_c"), (None, "")):
        make_issue(world.project, name, description=description)
    make_issue(stranger.project, "ForeignError", description="foreign")


def test_names_and_descriptions_are_shown_once_in_their_order(some: None, issues: Api) -> None:
    assert values(issues, "name") == ["KeyError", "TypeError"]
    assert values(issues, "issue_description") == ["b_c", "x is 100% y"]


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("name", "type", ["TypeError"]),
        ("name", "ERROR", ["KeyError", "TypeError"]),
        ("name", "", ["KeyError", "TypeError"]),
        ("name", "x is", []),
        ("name", "y", ["KeyError", "TypeError"]),
        ("issue_description", "%", ["x is 100% y"]),
        ("issue_description", "_", ["b_c"]),
        ("issue_description", "b\\_c", []),
    ],
)
def test_they_can_be_narrowed_by_a_part(some: None, issues: Api, key: str, value: str, expected: list[str]) -> None:
    assert values(issues, key, value) == expected


def test_releases_and_sdks_are_those_of_the_project(world: World, stranger: World, issues: Api) -> None:
    for version in ("2.0", "1.0", "1.0"):
        make_release(world.project, version=version)
    make_release(stranger.project, version="9.0")
    for project, sdks in ((world.project, ("web", "web", "posthog-python")), (stranger.project, ("posthog-go",))):
        for sdk in sdks:
            seen(project, make_fingerprint(project, make_issue(project)), sdk=sdk)
    assert values(issues, "release") == ["1.0", "2.0"]
    assert values(issues, "sdk") == ["posthog-python", "web"]
    assert values(issues, "sdk", "PY") == ["posthog-python"]


def test_severities_and_statuses_are_all_there_are(issues: Api) -> None:
    assert values(issues, "severity") == ["critical", "high", "low", "medium"]
    assert values(issues, "severity", "H") == ["high"]
    assert values(issues, "status") == ["active", "archived", "pending_release", "resolved", "suppressed"]


@pytest.mark.parametrize("query", ["", "?key=", "?value=x"])
def test_without_a_key_there_are_none(some: None, issues: Api, query: str) -> None:
    assert answer(issues.get(f"values/{query}")) == (200, {"results": [], "refreshing": False})


@pytest.mark.parametrize("key", ["id", "Name", "description", "$exception_types"])
def test_another_key_is_a_400(issues: Api, key: str) -> None:
    text = f'"{key}" is not a valid choice.'
    assert answer(issues.get(f"values/?key={key}")) == error(400, "validation_error", "invalid_choice", text, "key")


@pytest.mark.parametrize("key", ["name", "severity"])
def test_null_characters_are_a_400(issues: Api, key: str) -> None:
    text = "Null characters are not allowed."
    expected = error(400, "validation_error", "null_characters_not_allowed", text, "value")
    assert answer(issues.get(f"values/?key={key}&value=a%00")) == expected


@pytest.mark.parametrize("key", ["name", "issue_description"])
def test_there_are_at_most_100_of_the_newest_issues(
    world: World, issues: Api, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    Issue.objects.bulk_create(
        Issue(environment=world.project, name=f"{number:03}", description=f"{number:03}") for number in range(150)
    )
    expected = [f"{number:03}" for number in range(100)]
    assert values(issues, key) == expected
    monkeypatch.setattr(issue_values, "LOOKED_AT", 0)
    assert values(issues, key) == []


@pytest.mark.parametrize("key", issue_values.KEYS)
def test_values_are_at_most_one_statement_and_the_key(some: None, issues: Api, key: str) -> None:
    with statements() as sent:
        issues.get(f"values/?key={key}&value=err")
    assert len(sent) <= 2


def test_texts_of_events_pass_unchanged(world: World, issues: Api) -> None:
    name: Any = "<b>&amp; \u2028 💥"
    make_issue(world.project, name)
    assert values(issues, "name", "💥") == [name]
