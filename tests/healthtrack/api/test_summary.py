"""GET …/health_issues/summary/ (contract 2.2)."""

from __future__ import annotations

import pytest

from tests.environments.world import Api, World, answer, statements
from tests.healthtrack.api.making import invalid, make_issue, make_resolved

EMPTY = {"total": 0, "by_severity": {}, "by_kind": {}}


@pytest.fixture
def mixed(world: World) -> None:
    """Six that count, of them one critical; two dismissed; two resolved."""
    for severity, kind, number in [("critical", "b", 1), ("info", "b", 2), ("info", "a", 3)]:
        for _ in range(number):
            make_issue(world.project, severity=severity, kind=kind)
    for _ in range(2):
        make_issue(world.project, severity="warning", kind="dismissed", dismissed=True)
        make_resolved(world.project, severity="critical", kind="resolved")
    make_resolved(world.project, severity="critical", kind="both", dismissed=True)


def summary(issues: Api, query: str = "") -> object:
    status, body = answer(issues.get(f"summary/{query}"))
    assert status == 200, body
    return body


def test_active_issues_that_are_not_dismissed_are_counted_flat(issues: Api, mixed: None) -> None:
    """2.2, summary and 11.9: flat totals, not a HealthIssue and not split by snoozed."""
    assert summary(issues) == {"total": 6, "by_severity": {"critical": 1, "info": 5}, "by_kind": {"a": 3, "b": 3}}


def test_the_worst_severity_is_named_first_and_kinds_by_name(issues: Api, mixed: None) -> None:
    assert issues.get("summary/").content == (
        b'{"total":6,"by_severity":{"critical":1,"info":5},"by_kind":{"a":3,"b":3}}'
    )


def test_without_any_the_groups_are_empty(issues: Api) -> None:
    """2.2, summary: empty → `{}`."""
    assert summary(issues) == EMPTY


def test_it_is_not_paginated(world: World, issues: Api) -> None:
    """2.2, summary: not paginated."""
    for number in range(60):
        make_issue(world.project, kind=f"kind-{number}")
    body = summary(issues, "?limit=5&offset=10")
    assert isinstance(body, dict)
    assert (body["total"], len(body["by_kind"])) == (60, 60)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("severity=info", {"total": 5, "by_severity": {"info": 5}, "by_kind": {"a": 3, "b": 2}}),
        ("kind=b", {"total": 3, "by_severity": {"critical": 1, "info": 2}, "by_kind": {"b": 3}}),
        ("kind=b&severity=critical", {"total": 1, "by_severity": {"critical": 1}, "by_kind": {"b": 1}}),
        ("status=active", {"total": 6, "by_severity": {"critical": 1, "info": 5}, "by_kind": {"a": 3, "b": 3}}),
        ("dismissed=false", {"total": 6, "by_severity": {"critical": 1, "info": 5}, "by_kind": {"a": 3, "b": 3}}),
        ("status=resolved", EMPTY),
        ("dismissed=true", EMPTY),
        ("kind=nonsense", EMPTY),
    ],
)
def test_the_filters_of_the_list_apply_on_top(issues: Api, mixed: None, query: str, expected: object) -> None:
    """2.2, summary: filters of the list apply on top; absent groups are omitted."""
    assert summary(issues, f"?{query}") == expected


def test_a_wrong_filter_is_a_400(issues: Api, mixed: None) -> None:
    assert answer(issues.get("summary/?status=snoozed")) == invalid("Invalid status: snoozed", "status")


def test_foreign_issues_are_not_counted(stranger: World, issues: Api) -> None:
    make_issue(stranger.project)
    assert summary(issues) == EMPTY


@pytest.mark.parametrize("kind", ["", "total", 'é 💥 "<\\', "__proto__"])
def test_a_kind_is_a_key_whatever_it_is(world: World, issues: Api, kind: str) -> None:
    make_issue(world.project, kind=kind)
    assert summary(issues) == {"total": 1, "by_severity": {"warning": 1}, "by_kind": {kind: 1}}


@pytest.mark.parametrize("prefix", ["environments", "projects"])
@pytest.mark.parametrize("ending", ["", "/", ".json"])
def test_both_prefixes_serve_it_with_and_without_slash(world: World, prefix: str, ending: str) -> None:
    """1.1: routing."""
    api = Api(world.project, world.key("health_issue:read"), prefix)
    assert answer(api.get(f"health_issues/summary{ending}")) == (200, EMPTY)


def test_it_is_two_statements(issues: Api, mixed: None) -> None:
    """One for the key, one for all the counts."""
    with statements() as sent:
        summary(issues)
    assert len(sent) == 2
