"""PATCH …/health_issues/{id}/ (contract 2.2): only `dismissed`."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test.client import encode_multipart
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from environments import clock
from environments.api import audit
from healthtrack.models import HealthIssue
from tests.environments.same import JSON
from tests.environments.world import NOT_FOUND, Api, World, answer, statements
from tests.healthtrack.api.making import (
    FORM,
    LATER,
    LATER_TEXT,
    MALFORMED_IDS,
    UNKNOWN,
    invalid,
    make_issue,
    make_resolved,
    retrieved,
    shown,
    stored,
)

READ_ONLY = ["id", "kind", "severity", "status", "payload", "created_at", "updated_at", "resolved_at"]
NOT_BOOLEAN = invalid("Must be a valid boolean.", "dismissed")


def read_only(attr: str | None) -> tuple[int, Any]:
    return invalid("This field is read-only.", attr)


@pytest.fixture
def issue(world: World) -> HealthIssue:
    return make_issue(world.project)


def test_an_issue_is_dismissed_and_taken_back(issues: Api, issue: HealthIssue) -> None:
    """2.2, PATCH: 200 full object; nothing but dismissed and updated_at changes."""
    before = stored(issue)
    with clock.stopped_at(LATER):
        changed = answer(issues.patch(f"{issue.id}/", {"dismissed": True}))
    assert changed == (200, shown(issue, dismissed=True, updated_at=LATER_TEXT))
    assert stored(issue) == before | {"dismissed": True, "updated_at": LATER}
    with clock.stopped_at(LATER):
        back = answer(issues.patch(f"{issue.id}/", {"dismissed": False}))
    assert back == (200, shown(issue, updated_at=LATER_TEXT))
    assert answer(issues.get(f"{issue.id}/")) == (200, retrieved(issue, updated_at=LATER_TEXT))


def test_a_resolved_issue_can_be_dismissed_and_stays_resolved(world: World, issues: Api) -> None:
    """2.2, PATCH: allowed on resolved issues; status untouched."""
    resolved = make_resolved(world.project)
    status, body = answer(issues.patch(f"{resolved.id}/", {"dismissed": True}))
    assert (status, body["status"], body["dismissed"]) == (200, "resolved", True)
    assert body["resolved_at"] == "2026-03-01T12:30:05.120000Z"


def test_doing_it_twice_is_as_doing_it_once(issues: Api, issue: HealthIssue) -> None:
    """2.2, PATCH: idempotent."""
    with clock.stopped_at(LATER):
        first, second = (answer(issues.patch(f"{issue.id}/", {"dismissed": True})) for _ in range(2))
    assert first == second == (200, shown(issue, dismissed=True, updated_at=LATER_TEXT))


@pytest.mark.parametrize("body", [{}, None])
@pytest.mark.parametrize("dismissed", [True, False])
def test_an_empty_body_changes_nothing_but_updated_at(world: World, issues: Api, body: Any, dismissed: bool) -> None:
    """2.2, PATCH: `{}` → 200 unchanged (updated_at still bumped)."""
    issue = make_issue(world.project, dismissed=dismissed)
    with clock.stopped_at(LATER):
        changed = answer(issues.patch(f"{issue.id}/", body))
    assert changed == (200, shown(issue, dismissed=dismissed, updated_at=LATER_TEXT))
    assert stored(issue)["updated_at"] == LATER


# ---- keys that are not dismissed


@pytest.mark.parametrize(
    "name",
    [
        *READ_ONLY,
        *("team", "unique_hash", "severity_rank", "environment_id", "nonsense", "personal_api_key", "snoozed_until"),
        *("Dismissed", " dismissed", "dismissed ", "dismissed__x", "é💥", "a.b", "\0", "\ud800", "x" * 5000),
    ],
)
@pytest.mark.parametrize("value", [None, "x", True])
def test_any_other_key_is_read_only(world: World, issues: Api, issue: HealthIssue, name: str, value: Any) -> None:
    """2.2, PATCH: `This field is read-only.`, attr = that key; read-only fields, unknown names, personal_api_key."""
    before = stored(issue)
    assert answer(issues.patch(f"{issue.id}/", {"dismissed": True, name: value})) == read_only(name)
    assert answer(issues.patch(f"{issue.id}/", {name: value})) == read_only(name)
    assert stored(issue) == before


def test_the_seeds_own_example_is_a_400(issues: Api, issue: HealthIssue) -> None:
    """2.2, PATCH: `-d kind="string"`; 11.13."""
    response = issues.patch(f"{issue.id}/", b"kind=string", content_type=FORM)
    assert answer(response) == read_only("kind")


def test_a_key_in_the_body_authenticates_and_is_then_refused_as_a_field(world: World, issue: HealthIssue) -> None:
    body = {"dismissed": True, "personal_api_key": world.key("health_issue:write")}
    assert answer(world.anonymous().patch(f"health_issues/{issue.id}/", body)) == read_only("personal_api_key")
    assert stored(issue)["dismissed"] is False


@pytest.mark.parametrize("issue_id", [UNKNOWN, *MALFORMED_IDS])
def test_another_key_is_reported_before_an_unknown_or_malformed_id(issues: Api, issue_id: str) -> None:
    """2.2, PATCH: checked before the object lookup (so 400 beats 404)."""
    assert answer(issues.patch(f"{issue_id}/", {"kind": "x"})) == read_only("kind")
    assert answer(issues.patch(f"{issue_id}/", {"dismissed": True})) == (404, NOT_FOUND)
    assert answer(issues.patch(f"{issue_id}/", {"dismissed": "nonsense"})) == (404, NOT_FOUND)


def test_another_key_is_reported_before_a_wrong_filter_and_a_wrong_value(issues: Api, issue: HealthIssue) -> None:
    body = {"dismissed": "nonsense", "status": "resolved"}
    assert answer(issues.patch(f"{issue.id}/?status=bogus", body)) == read_only("status")


def test_of_several_other_keys_one_is_reported(issues: Api, issue: HealthIssue) -> None:
    """2.2, PATCH: only one offending key is reported."""
    assert answer(issues.patch(f"{issue.id}/", {"b": 1, "dismissed": True, "a": 1})) == read_only("b")


def test_a_foreign_issue_is_not_found_and_unchanged(stranger: World, issues: Api) -> None:
    foreign = make_issue(stranger.project)
    before = stored(foreign)
    assert answer(issues.patch(f"{foreign.id}/", {"dismissed": True})) == (404, NOT_FOUND)
    assert stored(foreign) == before


# ---- values


@pytest.mark.parametrize("value", [True, 1, 1.0, "1", "t", "T", "true", "True", "TRUE", "y", "yes", "YES", "on", "On"])
def test_what_drf_takes_as_true_is_true(issues: Api, issue: HealthIssue, value: Any) -> None:
    """2.2, PATCH: DRF truthy strings ("yes", "1", "on") accepted."""
    assert answer(issues.patch(f"{issue.id}/", {"dismissed": value}))[1]["dismissed"] is True


@pytest.mark.parametrize("value", [False, 0, 0.0, -0.0, "0", "f", "F", "false", "False", "n", "no", "NO", "off", "Off"])
def test_what_drf_takes_as_false_is_false(world: World, issues: Api, value: Any) -> None:
    issue = make_issue(world.project, dismissed=True)
    assert answer(issues.patch(f"{issue.id}/", {"dismissed": value}))[1]["dismissed"] is False


@pytest.mark.parametrize(
    "value",
    [
        "",
        "null",
        "maybe",
        " true",
        "true ",
        2,
        -1,
        0.5,
        10**30,
        [],
        [True],
        {},
        {"a": 1},
        "💥",
        "\0",
        "\ud800",
        "x" * 9999,
    ],
)
def test_what_is_no_boolean_is_a_400_and_changes_nothing(issues: Api, issue: HealthIssue, value: Any) -> None:
    """2.2, PATCH: `Must be a valid boolean.`"""
    before = stored(issue)
    assert answer(issues.patch(f"{issue.id}/", {"dismissed": value})) == NOT_BOOLEAN
    assert stored(issue) == before


def test_null_is_a_400_with_its_own_code(issues: Api, issue: HealthIssue) -> None:
    """2.2, PATCH: null → code `null`."""
    before = stored(issue)
    expected = invalid("This field may not be null.", "dismissed", "null")
    assert answer(issues.patch(f"{issue.id}/", {"dismissed": None})) == expected
    assert stored(issue) == before


@pytest.mark.parametrize(
    ("body", "kind"), [([], "list"), (["dismissed"], "list"), ("dismissed", "str"), (7, "int"), (True, "bool")]
)
def test_a_body_that_is_no_object_is_a_400(issues: Api, issue: HealthIssue, body: Any, kind: str) -> None:
    """1.4, 400 non-object body."""
    expected = invalid(f"Invalid data. Expected a dictionary, but got {kind}.", None)
    for issue_id in (issue.id, UNKNOWN):
        assert answer(issues.patch(f"{issue_id}/", body)) == expected


def test_a_body_of_json_null_is_a_400(issues: Api, issue: HealthIssue) -> None:
    expected = invalid("Invalid data. Expected a dictionary, but got NoneType.", None)
    assert answer(issues.patch(f"{issue.id}/", b"null")) == expected


# ---- forms


@pytest.mark.parametrize(("body", "after"), [(b"dismissed=true", True), (b"dismissed=1", True), (b"", False)])
def test_a_form_is_read_as_well(issues: Api, issue: HealthIssue, body: bytes, after: bool) -> None:
    """1.4, 415: JSON, form and multipart are accepted."""
    response = issues.patch(f"{issue.id}/", body, content_type=FORM)
    assert (response.status_code, answer(response)[1]["dismissed"]) == (200, after)


def test_an_empty_field_of_a_form_keeps_the_value(world: World, issues: Api) -> None:
    """A form cannot leave a field away: an empty one means that."""
    issue = make_issue(world.project, dismissed=True)
    response = issues.patch(f"{issue.id}/", b"dismissed=", content_type=FORM)
    assert (response.status_code, answer(response)[1]["dismissed"]) == (200, True)


def test_of_a_repeated_field_the_last_counts(issues: Api, issue: HealthIssue) -> None:
    response = issues.patch(f"{issue.id}/", b"dismissed=false&dismissed=true", content_type=FORM)
    assert answer(response)[1]["dismissed"] is True
    assert answer(issues.patch(f"{issue.id}/", b'{"dismissed": true, "dismissed": false}'))[1]["dismissed"] is False


def test_a_multipart_form_is_read_and_its_files_are_fields_too(issues: Api, issue: HealthIssue) -> None:
    multipart = "multipart/form-data; boundary=b"
    response = issues.patch(f"{issue.id}/", encode_multipart("b", {"dismissed": "on"}), content_type=multipart)
    assert answer(response)[1]["dismissed"] is True
    part = b'--b\r\nContent-Disposition: form-data; name="logo"; filename="a.txt"\r\n\r\nx\r\n--b--\r\n'
    assert answer(issues.patch(f"{issue.id}/", part, content_type=multipart)) == read_only("logo")


# ---- audit and statements


def test_every_patch_passes_the_audit_hook(
    world: World, issues: Api, issue: HealthIssue, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes: list[audit.Change] = []
    monkeypatch.setattr(audit, "record", changes.append)
    issues.patch(f"{issue.id}/", {"dismissed": True})
    issues.patch(f"{issue.id}/", {})
    issues.patch(f"{issue.id}/", {"dismissed": None})
    issues.patch(f"{issue.id}/", {"kind": "x"})
    assert [(change.before, change.after) for change in changes] == [
        ({"dismissed": False}, {"dismissed": True}),
        ({"dismissed": True}, {"dismissed": True}),
    ]
    [first, _] = changes
    assert (first.environment_id, first.action, first.resource) == (world.project.pk, "partial_update", "health_issues")
    assert first.object_id == str(issue.id)
    assert (first.actor.user_id, first.actor.key_id) == (str(world.user.pk), world.keys[issues.key or ""].pk)


def test_a_patch_reads_locks_writes_and_reads_once(
    issues: Api, issue: HealthIssue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "record", lambda change: None)
    with statements() as sent:
        issues.patch(f"{issue.id}/", {"dismissed": True})
    about_issues = " ".join(statement for statement in sent if "healthtrack_healthissue" in statement)
    assert re.findall(r"FOR UPDATE|SELECT|UPDATE|INSERT", about_issues) == ["SELECT", "FOR UPDATE", "UPDATE", "SELECT"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=JSON | st.fixed_dictionaries({"dismissed": JSON | st.sampled_from(["yes", "no", "null"])}))
def test_any_json_is_taken_or_refused(issues: Api, issue: HealthIssue, body: Any) -> None:
    response = issues.patch(f"{issue.id}/", json.dumps(body).encode())
    assert response.status_code in {200, 400}
    assert type(stored(issue)["dismissed"]) is bool
