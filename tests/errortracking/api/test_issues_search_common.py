"""Searching for words that very many issues have: among the first issues of the list, and said so."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from environments import clock
from environments.tenancy import guard
from errortracking.api import issue_search, issue_search_common
from errortracking.models import Fingerprint, FingerprintText, Issue, IssueStatistics
from tests.environments.world import Api, World, answer, error, stranger, world
from tests.errortracking.api.occurring import issues

__all__ = ["issues", "stranger", "world"]

LINE = "shop/cart/module.py checkout_handler "


@pytest.fixture
def many(world: World, stranger: World) -> list[Issue]:
    """Make 600 issues of which two in three are about carts, oldest first; as many of another project."""
    with guard.maintenance("a sample is of pages: no empty ones of earlier tests"), connection.cursor() as cursor:
        cursor.execute("TRUNCATE errortracking_fingerprinttext")
    found = []
    for project in (world.project, stranger.project):
        found.append(made(project, 600))
    with connection.cursor() as cursor:  # as autovacuum has done
        cursor.execute("ANALYZE errortracking_issue, errortracking_fingerprint, errortracking_fingerprinttext")
    return found[0]


def made(project: Any, number: int) -> list[Issue]:
    rows = Issue.objects.bulk_create(
        Issue(environment=project, name=f"Error {n}", status="resolved" if n % 10 == 0 else "active")
        for n in range(number)
    )
    prints = Fingerprint.objects.bulk_create(
        Fingerprint(environment=project, issue=issue, fingerprint=f"{n}", first_seen=issue.created_at)
        for n, issue in enumerate(rows)
    )
    FingerprintText.objects.bulk_create(
        FingerprintText(
            environment=project, fingerprint=row, text=f"{'trolley' if n % 3 == 0 else 'cart'}\n{LINE * 20}"
        )
        for n, row in enumerate(prints)
    )
    IssueStatistics.objects.bulk_create(
        IssueStatistics(
            environment=project,
            issue=issue,
            first_seen=clock.now(),
            last_seen=clock.now() - timedelta(minutes=n),  # the oldest issue was seen last
            occurrences=n,
            users=n % 7,
        )
        for n, issue in enumerate(rows)
    )
    return rows


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few hundred be very many."""
    monkeypatch.setattr(issue_search_common, "REACH", 90)
    monkeypatch.setattr(issue_search_common, "COMMON", 100)
    monkeypatch.setattr(issue_search_common, "SAMPLED_PAGES", 30)


def numbers(body: Any) -> list[int]:
    return [int(row["name"].split()[1]) for row in body["results"]]


def search(issues: Api, query: str) -> tuple[str | None, Any]:
    """Return the header and the body of a search's answer."""
    response = issues.get(f"?search={query}")
    status, body = answer(response)
    assert status == 200, body
    return response.headers.get("X-Searched-Issues"), body


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize(
    ("order", "first"),
    [
        ("", range(599, 509, -1)),
        ("-last_seen", range(90)),
        ("last_seen", range(599, 509, -1)),
        ("-occurrences", range(599, 509, -1)),
        ("created_at", range(90)),
    ],
)
def test_a_common_word_is_looked_for_among_the_first_of_the_list(
    many: list[Issue], issues: Api, order: str, first: range
) -> None:
    expected = [number for number in first if number % 3]
    header, body = search(issues, f"cart+checkout&order_by={order}&limit=1000")
    assert (header, body["count"]) == ("90", 90)  # all have it, in the paths of their frames
    header, body = search(issues, f'"cart%0Ashop"&order_by={order}&limit=1000')
    assert (header, body["count"]) == ("90", len(expected))
    assert numbers(body) == expected


@pytest.mark.usefixtures("_small")
def test_pages_of_it_have_no_hole_and_no_repetition(many: list[Issue], issues: Api) -> None:
    _, whole = search(issues, '"cart%0Ashop"&order_by=-last_seen&limit=1000')
    pages = [
        search(issues, f'"cart%0Ashop"&order_by=-last_seen&limit=25&offset={start}')[1] for start in (0, 25, 50, 75)
    ]
    assert [len(page["results"]) for page in pages] == [25, 25, 10, 0]
    assert {page["count"] for page in pages} == {60}
    assert [page["next"] is None for page in pages] == [False, False, True, True]
    assert [number for page in pages for number in numbers(page)] == numbers(whole)


@pytest.mark.usefixtures("_small")
def test_other_filters_go_first(many: list[Issue], issues: Api) -> None:
    header, body = search(issues, '"cart%0Ashop"&status=resolved&limit=1000')
    assert (header, numbers(body)) == ("90", [number for number in range(590, -1, -10) if number % 3])


@pytest.mark.usefixtures("_small")
def test_a_name_is_searched_too(many: list[Issue], issues: Api) -> None:
    Issue.objects.filter(environment_id=many[0].environment_id, pk=many[597].pk).update(name="cart\nshop 597")
    _, body = search(issues, '"cart%0Ashop"&limit=2')
    assert body["count"] == 61
    assert [row["id"] for row in body["results"]] == [str(many[599].pk), str(many[598].pk)]


@pytest.mark.usefixtures("_small")
def test_a_word_that_none_of_the_first_has_is_looked_for_everywhere(many: list[Issue], issues: Api) -> None:
    own = {"environment_id": many[0].environment_id}
    new = Fingerprint.objects.filter(**own, issue__in=many[400:]).values_list("pk", flat=True)
    FingerprintText.objects.filter(**own, pk__in=list(new)).update(text="new")
    header, body = search(issues, '"cart%0Ashop"&limit=1')
    assert (header, body["count"], numbers(body)) == (None, 266, [398])


@pytest.mark.usefixtures("_small")
def test_a_rare_word_and_a_word_of_another_project_are_found_exactly(many: list[Issue], issues: Api) -> None:
    row = Fingerprint.objects.get(environment_id=many[0].environment_id, issue=many[3])
    FingerprintText.objects.filter(environment_id=many[0].environment_id, fingerprint=row).update(
        text="needle cart\nshop"
    )
    for query in ("needle", 'needle+"cart%0Ashop"'):
        header, body = search(issues, query)
        assert (header, numbers(body)) == (None, [3])
    FingerprintText.objects.filter(environment_id=many[0].environment_id).update(text="nothing")
    header, body = search(issues, '"cart%0Ashop"')
    assert (header, body["count"]) == (None, 0)


def test_what_is_common_is_told_by_a_sample(many: list[Issue], monkeypatch: pytest.MonkeyPatch) -> None:
    assert (issue_search_common.REACH, issue_search_common.COMMON) == (10_000, 30_000)
    project = many[0].environment_id
    assert not issue_search_common.are_common(project, ["cart"])  # the table is small
    monkeypatch.setattr(issue_search_common, "SAMPLED_PAGES", 40)
    for common, expected in ((100, True), (1_000, False)):
        monkeypatch.setattr(issue_search_common, "COMMON", common)
        assert issue_search_common.are_common(project, ["cart"]) is expected
        assert not issue_search_common.are_common(project, ["needle"])


@pytest.mark.usefixtures("_small")
def test_it_is_ended_when_it_takes_too_long_as_any_search(
    many: list[Issue], issues: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = issue_search_common._SAMPLE.replace("WHERE", "WHERE pg_sleep(0.1) IS NOT NULL AND")
    monkeypatch.setattr(issue_search_common, "_SAMPLE", slow)
    monkeypatch.setattr(issue_search, "SECONDS", 1)
    message = "Too many issues have these words. Add one that fewer have."
    assert answer(issues.get("?search=cart")) == error(400, "validation_error", "invalid_input", message, "search")


@pytest.mark.usefixtures("_small")
def test_no_issue_is_looked_at_that_is_not_among_the_first(many: list[Issue], world: World) -> None:
    """By its plan: the texts are found by their fingerprint, never by their index, and never all of them."""
    ids = [issue.pk for issue in many[:90]]
    query = Issue.objects.filter(environment_id=world.project.pk).filter(
        issue_search_common.MatchesAmong(world.project.pk, ["cart"], ids)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE errortracking_issue, errortracking_fingerprint, errortracking_fingerprinttext")
    shown = str(query.values("pk").explain())
    assert "hashed SubPlan" not in shown, shown
    assert "Seq Scan on errortracking_fingerprinttext" not in shown, shown
    assert "trigrams" not in shown, shown
