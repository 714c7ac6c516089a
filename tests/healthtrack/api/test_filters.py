"""The filters of health issues (contract 2.2): on the list, and on every other action too."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from environments.models import Project
from healthtrack.models import HealthIssue
from tests.environments.world import NOT_FOUND, Api, World, answer
from tests.healthtrack.api.making import CREATED, UNKNOWN, invalid, make_issue, make_resolved, retrieved, stored

ACTIONS = [
    *(("GET", ""), ("GET", "{id}/"), ("PATCH", "{id}/"), ("POST", "{id}/resolve/"), ("GET", "summary/")),
]
every_action = pytest.mark.parametrize(("method", "path"), ACTIONS)
NUL = invalid("Null characters are not allowed.", "kind", "null_characters_not_allowed")


@pytest.fixture
def kinds(world: World) -> Project:
    """Issues whose kinds say what they are."""
    for status, make in (("active", make_issue), ("resolved", make_resolved)):
        for severity in ("critical", "warning", "info"):
            for dismissed in (False, True):
                kind = f"{status} {severity}{' dismissed' if dismissed else ''}"
                make(world.project, kind=kind, severity=severity, dismissed=dismissed, created_at=CREATED)
    return world.project


def found(issues: Api, query: str) -> set[str]:
    status, body = answer(issues.get(f"?{query}"))
    assert status == 200, body
    assert body["count"] == len(body["results"])
    return {issue["kind"] for issue in body["results"]}


def of(statuses: str, severities: str, *dismissed: bool) -> set[str]:
    """The kinds of `kinds` with these properties."""
    return {
        f"{status} {severity}{' dismissed' if flag else ''}"
        for status in statuses.split()
        for severity in severities.split()
        for flag in dismissed
    }


ALL = "critical warning info"
BOTH = "active resolved"


# ---- what each means


@pytest.mark.parametrize("status", ["active", "resolved"])
def test_status_keeps_the_issues_of_that_status(issues: Api, kinds: Project, status: str) -> None:
    """2.2, filters: status."""
    assert found(issues, f"status={status}") == of(status, ALL, False, True)


@pytest.mark.parametrize("severity", ["critical", "warning", "info"])
def test_severity_keeps_the_issues_of_that_severity(issues: Api, kinds: Project, severity: str) -> None:
    """2.2, filters: severity."""
    assert found(issues, f"severity={severity}") == of(BOTH, severity, False, True)


def test_kind_keeps_the_issues_of_exactly_that_kind(world: World, issues: Api, kinds: Project) -> None:
    """2.2, filters: kind exact, unvalidated."""
    assert found(issues, "kind=active+info") == {"active info"}
    for kind in ("active", "ACTIVE INFO", "active info ", "active%25", "nonsense", "%F0%9F%92%A5", "x" * 3000, "%ff"):
        assert found(issues, f"kind={kind}") == set()
    make_issue(world.project, kind="é 💥 '\"%_")
    assert found(issues, f"kind={quote(chr(233))}%20%F0%9F%92%A5%20'%22%25_") == {"é 💥 '\"%_"}


@pytest.mark.parametrize("value", ["true", "True", "TRUE", "tRuE"])
def test_dismissed_true_keeps_the_dismissed_ones(issues: Api, kinds: Project, value: str) -> None:
    """2.2, filters: dismissed, present and lower-cased equal to `true` → true."""
    assert found(issues, f"dismissed={value}") == of(BOTH, ALL, True)


@pytest.mark.parametrize("value", ["", "false", "1", "yes", "on", "t", "+true", "true+", "null", "%00", "💥", "tru"])
def test_dismissed_anything_else_keeps_those_that_are_not(issues: Api, kinds: Project, value: str) -> None:
    """2.2, filters: dismissed, anything else incl. empty string or `1` → false."""
    assert found(issues, f"dismissed={value}") == of(BOTH, ALL, False)


def test_without_dismissed_both_are_kept(issues: Api, kinds: Project) -> None:
    assert found(issues, "") == of(BOTH, ALL, False, True)


@pytest.mark.parametrize("name", ["status", "severity", "kind"])
def test_an_empty_filter_is_ignored(issues: Api, kinds: Project, name: str) -> None:
    """2.2, filters: empty status, severity, kind."""
    assert found(issues, f"{name}=") == of(BOTH, ALL, False, True)


def test_filters_narrow_one_another(issues: Api, kinds: Project) -> None:
    assert found(issues, "status=active&severity=critical&dismissed=true") == {"active critical dismissed"}
    assert found(issues, "status=active&severity=critical&dismissed=true&kind=active+critical") == set()
    assert found(issues, "status=resolved&dismissed=x") == of("resolved", ALL, False)


def test_the_same_filters_with_other_values_are_another_question(issues: Api, kinds: Project) -> None:
    """Statements are kept as texts: a kept one must not answer for another value."""
    for _ in range(2):
        assert found(issues, "dismissed=true") == of(BOTH, ALL, True)
        assert found(issues, "dismissed=false") == of(BOTH, ALL, False)
        assert found(issues, "status=active&dismissed=true") == of("active", ALL, True)
        assert found(issues, "status=resolved&dismissed=true") == of("resolved", ALL, True)
        assert found(issues, "status=active&dismissed=false") == of("active", ALL, False)


def test_of_a_repeated_filter_the_last_counts(issues: Api, kinds: Project) -> None:
    assert found(issues, "status=active&status=resolved") == of("resolved", ALL, False, True)
    assert found(issues, "status=nonsense&status=active") == of("active", ALL, False, True)
    assert found(issues, "status=active&status=") == of(BOTH, ALL, False, True)
    assert answer(issues.get("?status=active&status=bad")) == invalid("Invalid status: bad", "status")


@pytest.mark.parametrize(
    "query", ["id=x", "environment_id=1", "severity_rank=9", "status__in=x", "order_by=x", "=", "&"]
)
def test_unknown_parameters_are_ignored(issues: Api, kinds: Project, query: str) -> None:
    assert found(issues, query) == of(BOTH, ALL, False, True)


def test_links_keep_the_filters(issues: Api, kinds: Project) -> None:
    """1.5: other query parameters kept and sorted by name."""
    body = answer(issues.get("?status=active&limit=2&dismissed=no"))[1]
    assert body["count"] == 3
    assert body["next"] == f"http://testserver{issues.root}?dismissed=no&limit=2&offset=2&status=active"


# ---- on every action


@every_action
@pytest.mark.parametrize(
    ("query", "text", "attr"),
    [
        ("status=bogus", "Invalid status: bogus", "status"),
        ("status=dismissed", "Invalid status: dismissed", "status"),
        ("status=Active", "Invalid status: Active", "status"),
        ("status=+active", "Invalid status:  active", "status"),
        ("status=%F0%9F%92%A5", "Invalid status: 💥", "status"),
        ("status=%00", "Invalid status: \0", "status"),
        ("status=%ff", "Invalid status: \ufffd", "status"),
        ("severity=bogus", "Invalid severity: bogus", "severity"),
        ("severity=Critical", "Invalid severity: Critical", "severity"),
        ("severity=0", "Invalid severity: 0", "severity"),
        ("severity=bogus&status=worse", "Invalid status: worse", "status"),
        ("severity=critical,info", "Invalid severity: critical,info", "severity"),
    ],
)
def test_a_wrong_value_is_a_400_on_every_action(
    world: World, issues: Api, method: str, path: str, query: str, text: str, attr: str
) -> None:
    """2.2, filters: texts and attr; bad value → 400 everywhere."""
    issue = make_issue(world.project)
    before = stored(issue)
    address = path.format(id=issue.id)
    assert answer(issues.request(method, f"{address}?{query}", {})) == invalid(text, attr)
    assert stored(issue) == before


@every_action
@pytest.mark.parametrize("issue_id", [UNKNOWN, "malformed"])
def test_a_wrong_value_is_reported_before_a_wrong_id(issues: Api, method: str, path: str, issue_id: str) -> None:
    """2.2: the filters sit in the base queryset, which is made before the look-up."""
    response = issues.request(method, f"{path.format(id=issue_id)}?severity=x", {})
    assert answer(response) == invalid("Invalid severity: x", "severity")


@every_action
def test_nul_in_a_kind_is_a_400(world: World, issues: Api, method: str, path: str) -> None:
    """Decision table: what upstream answers with a 500; PostgreSQL holds no NUL."""
    address = path.format(id=make_issue(world.project).id)
    assert answer(issues.request(method, f"{address}?kind=a%00", {})) == NUL


OTHERS = ["status=resolved", "severity=info", "kind=other", "dismissed=true"]


@pytest.mark.parametrize("query", OTHERS)
@pytest.mark.parametrize(("method", "path"), [ACTIONS[1], ACTIONS[2], ACTIONS[3]])
def test_an_issue_that_a_filter_excludes_is_not_found(
    world: World, issues: Api, method: str, path: str, query: str
) -> None:
    """2.2: `GET …/{id}/?status=resolved` on an active issue → 404; the same for PATCH and resolve."""
    issue = make_issue(world.project)
    before = stored(issue)
    assert answer(issues.request(method, f"{path.format(id=issue.id)}?{query}", {})) == (404, NOT_FOUND)
    assert stored(issue) == before


FITTING = "status=active&severity=warning&kind=some_check&dismissed="


def test_an_issue_that_the_filters_leave_is_served(world: World, issues: Api) -> None:
    issue = make_issue(world.project)
    assert answer(issues.get(f"{issue.id}/?{FITTING}")) == (200, retrieved(issue))


def test_a_change_that_makes_a_filter_untrue_is_still_shown(world: World, issues: Api) -> None:
    """The filters choose the issue as it was."""
    issue = make_issue(world.project)
    status, body = answer(issues.patch(f"{issue.id}/?{FITTING}", {"dismissed": True}))
    assert (status, body["dismissed"]) == (200, True)
    status, body = answer(issues.post(f"{issue.id}/resolve/?status=active&dismissed=true"))
    assert (status, body["status"]) == (200, "resolved")
    assert answer(issues.post(f"{issue.id}/resolve/?status=active")) == (404, NOT_FOUND)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    query=st.dictionaries(
        st.sampled_from(["status", "severity", "kind", "dismissed", "limit", "offset", "x"]),
        st.sampled_from(["active", "resolved", "info", "true", "", "0"]) | st.binary(max_size=6).map(quote),
        max_size=5,
    ),
    action=st.sampled_from(ACTIONS),
)
def test_no_query_string_is_a_defect(world: World, issues: Api, query: dict[str, str], action: tuple[str, str]) -> None:
    issue = HealthIssue.objects.filter(environment=world.project).first() or make_issue(world.project)
    text = "&".join(f"{name}={value}" for name, value in query.items())
    response = issues.request(action[0], f"{action[1].format(id=issue.id)}?{text}", {})
    assert response.status_code in {200, 400, 404}
