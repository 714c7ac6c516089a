"""POST …/health_issues/{id}/resolve/ (contract 2.2)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from environments import clock
from environments.api import audit
from healthtrack.models import HealthIssue
from tests.environments.world import NOT_FOUND, Api, World, answer, error, statements
from tests.healthtrack.api.making import (
    FORM,
    LATER,
    LATER_TEXT,
    MALFORMED_IDS,
    NOT_RESOLVABLE,
    UNKNOWN,
    make_issue,
    make_resolved,
    retrieved,
    shown,
    stored,
)


@pytest.fixture
def issue(world: World) -> HealthIssue:
    return make_issue(world.project)


def test_an_active_issue_is_resolved(issues: Api, issue: HealthIssue) -> None:
    """2.2, resolve: status resolved, resolved_at = now, 200 full object."""
    before = stored(issue)
    with clock.stopped_at(LATER):
        resolved = answer(issues.post(f"{issue.id}/resolve/"))
    assert resolved == (200, shown(issue, status="resolved", resolved_at=LATER_TEXT, updated_at=LATER_TEXT))
    assert stored(issue) == before | {"status": "resolved", "resolved_at": LATER, "updated_at": LATER}
    changes = {"status": "resolved", "resolved_at": LATER_TEXT, "updated_at": LATER_TEXT}
    assert answer(issues.get(f"{issue.id}/")) == (200, retrieved(issue, **changes))


@pytest.mark.parametrize("dismissed", [True, False])
def test_dismissed_stays_as_it_was(world: World, issues: Api, dismissed: bool) -> None:
    """2.2, resolve: dismissed unchanged."""
    issue = make_issue(world.project, dismissed=dismissed)
    assert answer(issues.post(f"{issue.id}/resolve/", {"dismissed": not dismissed}))[1]["dismissed"] is dismissed


def test_a_resolved_issue_is_a_400_with_a_bare_body_and_nothing_changes(world: World, issues: Api) -> None:
    """2.2, resolve and 1.4, exceptions: `{"detail": "Could not resolve health issue."}` and nothing else."""
    resolved = make_resolved(world.project)
    before = stored(resolved)
    assert answer(issues.post(f"{resolved.id}/resolve/")) == NOT_RESOLVABLE
    assert stored(resolved) == before


def test_a_second_resolve_is_a_400_and_the_first_date_stays(issues: Api, issue: HealthIssue) -> None:
    with clock.stopped_at(LATER):
        assert issues.post(f"{issue.id}/resolve/").status_code == 200
    assert answer(issues.post(f"{issue.id}/resolve/")) == NOT_RESOLVABLE
    assert answer(issues.get(f"{issue.id}/"))[1]["resolved_at"] == LATER_TEXT


def test_a_recurrence_is_another_issue_and_can_be_resolved_too(world: World, issues: Api) -> None:
    """2.1, model: a resolved twin never blocks."""
    for _ in range(2):
        issue = make_issue(world.project, unique_hash="same")
        assert issues.post(f"{issue.id}/resolve/").status_code == 200


@pytest.mark.parametrize("issue_id", [UNKNOWN, *MALFORMED_IDS])
def test_an_unknown_or_malformed_id_is_not_found(issues: Api, issue_id: str) -> None:
    """2.2, resolve: unknown → 404."""
    assert answer(issues.post(f"{issue_id}/resolve/")) == (404, NOT_FOUND)


def test_a_foreign_issue_is_not_found_and_unchanged(stranger: World, issues: Api) -> None:
    foreign = make_issue(stranger.project)
    before = stored(foreign)
    assert answer(issues.post(f"{foreign.id}/resolve/")) == (404, NOT_FOUND)
    assert stored(foreign) == before


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "text",
        7,
        {"dismissed": True, "status": "active", "kind": 5},
        {"a": "\ud800"},
        {"a": "\0"},
        {"n": 2**70},
        b"null",
    ],
)
def test_the_body_is_ignored(issues: Api, issue: HealthIssue, body: Any) -> None:
    """2.2, resolve and 11.12: body ignored."""
    status, shown_then = answer(issues.post(f"{issue.id}/resolve/", body))
    assert (status, shown_then["status"], shown_then["dismissed"]) == (200, "resolved", False)


def test_a_forms_fields_are_ignored(issues: Api, issue: HealthIssue) -> None:
    response = issues.post(f"{issue.id}/resolve/", b"dismissed=true&kind=x", content_type=FORM)
    assert (response.status_code, answer(response)[1]["dismissed"]) == (200, False)


def test_a_key_in_the_body_is_no_field_here(world: World, issue: HealthIssue) -> None:
    body = {"personal_api_key": world.key("health_issue:write")}
    assert world.anonymous().post(f"health_issues/{issue.id}/resolve/", body).status_code == 200


def test_a_body_that_cannot_be_read_is_still_a_400(issues: Api, issue: HealthIssue) -> None:
    """1.1: malformed JSON on a write is reported while permissions are checked."""
    before = stored(issue)
    text = "JSON parse error - Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
    expected = error(400, "invalid_request", "parse_error", text)
    assert answer(issues.post(f"{issue.id}/resolve/", b"{")) == expected
    assert stored(issue) == before


@pytest.mark.parametrize("prefix", ["environments", "projects"])
@pytest.mark.parametrize("ending", ["", "/", ".json"])
def test_both_prefixes_serve_it_with_and_without_slash(
    world: World, issue: HealthIssue, prefix: str, ending: str
) -> None:
    """1.1: routing."""
    api = Api(world.project, world.key("health_issue:write"), prefix)
    assert api.post(f"health_issues/{issue.id}/resolve{ending}").status_code == 200


def test_only_a_resolve_that_happened_passes_the_audit_hook(
    world: World, issues: Api, issue: HealthIssue, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes: list[audit.Change] = []
    monkeypatch.setattr(audit, "record", changes.append)
    with clock.stopped_at(LATER):
        for path in (str(issue.id), str(issue.id), UNKNOWN, "x"):
            issues.post(f"{path}/resolve/")
    [change] = changes
    assert (change.action, change.resource, change.object_id) == ("resolve", "health_issues", str(issue.id))
    assert change.before == {"status": "active", "resolved_at": None}
    assert change.after == {"status": "resolved", "resolved_at": LATER}


def test_a_resolve_writes_once_and_reads_once(issues: Api, issue: HealthIssue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "record", lambda change: None)
    with statements() as sent:
        assert issues.post(f"{issue.id}/resolve/").status_code == 200
    about_issues = " ".join(statement for statement in sent if "healthtrack_healthissue" in statement)
    assert re.findall(r"SELECT|UPDATE|INSERT", about_issues) == ["UPDATE", "SELECT"]
