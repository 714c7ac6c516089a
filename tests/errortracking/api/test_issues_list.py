"""GET …/issues/ (contract 10): the object, pages, orders."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from environments.ids import uuid7
from environments.models import Role
from errortracking.api.issue_filters import ORDERS
from errortracking.api.issues import READERS, IssueViewSet
from errortracking.models import ExternalReference, Issue, IssueAssignment, IssueCohort, IssueStatistics, IssueStatus
from errortracking.models.issues import Severity
from tests.environments.same import MOMENT, TEXT, assert_same
from tests.environments.world import Api, World, answer, error, statements
from tests.errortracking.api.issuing import NOON, at, count, make_fingerprint, make_issue, names

FIELDS = [
    *("id", "status", "name", "description", "severity", "first_seen", "last_seen", "occurrences", "users"),
    *("created_at", "fingerprint", "assignee", "external_issues", "cohort"),
]


@pytest.fixture
def issues(world: World) -> Api:
    """A client of the project's issues."""
    return Api(world.project, world.key("error_tracking:read"), below="error_tracking/issues/")


# ---- the object


def test_an_issue_has_its_fields_in_their_order(world: World, issues: Api) -> None:
    """9, 10: what the real system shows of an issue, and our numbers."""
    issue = make_issue(world.project, description="x is not a function", severity="high")
    count(world.project, issue, first=-5, last=7, occurrences=12, users=3)
    body = answer(issues.get(""))[1]
    assert body["results"] == [
        {
            "id": str(issue.id),
            "status": "active",
            "name": "TypeError",
            "description": "x is not a function",
            "severity": "high",
            "first_seen": "2026-03-01T11:55:00Z",
            "last_seen": "2026-03-01T12:07:00Z",
            "occurrences": 12,
            "users": 3,
            "created_at": "2026-03-01T12:00:00Z",
            "fingerprint": "fingerprint 0",
            "assignee": None,
            "external_issues": [],
            "cohort": None,
        }
    ]
    assert list(body["results"][0]) == FIELDS


def test_an_issue_of_which_nothing_is_stored_has_no_numbers(world: World, issues: Api) -> None:
    make_issue(world.project, None)
    [shown] = answer(issues.get(""))[1]["results"]
    assert {name: shown[name] for name in ("name", "first_seen", "last_seen", "occurrences", "users")} == {
        "name": None,
        "first_seen": None,
        "last_seen": None,
        "occurrences": 0,
        "users": 0,
    }


@pytest.mark.parametrize("kind", ["user", "role"])
def test_the_assignee_is_a_user_or_a_role(world: World, issues: Api, kind: str) -> None:
    """10: assignee {id, type}."""
    issue = make_issue(world.project)
    role = Role.objects.create(organization=world.organization, name="on call")
    who = world.user if kind == "user" else role
    IssueAssignment.objects.create(environment=world.project, issue=issue, **{kind: who})
    assert answer(issues.get(""))[1]["results"][0]["assignee"] == {"id": str(who.pk), "type": kind}


def test_twins_in_other_trackers_are_shown_the_oldest_first(world: World, issues: Api) -> None:
    issue = make_issue(world.project)
    make = ExternalReference.objects.create
    first = make(
        environment=world.project, issue=issue, provider="github", external_context={"url": "https://github.com/a/b/1"}
    )
    second = make(environment=world.project, issue=issue, provider="jira")
    assert answer(issues.get(""))[1]["results"][0]["external_issues"] == [
        {
            "id": str(first.id),
            "integration": {"id": None, "kind": "github", "display_name": "github"},
            "external_url": "https://github.com/a/b/1",
        },
        {
            "id": str(second.id),
            "integration": {"id": None, "kind": "jira", "display_name": "jira"},
            "external_url": "",
        },
    ]


def test_the_cohort_is_shown_by_its_id(world: World, issues: Api) -> None:
    issue = make_issue(world.project)
    IssueCohort.objects.create(environment=world.project, issue=issue, cohort_id=7)
    assert answer(issues.get(""))[1]["results"][0]["cohort"] == {"id": 7, "name": None}


def test_the_fingerprint_is_the_oldest(world: World, issues: Api) -> None:
    issue = make_issue(world.project)
    make_fingerprint(world.project, issue, fingerprint="older", created_at=NOON)
    assert answer(issues.get(""))[1]["results"][0]["fingerprint"] == "older"


def test_texts_of_events_pass_unchanged(world: World, issues: Api) -> None:
    text = "<script>alert(1)</script> \u2028 '\"\\ 💥"
    make_issue(world.project, text, description=text)
    [shown] = answer(issues.get(""))[1]["results"]
    assert (shown["name"], shown["description"]) == (text, text)


# ---- the list


def test_an_empty_project_has_no_issues(issues: Api) -> None:
    assert answer(issues.get("")) == (200, {"count": 0, "next": None, "previous": None, "results": []})


def test_the_newest_id_is_first(world: World, issues: Api) -> None:
    """10: list, newest id first."""
    for name, minutes in (("second", 2), ("first", 1), ("third", 3)):
        make_issue(world.project, name, id=uuid7(at(minutes)))
    assert names(issues) == ["third", "second", "first"]


def test_pages_are_100_issues_and_together_hold_each_once(world: World, issues: Api) -> None:
    """1.5: paginated 100."""
    Issue.objects.bulk_create(
        Issue(environment=world.project, id=uuid7(at(number)), name=f"{number:03}") for number in range(250)
    )
    expected = [f"{number:03}" for number in reversed(range(250))]
    found, query = [], ""
    for _ in range(3):
        body = answer(issues.get(query))[1]
        assert body["count"] == 250
        found += [issue["name"] for issue in body["results"]]
        query = (body["next"] or "").partition("issues/")[2]
    assert found == expected
    assert body["next"] is None
    assert body["previous"] == f"http://testserver{issues.root}?limit=100&offset=100"


@pytest.fixture
def four(world: World) -> None:
    """Three issues whose orders all differ, and one of which nothing is stored."""
    for name, first, last, occurrences, users in (("a", 3, 4, 20, 1), ("b", 1, 9, 30, 2), ("c", 2, 5, 10, 3)):
        issue = make_issue(world.project, name, created_at=at(first))
        count(world.project, issue, first, last, occurrences, users)
    make_issue(world.project, "nothing", created_at=at(9))


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("last_seen", "acb"),
        ("-last_seen", "bca"),
        ("first_seen", "bca"),
        ("-first_seen", "acb"),
        ("occurrences", "cab"),
        ("-occurrences", "bac"),
        ("users", "abc"),
        ("-users", "cba"),
    ],
)
@pytest.mark.parametrize("also", ["", "&status=active"])
def test_it_can_be_sorted_by_what_is_counted(four: None, issues: Api, order: str, expected: str, also: str) -> None:
    """Of what nothing is stored comes last, whichever way it goes, along the index and without it."""
    assert names(issues, f"order_by={order}{also}") == [*expected, "nothing"]


@pytest.mark.parametrize(("order", "expected"), [("created_at", "bca"), ("-created_at", "acb")])
def test_it_can_be_sorted_by_its_making(four: None, issues: Api, order: str, expected: str) -> None:
    found = names(issues, f"order_by={order}")
    assert found == ([*expected, "nothing"] if order == "created_at" else ["nothing", *expected])


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("also", ["", "&status=active", "&search=error"])
def test_pages_of_every_order_hold_each_issue_once(world: World, issues: Api, order: str, also: str) -> None:
    """Also where many are equal, some have no numbers, and a page lies on both sides of the border."""
    for number in range(12):
        issue = make_issue(world.project, f"Error {number}")
        if number % 4:
            count(world.project, issue, last=number % 2)
    whole = names(issues, f"order_by={order}{also}")
    assert len(set(whole)) == 12
    paged: list[str] = []
    for offset in range(0, 15, 5):
        body = answer(issues.get(f"?order_by={order}{also}&limit=5&offset={offset}"))[1]
        assert body["count"] == 12
        paged += [issue["name"] for issue in body["results"]]
    assert paged == whole


@pytest.mark.parametrize("order", ["name", "-id", "last_seen,users", "--users", "Users"])
def test_another_order_is_a_400(issues: Api, order: str) -> None:
    text = f'"{order}" is not a valid choice.'
    expected = error(400, "validation_error", "invalid_choice", text, "order_by")
    assert answer(issues.get(f"?order_by={order}")) == expected


def test_a_blank_order_is_none(four: None, issues: Api) -> None:
    assert names(issues, "order_by=") == names(issues) == ["nothing", "c", "b", "a"]


def test_foreign_issues_are_not_listed(world: World, stranger: World, issues: Api) -> None:
    """1.1: all querysets are filtered by project."""
    theirs = make_issue(stranger.project, "theirs")
    count(stranger.project, theirs)
    make_issue(world.project, "mine")
    for query in ("", "order_by=-last_seen", "search=theirs", "status=active"):
        assert "theirs" not in names(issues, query)


# ---- what it takes


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", 2),  # the key; the page with the kept count
        ("?limit=1&offset=1", 3),  # the key; the count; the page by its ids
        ("?order_by=-last_seen&limit=2", 3),
        ("?order_by=-created_at", 2),
        ("?status=active", 2),
        ("?status=active&order_by=users&offset=1", 3),
        ("?search=error", 7),  # the key; a transaction with its time; how many texts; the ids; the page
        ("?limit=2&offset=50", 2),  # beyond the end: the count
    ],
)
def test_a_list_is_so_many_statements_however_many_issues(world: World, issues: Api, query: str, expected: int) -> None:
    for number in range(3):
        count(world.project, make_issue(world.project, "Error"), last=number)
    for _ in range(2):  # the first request may prepare statements
        with statements() as sent:
            assert issues.get(query).status_code == 200
        assert len(sent) == expected, sent


def test_without_a_filter_no_issue_is_counted(world: World, issues: Api) -> None:
    make_issue(world.project)
    with statements() as sent:
        issues.get("")
    assert not any("COUNT(*)" in statement for statement in sent)
    assert any("environments_rowcount" in statement for statement in sent)


# ---- the same as the serializer

ISSUE = st.fixed_dictionaries(
    {
        "name": st.none() | TEXT,
        "description": st.none() | TEXT,
        "status": st.sampled_from(IssueStatus.values),
        "severity": st.none() | st.sampled_from(Severity.values),
        "created_at": MOMENT,
    }
)
NUMBERS = st.fixed_dictionaries(
    {
        "first_seen": MOMENT,
        "last_seen": MOMENT,
        "occurrences": st.integers(0, 2**63 - 1),
        "users": st.integers(0, 2**63 - 1),
    }
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(ISSUE, NUMBERS, TEXT, st.booleans()), min_size=1, max_size=4))
def test_the_fast_path_shows_what_the_serializer_says(world: World, rows: list[Any]) -> None:
    Issue.objects.filter(environment_id=world.project.pk).delete()
    for fields, numbers, text, full in rows:
        issue = Issue.objects.create(environment=world.project, id=uuid7(), **fields)
        IssueStatistics.objects.create(environment=world.project, issue=issue, **numbers)
        if full:
            own = {"environment": world.project, "issue": issue}
            make_fingerprint(world.project, issue)
            IssueAssignment.objects.create(**own, user=world.user)
            IssueCohort.objects.create(**own, cohort_id=3)
            ExternalReference.objects.create(**own, provider="github", external_context={"url": text})
    assert_same(IssueViewSet, world.project, "statistics")


def test_every_order_reads_the_same_columns() -> None:
    assert len(READERS) == 10
    assert [reader.shape for reader in READERS.values()] == [IssueViewSet.reader.shape] * 10


def test_the_later_of_two_at_the_same_moment_is_first(world: World, issues: Api) -> None:
    for name in "ab":
        count(world.project, make_issue(world.project, name, created_at=NOON - timedelta(days=1)))
    assert names(issues, "order_by=-last_seen") == names(issues, "order_by=-created_at") == ["b", "a"]
    assert names(issues, "order_by=last_seen") == names(issues, "order_by=created_at") == ["a", "b"]
