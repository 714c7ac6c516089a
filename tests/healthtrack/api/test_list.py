"""GET …/health_issues/ (contract 2.1 and 2.2)."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from environments.ids import uuid7
from healthtrack.api.health_issues import HealthIssueViewSet
from healthtrack.models import HealthIssue
from tests.environments.same import JSON, MOMENT, TEXT, assert_same
from tests.environments.world import Api, World, answer, statements
from tests.healthtrack.api.making import CREATED, make_issue, make_resolved, shown

FIELDS = ["id", "kind", "severity", "status", "dismissed", "payload", "created_at", "updated_at", "resolved_at"]


def listed(issues: Api, query: str = "") -> list[dict[str, Any]]:
    status, body = answer(issues.get(query))
    assert status == 200, body
    return list(body["results"])


# ---- 2.1, the object


def test_an_issue_has_the_nine_fields_of_the_contract_in_their_order(world: World, issues: Api) -> None:
    """2.1: all fields; 11.15: nine, not the later ones."""
    issue = make_issue(world.project)
    body = answer(issues.get(""))[1]
    assert body == {"count": 1, "next": None, "previous": None, "results": [shown(issue)]}
    assert list(body["results"][0]) == FIELDS


def test_a_resolved_and_dismissed_issue_shows_it(world: World, issues: Api) -> None:
    """2.1: status, dismissed, resolved_at."""
    issue = make_resolved(world.project, dismissed=True)
    expected = shown(issue, status="resolved", dismissed=True, resolved_at="2026-03-01T12:30:05.120000Z")
    assert listed(issues) == [expected]


def test_team_hash_and_rank_are_not_exposed(world: World, issues: Api) -> None:
    """2.1: not exposed."""
    issue = make_issue(world.project, unique_hash="f" * 64)
    content = issues.get("").content.decode()
    assert set(listed(issues)[0]) == set(FIELDS)
    assert "f" * 64 not in content
    assert not {"team", "team_id", "environment", "environment_id", "severity_rank"} & set(listed(issues)[0])
    assert issue.severity_rank == 1


def test_an_id_is_a_uuid_of_version_7(world: World, issues: Api) -> None:
    """2.1: id."""
    HealthIssue.objects.create(environment=world.project, kind="k", severity="info", unique_hash="h")
    [issue] = listed(issues)
    assert UUID(issue["id"]).version == 7
    assert (issue["status"], issue["dismissed"], issue["payload"], issue["resolved_at"]) == ("active", False, {}, None)


@pytest.mark.parametrize("kind", ["external_data_failure", "no_live_events", "reverse_proxy", "x" * 100, "é 💥 <b>"])
def test_a_kind_is_any_text_of_100_characters(world: World, issues: Api, kind: str) -> None:
    """2.1: kind is a free string, not an enum."""
    make_issue(world.project, kind=kind)
    assert listed(issues)[0]["kind"] == kind


@pytest.mark.parametrize(
    "payload", [{}, {"a": {"b": [1, 2.5, None, True]}}, [], "text", 0, 1e20, 2**70, {"ключ": '💥\u2028\\"</script>'}]
)
def test_a_payload_is_shown_as_it_is_stored(world: World, issues: Api, payload: Any) -> None:
    """2.1: payload is any JSON."""
    make_issue(world.project, payload=payload)
    assert listed(issues)[0]["payload"] == payload


def test_a_resolved_twin_does_not_block_an_active_one(world: World, issues: Api) -> None:
    """2.1, model: unique only where the status is active."""
    for made in (make_resolved, make_resolved, make_issue):
        made(world.project, unique_hash="same")
    assert [issue["status"] for issue in listed(issues)].count("resolved") == 2


# ---- 2.2, order and pages


def test_critical_is_first_then_warning_then_info_and_of_each_the_newest(world: World, issues: Api) -> None:
    """2.2, GET list: the order; neither alphabetical nor by date alone."""
    for minutes, severity in enumerate(["info", "critical", "warning", "warning", "info", "critical"]):
        make_issue(world.project, severity=severity, created_at=CREATED + timedelta(minutes=minutes))
    assert [(issue["severity"], issue["created_at"][14:16]) for issue in listed(issues)] == [
        *(("critical", "35"), ("critical", "31")),
        *(("warning", "33"), ("warning", "32")),
        *(("info", "34"), ("info", "30")),
    ]


def test_of_issues_made_at_one_moment_the_smaller_id_is_first(world: World, issues: Api) -> None:
    """A batch of a check is stored with one moment: pages must not overlap all the same."""
    ids = [uuid7() for _ in range(20)]
    Random(7).shuffle(ids)
    for number in ids:
        make_issue(world.project, id=number)
    pages = [listed(issues, f"?limit=7&offset={offset}") for offset in (0, 7, 14)]
    assert [issue["id"] for page in pages for issue in page] == sorted(map(str, ids))


def test_a_page_is_50_issues_unless_told_otherwise(world: World, issues: Api) -> None:
    """2.2 and 1.5: limit 50."""
    for _ in range(51):
        make_issue(world.project)
    body = answer(issues.get(""))[1]
    assert (body["count"], len(body["results"])) == (51, 50)
    assert body["next"] == f"http://testserver{issues.root}?limit=50&offset=50"
    assert len(listed(issues, "?limit=51")) == 51


@pytest.mark.parametrize("limit", [250, 251, 10_000, 2**31, 2**64])
def test_a_page_is_at_most_250_issues(world: World, issues: Api, limit: int) -> None:
    """2.2 and 1.5: maximum 250, larger is clamped silently."""
    for _ in range(252):
        make_issue(world.project)
    body = answer(issues.get(f"?limit={limit}"))[1]
    assert (body["count"], len(body["results"])) == (252, 250)
    assert body["next"] == f"http://testserver{issues.root}?limit=250&offset=250"


def test_rows_deep_in_the_list_are_the_right_ones(world: World, issues: Api) -> None:
    """Beyond an offset of a thousand another statement finds them."""
    for number in range(1_003):
        make_issue(world.project, kind=f"k{number:04}", created_at=CREATED + timedelta(seconds=number))
    assert [issue["kind"] for issue in listed(issues, "?offset=1000")] == ["k0002", "k0001", "k0000"]
    assert [issue["kind"] for issue in listed(issues, "?offset=1001&severity=warning&dismissed=no")] == [
        *("k0001", "k0000")
    ]


def test_foreign_issues_are_not_listed(world: World, stranger: World, issues: Api) -> None:
    """1.1: all querysets are filtered by project."""
    make_issue(stranger.project)
    mine = make_issue(world.project)
    body = answer(issues.get(""))[1]
    assert (body["count"], [issue["id"] for issue in body["results"]]) == (1, [str(mine.id)])


@pytest.mark.parametrize("prefix", ["environments", "projects"])
@pytest.mark.parametrize("path", ["health_issues", "health_issues/", "health_issues.json", "health_issues.json/"])
def test_both_prefixes_serve_it_with_and_without_slash_and_suffix(world: World, prefix: str, path: str) -> None:
    """1.1: routing; health issues are dual-routed."""
    issue = make_issue(world.project)
    status, body = answer(Api(world.project, world.key("health_issue:read"), prefix).get(path))
    assert (status, body["results"]) == (200, [shown(issue)])


# ---- how it is read


@pytest.mark.parametrize("query", ["", "?status=active&severity=warning&kind=some_check&dismissed=false"])
def test_a_list_is_two_statements(world: World, issues: Api, query: str) -> None:
    """One for the key, one for the page with the count."""
    for _ in range(3):
        make_issue(world.project)
    for _ in range(7):  # the first request makes the texts, the sixth prepares them
        with statements() as sent:
            assert len(listed(issues, query)) == 3
        assert len(sent) == 2
        assert "environments_personalapikey" in sent[0]
        assert ("COUNT(*)" in sent[1], "environments_rowcount" in sent[1]) == (bool(query), not query)


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        ({}, "health_worst_first"),
        ({"severity_rank": 2}, "health_worst_first"),
        ({"status": "active"}, "health_status_worst_first"),
        ({"status": "active", "severity_rank": 1, "dismissed": False}, "health_status_worst_first"),
    ],
)
def test_a_page_is_read_off_an_index_in_its_order(
    world: World, stranger: World, filters: dict[str, Any], index: str
) -> None:
    """No sort: the first page costs the same however many issues a project has had."""
    severities = ["critical", "warning", "info"]
    HealthIssue.objects.bulk_create(
        HealthIssue(
            environment=project,
            kind=f"kind-{n % 7}",
            severity=severities[n % 3],
            status="active" if n % 50 == 0 else "resolved",
            created_at=CREATED + timedelta(seconds=n),
            unique_hash=f"{n}",
        )
        for project in (world.project, stranger.project)
        for n in range(3_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE healthtrack_healthissue")
        found = HealthIssueViewSet.reader._statements({"environment_id": world.project.pk, **filters})
        for text, values in (found.listing, found.paging):
            cursor.execute(f"EXPLAIN {text} LIMIT 50", values)
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert f"Index Scan using {index} on" in plan
            assert "Sort" not in plan


ISSUE = st.fixed_dictionaries(
    {
        "kind": TEXT,
        "severity": st.sampled_from(["critical", "warning", "info"]),
        "status": st.sampled_from(["active", "resolved"]),
        "dismissed": st.booleans(),
        "payload": JSON.filter(lambda value: value is not None),
        "created_at": MOMENT,
        "updated_at": MOMENT,
        "resolved_at": st.none() | MOMENT,
    }
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ISSUE, min_size=1, max_size=4))
def test_the_fast_path_shows_what_the_serializer_says(world: World, rows: list[dict[str, Any]]) -> None:
    HealthIssue.objects.filter(environment_id=world.project.pk).delete()
    for row in rows:
        make_issue(world.project, **row)
    assert_same(HealthIssueViewSet, world.project)
