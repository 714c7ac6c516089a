"""GET …/health_issues/{id}/ (contract 2.2)."""

from __future__ import annotations

from typing import Any

import pytest

from healthtrack.checks.registry import CHECKS
from tests.environments.world import NOT_FOUND, Api, World, answer, statements
from tests.healthtrack.api.making import MALFORMED_IDS, UNKNOWN, make_issue, make_resolved, retrieved


def test_an_issue_is_shown(world: World, issues: Api) -> None:
    """2.2, GET {id}: 200 object, and the later title, summary, link and remediation."""
    issue = make_issue(world.project, payload={"a": [1, {"b": None}]})
    make_issue(world.project)
    assert answer(issues.get(f"{issue.id}/")) == (200, retrieved(issue, payload={"a": [1, {"b": None}]}))


def test_a_resolved_or_dismissed_issue_is_shown_too(world: World, issues: Api) -> None:
    issue = make_resolved(world.project, dismissed=True)
    status, body = answer(issues.get(f"{issue.id}/"))
    assert (status, body["status"], body["dismissed"]) == (200, "resolved", True)


@pytest.mark.parametrize("issue_id", [UNKNOWN, *MALFORMED_IDS])
def test_an_unknown_or_malformed_id_is_not_found(issues: Api, issue_id: str) -> None:
    """2.2, GET {id}; decision table: malformed uuid in a path."""
    assert answer(issues.get(f"{issue_id}/")) == (404, NOT_FOUND)


def test_a_foreign_issue_is_not_found(stranger: World, issues: Api) -> None:
    """1.1: object id that exists in another project."""
    assert answer(issues.get(f"{make_issue(stranger.project).id}/")) == (404, NOT_FOUND)


def test_an_id_may_be_spelled_in_capitals_and_without_dashes(world: World, issues: Api) -> None:
    issue = make_issue(world.project)
    for spelling in (str(issue.id).upper(), issue.id.hex, issue.id.hex.upper()):
        assert answer(issues.get(f"{spelling}/")) == (200, retrieved(issue))


@pytest.mark.parametrize("prefix", ["environments", "projects"])
@pytest.mark.parametrize("ending", ["", "/", ".json"])
def test_both_prefixes_serve_it_with_and_without_slash(world: World, prefix: str, ending: str) -> None:
    """1.1: routing."""
    issue = make_issue(world.project)
    api = Api(world.project, world.key("health_issue:read"), prefix)
    assert answer(api.get(f"health_issues/{issue.id}{ending}")) == (200, retrieved(issue))


def test_it_is_two_statements(world: World, issues: Api) -> None:
    issue = make_issue(world.project)
    with statements() as sent:
        assert issues.get(f"{issue.id}/?status=active&dismissed=x").status_code == 200
    assert len(sent) == 2


@pytest.mark.parametrize("kind", sorted(CHECKS))
def test_an_issue_whose_payload_is_of_no_shape_we_know_is_shown(world: World, issues: Api, kind: str) -> None:
    """2.1, payload: any JSON, default {}. It may be of a version of this server that wrote others."""
    odd: list[Any] = [
        {},
        [],
        "text",
        5,
        {"reason": [], "hosts": 3, "total_frames": "x", "unresolved_frames": None},
    ]
    for payload in odd:
        issue = make_issue(world.project, kind=kind, payload=payload)
        status, body = answer(issues.get(f"{issue.id}/"))
        assert (status, body["kind"], body["payload"]) == (200, kind, payload)
        assert body["title"]
        assert body["summary"]
        assert body["remediation"] == CHECKS[kind].remediation._asdict()
