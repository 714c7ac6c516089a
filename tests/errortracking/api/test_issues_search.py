"""GET …/issues/?search=: words in name, description and the texts of exceptions, found by an index."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection

from errortracking.api import issue_search
from errortracking.api.issue_filters import filtered
from errortracking.models import Fingerprint, FingerprintText, Issue
from tests.environments.world import Api, World, answer, error
from tests.errortracking.api.issuing import count, make_fingerprint, make_issue, names

TEXT = "ValueError\nshop/cart.py\nCart.pay\nno stock of item 42%"


@pytest.fixture
def issues(world: World) -> Api:
    """A client of the project's issues."""
    return Api(world.project, world.key("error_tracking:read"), below="error_tracking/issues/")


@pytest.fixture
def found(world: World) -> None:
    """Two issues: one that is found by its exceptions, one by what people call it."""
    make_fingerprint(world.project, make_issue(world.project, "stored", description=None), TEXT)
    make_issue(world.project, "Checkout is broken", description="Ask the TEAM in Zürich_1")


def search(issues: Api, text: str, also: str = "") -> list[str]:
    return names(issues, f"search={quote(text)}{also}")


@pytest.mark.parametrize(
    "text",
    [
        "ValueError",
        "valueerror",
        "shop/cart.py",
        "CART",
        "pay cart",
        "stock of",
        '"no stock of item"',
        "42% stock",
        '"cart.py" pay',
        "lueErr",
        "tock",
        " stock ",
        "stock stock stock stock stock stock stock stock stock",
        'stock "no stock of',
    ],
)
def test_an_issue_is_found_by_types_messages_files_and_functions(found: None, issues: Api, text: str) -> None:
    assert search(issues, text) == ["stored"]


@pytest.mark.parametrize(
    "text", ["checkout", "broken ask", "team", "ZÜRICH_1", '"checkout is broken ask"', "the in zürich", "oke"]
)
def test_an_issue_is_found_by_name_and_description(found: None, issues: Api, text: str) -> None:
    assert search(issues, text) == ["Checkout is broken"]


@pytest.mark.parametrize(
    "text",
    [
        "ValueErrors",
        "stock money",
        '"stock no"',
        "Z_rich",  # not a wildcard
        "42%stock",
        "Zürich%1",
        r"cart\.py",
        "checkout stock",
    ],
)
def test_all_words_must_be_there_as_they_are(found: None, issues: Api, text: str) -> None:
    assert search(issues, text) == []


def test_an_issue_with_several_fingerprints_that_match_is_found_once(world: World, issues: Api) -> None:
    issue = make_issue(world.project, "ValueError", description="no stock")
    for _ in range(3):
        make_fingerprint(world.project, issue, TEXT)
    count(world.project, issue)
    assert search(issues, "stock") == search(issues, "stock", "&order_by=users") == ["ValueError"]


def test_a_moved_fingerprint_takes_its_texts_along(world: World, issues: Api) -> None:
    """What a merge or split does."""
    make_fingerprint(world.project, make_issue(world.project, "source"), TEXT)
    target = make_issue(world.project, "target")
    assert search(issues, "stock") == ["source"]
    Fingerprint.objects.filter(environment_id=world.project.pk).update(issue=target)
    assert search(issues, "stock") == ["target"]


def test_a_new_name_is_found_at_once(world: World, issues: Api) -> None:
    make_issue(world.project, "before")
    Issue.objects.filter(environment_id=world.project.pk).update(name="afterwards")
    assert (search(issues, "before"), search(issues, "afterwards")) == ([], ["afterwards"])


def test_another_projects_texts_are_not_searched(world: World, stranger: World, issues: Api) -> None:
    make_fingerprint(stranger.project, make_issue(stranger.project, "theirs stock"), TEXT)
    assert search(issues, "stock") == []


def test_a_search_goes_together_with_filters_orders_and_pages(world: World, issues: Api) -> None:
    for number in range(5):
        issue = make_issue(world.project, f"Error {number}", status="resolved" if number == 3 else "active")
        count(world.project, issue, users=10 - number)
    assert search(issues, "error", "&status=active&order_by=users") == ["Error 4", "Error 2", "Error 1", "Error 0"]
    body = answer(issues.get("?search=error&limit=2&offset=3"))[1]
    assert (body["count"], [issue["name"] for issue in body["results"]]) == (5, ["Error 1", "Error 0"])
    beyond = answer(issues.get("?search=error&limit=2&offset=30"))[1]
    assert (beyond["count"], beyond["results"]) == (5, [])


def test_a_blank_search_is_none(found: None, issues: Api) -> None:
    assert len(search(issues, "")) == len(search(issues, "  ")) == len(search(issues, '""')) == 2


# ---- what cannot be searched


@pytest.mark.parametrize("text", ["ab", "a b c", "??", "%%%", "__init", "a.b.c", '"a b"', "é é"])
def test_one_word_needs_three_letters_in_a_row(issues: Api, text: str) -> None:
    if text == "__init":
        assert search(issues, text) == []
        return
    message = "Ensure one word has at least 3 letters or digits in a row."
    expected = error(400, "validation_error", "min_length", message, "search")
    assert answer(issues.get(f"?search={quote(text)}")) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x" * 201, "Ensure this field has no more than 200 characters."),
        ("one two three four five six seven eight nine", "Ensure this field has no more than 8 words."),
    ],
)
def test_a_search_has_bounds(issues: Api, text: str, message: str) -> None:
    expected = error(400, "validation_error", "max_length", message, "search")
    assert answer(issues.get(f"?search={quote(text)}")) == expected
    assert answer(issues.get(f"?search={'x' * 200}"))[0] == 200


def test_a_search_that_takes_too_long_is_a_400(found: None, issues: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issue_search, "_TITLE", "(pg_sleep(5)::text || i.name)")
    monkeypatch.setattr(issue_search, "SECONDS", 1)
    message = "Too many issues have these words. Add one that fewer have."
    assert answer(issues.get("?search=stock")) == error(400, "validation_error", "invalid_input", message, "search")
    assert len(names(issues)) == 2


# ---- the index


def plan(world: World, text: str) -> str:
    """Return how PostgreSQL finds the ids of a search."""
    from django.http import QueryDict

    mine = Issue.objects.filter(environment_id=world.project.pk)
    query = filtered(mine, world.project.pk, QueryDict(f"search={quote(text)}"))
    assert query is not None
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE errortracking_issue, errortracking_fingerprint, errortracking_fingerprinttext")
    explained: Any = query.order_by("-pk").values("pk").explain()
    return str(explained)


def test_a_filter_that_no_issue_can_pass_finds_nothing(issues: Api, found: None) -> None:
    nothing: tuple[int, dict[str, Any]] = (200, {"count": 0, "next": None, "previous": None, "results": []})
    assert answer(issues.get("?status=,&search=ValueError")) == nothing
    assert answer(issues.get("?status=,")) == nothing


@pytest.fixture
def many(world: World, stranger: World) -> None:
    """Thousands of issues, as after autovacuum."""
    for project, number in ((world.project, 8_000), (stranger.project, 800)):
        made = Issue.objects.bulk_create(
            Issue(environment=project, name="Error", description=f"needle-{n} is not a common thing {TEXT * 4}")
            for n in range(number)
        )
        prints = Fingerprint.objects.bulk_create(
            Fingerprint(environment=project, issue=issue, fingerprint=f"{n}", first_seen=issue.created_at)
            for n, issue in enumerate(made)
        )
        FingerprintText.objects.bulk_create(
            FingerprintText(environment=project, fingerprint=row, text=f"needle-{n} is not a common thing\n{TEXT * 4}")
            for n, row in enumerate(prints)
        )
    with connection.cursor() as cursor:
        for index in ("issue_trigrams", "fingerprint_text_trigrams"):
            cursor.execute("SELECT gin_clean_pending_list(%s::regclass)", [index])


def test_both_texts_are_found_by_their_index(many: None, world: World) -> None:
    """Without any hint to the planner."""
    for text in ("needle-77", "needle-77 is a", '"needle-77 is not"', "needle-77 common"):
        shown = plan(world, text)
        assert "Bitmap Index Scan on issue_trigrams" in shown, shown
        assert "Bitmap Index Scan on fingerprint_text_trigrams" in shown, shown
        assert "Seq Scan on errortracking_issue i" not in shown, shown
        assert "Seq Scan on errortracking_fingerprinttext" not in shown, shown
