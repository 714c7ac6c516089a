"""GET …/issues/: status, assignee, times, release, SDK."""

from __future__ import annotations

import pytest

from environments.models import Role
from errortracking.models import IssueAssignment
from tests.environments.world import Api, World, answer, error
from tests.errortracking.api.issuing import count, make_fingerprint, make_issue, names, seen
from tests.errortracking.api.making import UNKNOWN, make_release

INVALID = ("validation_error", "invalid_input")


@pytest.fixture
def issues(world: World) -> Api:
    """A client of the project's issues."""
    return Api(world.project, world.key("error_tracking:read"), below="error_tracking/issues/")


# ---- status


@pytest.fixture
def of_all_kinds(world: World) -> None:
    for status in ("suppressed", "resolved", "pending_release", "archived", "active"):
        make_issue(world.project, status, status=status)


@pytest.mark.parametrize("status", ["active", "resolved", "suppressed", "archived", "pending_release"])
def test_issues_of_one_status(of_all_kinds: None, issues: Api, status: str) -> None:
    assert names(issues, f"status={status}") == [status]


def test_issues_of_several(of_all_kinds: None, issues: Api) -> None:
    assert names(issues, "status=resolved, active,,") == ["active", "resolved"]
    assert len(names(issues, "status=")) == 5
    assert len(names(issues, "status=%20")) == 5


@pytest.mark.parametrize("status", ["Active", "open", "active,x", "all"])
def test_another_status_is_a_400(issues: Api, status: str) -> None:
    wrong = status.rpartition(",")[2]
    text = f'"{wrong}" is not a valid choice.'
    assert answer(issues.get(f"?status={status}")) == error(400, "validation_error", "invalid_choice", text, "status")


# ---- assignee


def test_issues_of_one_assignee_or_of_nobody(world: World, issues: Api) -> None:
    role = Role.objects.create(organization=world.organization, name="on call")
    for name, who in (("mine", {"user": world.user}), ("ours", {"role": role})):
        IssueAssignment.objects.create(environment=world.project, issue=make_issue(world.project, name), **who)
    make_issue(world.project, "nobody's")
    assert names(issues, f"assignee=user:{world.user.pk}") == ["mine"]
    assert names(issues, f"assignee=role:{role.pk}") == ["ours"]
    assert names(issues, f"assignee=role:{world.user.pk}") == []
    assert names(issues, "assignee=none") == ["nobody's"]
    assert names(issues, f"assignee=user:{UNKNOWN}") == []


@pytest.mark.parametrize("assignee", ["me", "user", UNKNOWN, f"team:{UNKNOWN}", "None", f"{UNKNOWN}:user"])
def test_another_word_for_an_assignee_is_a_400(issues: Api, assignee: str) -> None:
    text = "Must be `user:<id>`, `role:<id>` or `none`."
    if assignee == "user":
        text = "Must be a valid UUID."
    assert answer(issues.get(f"?assignee={assignee}")) == error(400, *INVALID, text, "assignee")


@pytest.mark.parametrize("assignee", ["user:", "user:7", "role:x", f"user:{UNKNOWN}0"])
def test_an_assignees_id_is_a_uuid(issues: Api, assignee: str) -> None:
    assert answer(issues.get(f"?assignee={assignee}")) == error(400, *INVALID, "Must be a valid UUID.", "assignee")


# ---- first and last seen


@pytest.fixture
def at_times(world: World) -> None:
    for name, first, last in (("early", 0, 10), ("late", 20, 30), ("all the time", 0, 30)):
        count(world.project, make_issue(world.project, name), first, last)
    make_issue(world.project, "never")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("first_seen_from=2026-03-01T12:00:00Z", ["all the time", "late", "early"]),
        ("first_seen_from=2026-03-01T12:00:01Z", ["late"]),
        ("first_seen_to=2026-03-01T12:00:00Z", ["all the time", "early"]),
        ("first_seen_to=2026-03-01", []),
        ("last_seen_from=2026-03-01T12:10:01Z", ["all the time", "late"]),
        ("last_seen_to=2026-03-01T12:10:00Z", ["early"]),
        ("last_seen_from=2026-03-01T12:10&last_seen_to=2026-03-01T12:29", ["early"]),
        ("last_seen_from=2026-03-01T14:10:01%2B02:00", ["all the time", "late"]),
        ("first_seen_from=2026-03-01T12:01&last_seen_to=2026-03-02", ["late"]),
        ("first_seen_from=&last_seen_to=", ["never", "all the time", "late", "early"]),
    ],
)
def test_bounds_of_the_first_and_the_last_exception(
    at_times: None, issues: Api, query: str, expected: list[str]
) -> None:
    assert names(issues, query) == expected


@pytest.mark.parametrize("name", ["first_seen_from", "first_seen_to", "last_seen_from", "last_seen_to"])
@pytest.mark.parametrize(
    "value", ["yesterday", "-7d", "1", "2026-13-01", "2026-03-01T25:00", "20260301", "0001-01-01T00:00+01"]
)
def test_what_is_no_moment_is_a_400(issues: Api, name: str, value: str) -> None:
    text = "Must be an ISO 8601 date or date and time, such as 2026-03-01T12:30:00Z."
    assert answer(issues.get(f"?{name}={value.replace('+', '%2B')}")) == error(400, *INVALID, text, name)


# ---- release and SDK


def test_issues_that_were_seen_in_a_release(world: World, issues: Api) -> None:
    one, two = make_release(world.project, version="1.0"), make_release(world.project, version="1.0")
    other = make_release(world.project, version="2.0")
    for name, release in (("web", one), ("api", two), ("later", other)):
        seen(world.project, make_fingerprint(world.project, make_issue(world.project, name)), release)
    make_issue(world.project, "unknown")
    assert names(issues, "release=1.0") == ["api", "web"]
    assert names(issues, f"release={one.pk}") == ["web"]
    assert names(issues, "release=2.0") == ["later"]
    assert names(issues, "release=3.0") == names(issues, f"release={UNKNOWN}") == []


def test_a_merged_issue_is_found_by_the_releases_of_all_its_fingerprints(world: World, issues: Api) -> None:
    release = make_release(world.project, version="1.0")
    issue = make_issue(world.project, "both")
    for _ in range(2):
        seen(world.project, make_fingerprint(world.project, issue), release)
    assert names(issues, "release=1.0") == ["both"]


def test_a_release_of_another_project_finds_nothing(world: World, stranger: World, issues: Api) -> None:
    theirs = make_release(stranger.project, version="1.0")
    seen(stranger.project, make_fingerprint(stranger.project, make_issue(stranger.project)), theirs, "web")
    make_issue(world.project)
    assert names(issues, "release=1.0") == names(issues, f"release={theirs.pk}") == names(issues, "sdk=web") == []


def test_issues_that_were_seen_by_an_sdk(world: World, issues: Api) -> None:
    for name, sdk in (("a", "web"), ("b", "posthog-python")):
        issue = make_issue(world.project, name)
        seen(world.project, make_fingerprint(world.project, issue), sdk=sdk)
    assert names(issues, "sdk=web") == ["a"]
    assert names(issues, "sdk=posthog-python") == ["b"]
    assert names(issues, "sdk=WEB") == names(issues, "sdk=x") == []


# ---- together


def test_all_conditions_hold_together(world: World, issues: Api) -> None:
    for name, status, last in (("a", "active", 5), ("b", "active", 1), ("c", "resolved", 5)):
        issue = make_issue(world.project, name, status=status)
        count(world.project, issue, last=last)
        seen(world.project, make_fingerprint(world.project, issue), sdk="web")
    query = "status=active&last_seen_from=2026-03-01T12:05&sdk=web&assignee=none&order_by=-users"
    assert names(issues, query) == ["a"]
    assert names(issues, query + "&sdk=x&sdk=web") == ["a"]  # of a repeated one the last counts


@pytest.mark.parametrize("name", ["status", "assignee", "release", "sdk", "search", "first_seen_from"])
def test_null_characters_are_a_400(issues: Api, name: str) -> None:
    expected = error(400, "validation_error", "null_characters_not_allowed", "Null characters are not allowed.", name)
    assert answer(issues.get(f"?{name}=a%00b")) == expected
