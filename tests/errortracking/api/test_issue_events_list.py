"""GET …/issues/{id}/events/: the occurrences of an issue, newest first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from environments.tenancy import sql
from errortracking.api import issue_event_rows
from errortracking.models import Fingerprint, Issue
from errortracking.occurrences import events
from tests.environments.world import NOT_FOUND, Api, World, answer, error, statements
from tests.errortracking.api.making import MALFORMED_IDS, UNKNOWN
from tests.errortracking.api.occurring import NOON, found, issues, make_events, make_fingerprint, sent, uuid
from tests.errortracking.pipeline.making import exception, frame

__all__ = ["issues"]

MINUTE = timedelta(minutes=1)
EMPTY: dict[str, Any] = {"count": 0, "next": None, "previous": None, "results": []}


def minutes(*numbers: int, first: int = 1) -> dict[str, datetime]:
    """Return ids and times of events, so many minutes after noon; an id shows its minute."""
    return {uuid(910_000 + number): NOON + number * MINUTE for number in numbers}


def ids(*numbers: int) -> list[str]:
    return [uuid(910_000 + number) for number in numbers]


def test_a_list_shows_what_retrieve_shows(world: World, issues: Api) -> None:
    chain = exception("RuntimeError", frames=[frame("main"), frame("pay")]), exception("KeyError", "'x'", [])
    issue, first = sent(world.project, *chain)
    _, second = sent(world.project, *chain, timestamp=(NOON + MINUTE).isoformat())
    status, body = answer(issues.get(f"{issue}/events/"))
    assert status == 200
    expected = [answer(issues.get(f"{issue}/events/{id_}/"))[1] for id_ in (second, first)]
    assert body == {"count": 2, "next": None, "previous": None, "results": expected}
    # Of another event than the first the exceptions have other ids; they are told by their places.
    record = body["results"][0]["grouping"]["record"]
    assert [(part["type"], part["exception"], part["frame"]) for part in record] == [
        ("exception", 0, None),
        ("frame", 0, 0),
        ("frame", 0, 1),
        ("exception", 1, None),
    ]


def test_the_newest_is_first_and_of_one_moment_the_greater_id(world: World, issues: Api) -> None:
    fingerprint = make_fingerprint(world.project)
    make_events(fingerprint, minutes(5, 9, 0) | dict.fromkeys(ids(1, 2), NOON + 7 * MINUTE))
    assert found(issues, fingerprint.issue_id) == ids(9, 2, 1, 5, 0)


def test_the_fingerprints_of_an_issue_and_the_days_received_are_merged(world: World, issues: Api) -> None:
    """A page may take of each of them, and so may the page after it."""
    first = make_fingerprint(world.project)
    second = make_fingerprint(world.project, first.issue, "second")
    elsewhere = make_fingerprint(world.project, text="another issue")
    make_events(first, minutes(8, 2, 4))
    make_events(first, minutes(3), received_at=NOON + timedelta(days=1))
    make_events(second, minutes(7, 1))
    make_events(second, minutes(6), received_at=NOON - timedelta(days=2))
    make_events(elsewhere, minutes(5))
    newest_first = ids(8, 7, 6, 4, 3, 2, 1)
    assert found(issues, first.issue_id) == newest_first
    for start in range(8):
        assert found(issues, first.issue_id, f"limit=3&offset={start}") == newest_first[start : start + 3]


def test_pages_have_the_documented_envelope(world: World, issues: Api) -> None:
    """1.5: count, next, previous; other parameters kept and sorted by name."""
    fingerprint = make_fingerprint(world.project)
    make_events(fingerprint, minutes(*range(120)))
    here = f"http://testserver{issues.root}{fingerprint.issue_id}/events/"
    body = answer(issues.get(f"{fingerprint.issue_id}/events/"))[1]
    assert (body["count"], len(body["results"])) == (120, 20)
    assert (body["next"], body["previous"]) == (f"{here}?limit=20&offset=20", None)
    body = answer(issues.get(f"{fingerprint.issue_id}/events/?limit=5000&date_from=2026-11-22"))[1]
    assert (body["count"], len(body["results"])) == (120, 100)
    assert body["next"] == f"{here}?date_from=2026-11-22&limit=100&offset=100"
    body = answer(issues.get(f"{fingerprint.issue_id}/events/?limit=50&offset=100"))[1]
    assert (body["next"], body["previous"]) == (None, f"{here}?limit=50&offset=50")
    assert [event["uuid"] for event in body["results"]] == ids(*range(19, -1, -1))
    assert found(issues, fingerprint.issue_id, "offset=120") == []
    assert found(issues, fingerprint.issue_id, f"offset={'9' * 30}") == []


def test_the_list_reaches_back_over_a_bounded_number_of_events(
    world: World, issues: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert events.MOST == 10_000
    monkeypatch.setattr(events, "MOST", 50)
    first = make_fingerprint(world.project)
    make_events(first, minutes(*range(0, 80, 2)))
    make_events(make_fingerprint(world.project, first.issue, "second"), minutes(*range(1, 80, 2)))
    body = answer(issues.get(f"{first.issue_id}/events/?limit=30&offset=30"))[1]
    assert (body["count"], body["next"]) == (50, None)
    assert [event["uuid"] for event in body["results"]] == ids(*range(49, 29, -1))
    # The rest is reached by a date.
    at = "2026-11-22T12:29:00Z"
    body = answer(issues.get(f"{first.issue_id}/events/?limit=30&date_to={at}"))[1]
    assert (body["count"], body["next"]) == (30, None)
    assert [event["uuid"] for event in body["results"]] == ids(*range(29, -1, -1))


# ---- filters


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("date_from=2026-11-22T12:02:00Z", [3, 2]),
        ("date_to=2026-11-22T12:01:00Z", [1, 0]),
        ("date_from=2026-11-22T12:01:00Z&date_to=2026-11-22T12:02:00Z", [2, 1]),
        ("date_from=2026-11-22T14:02:00%2B02:00", [3, 2]),
        ("date_from=2026-11-23", []),
        ("date_to=2026-11-22", []),
        ("date_from=&date_to=%20", [3, 2, 1, 0]),
        ("distinct_id=bob", [2]),
        ("distinct_id=nobody", []),
        ("distinct_id=", [3, 2, 1, 0]),
        ("distinct_id=ann&limit=2&offset=1", [1, 0]),
        ("distinct_id=ann&date_to=2026-11-22T12:01:30Z", [1, 0]),
    ],
)
def test_events_are_filtered_by_time_and_person(world: World, issues: Api, query: str, expected: list[int]) -> None:
    fingerprint = make_fingerprint(world.project)
    make_events(fingerprint, minutes(0, 1, 3))
    make_events(fingerprint, minutes(2), distinct_id="bob")
    body = answer(issues.get(f"{fingerprint.issue_id}/events/?{query}"))[1]
    assert [event["uuid"] for event in body["results"]] == ids(*expected)
    assert body["count"] == (3 if "offset" in query else len(expected))


def test_a_person_is_looked_for_among_the_newest_events(
    world: World, issues: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MOST", 3)
    fingerprint = make_fingerprint(world.project)
    make_events(fingerprint, minutes(0, 3), distinct_id="bob")
    make_events(fingerprint, minutes(1, 2, 4))
    assert found(issues, fingerprint.issue_id, "distinct_id=bob") == ids(3)
    assert found(issues, fingerprint.issue_id, "distinct_id=bob&date_to=2026-11-22T12:02:00Z") == ids(0)


WRONG = "Must be an ISO 8601 date or date and time, such as 2026-03-01T12:30:00Z."


@pytest.mark.parametrize("name", ["date_from", "date_to"])
@pytest.mark.parametrize("value", ["x", "-7d", "1", "2026-13-01", "%00", "0001-01-01T00:00:00%2B23:00"])
def test_a_wrong_moment_is_a_400(world: World, issues: Api, name: str, value: str) -> None:
    """Decision table: malformed date in a filter is 400 with `attr`."""
    fingerprint = make_fingerprint(world.project)
    expected = error(400, "validation_error", "invalid_input", WRONG, name)
    assert answer(issues.get(f"{fingerprint.issue_id}/events/?{name}={value}")) == expected


def test_a_person_that_cannot_be_stored_is_a_400(world: World, issues: Api) -> None:
    fingerprint = make_fingerprint(world.project)
    status, body = answer(issues.get(f"{fingerprint.issue_id}/events/?distinct_id=%00"))
    assert (status, body["attr"]) == (400, "distinct_id")


# ---- what is not there


def test_an_issue_without_events_has_an_empty_list(world: World, issues: Api) -> None:
    issue = Issue.objects.create(environment=world.project)
    assert answer(issues.get(f"{issue.id}/events/")) == (200, EMPTY)


@pytest.mark.parametrize("id_", [UNKNOWN, *MALFORMED_IDS])
def test_an_unknown_or_malformed_issue_is_a_404(issues: Api, id_: str) -> None:
    assert answer(issues.get(f"{id_}/events/")) == (404, NOT_FOUND)


def test_foreign_events_are_not_listed(world: World, stranger: World, issues: Api) -> None:
    theirs = make_fingerprint(stranger.project)
    make_events(theirs, minutes(1))
    assert answer(issues.get(f"{theirs.issue_id}/events/")) == (404, NOT_FOUND)
    # Not even where ids are the same.
    twin = Issue.objects.create(environment=world.project, id=theirs.issue_id)
    Fingerprint.objects.create(
        environment=world.project, id=theirs.id, issue=twin, fingerprint="f" * 128, kind="v2", first_seen=NOON
    )
    assert answer(issues.get(f"{theirs.issue_id}/events/")) == (200, EMPTY)


@pytest.mark.parametrize("prefix", ["environments", "projects"])
@pytest.mark.parametrize("ending", ["", "/", ".json"])
def test_both_prefixes_serve_it_with_and_without_slash(world: World, prefix: str, ending: str) -> None:
    """1.1: routing."""
    issue, one = sent(world.project)
    api = Api(world.project, world.key("error_tracking:read"), prefix, "error_tracking/issues/")
    assert answer(api.get(f"{issue}/events{ending}"))[1]["count"] == 1
    assert answer(api.get(f"{issue}/events/{one}{ending}"))[1]["uuid"] == one


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_it_is_read_only(world: World, issues: Api, method: str) -> None:
    issue, one = sent(world.project)
    for path in (f"{issue}/events/", f"{issue}/events/{one}/"):
        response = issues.request(method, path, {})
        assert (response.status_code, response["Allow"]) == (405, "GET, HEAD, OPTIONS")


# ---- what it costs


def test_a_page_is_four_statements_however_many_events_it_has(world: World, issues: Api) -> None:
    """One for the key, one for the count, one for the events with their fingerprints, one for the frames of all."""
    issue, _ = sent(world.project, exception(frames=[frame("a"), frame("b")]))
    for wanted in (1, 4, 9):
        with statements() as seen:
            assert len(found(issues, issue)) == wanted
        assert len(seen) == 4
        for number in range(3 if wanted == 1 else 5):
            sent(world.project, exception(frames=[frame("a"), frame("b")], value=f"message {number}"))
    with statements() as seen:
        assert found(issues, issue, "distinct_id=nobody") == found(issues, issue, "offset=500") == []
    assert len(seen) == 4  # two each: the count says that there is nothing to read


def test_events_beyond_what_an_answer_may_hold_are_shown_without_their_content(
    world: World, issues: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def truncated() -> list[bool]:
        return [event["truncated"] for event in answer(issues.get(f"{issue}/events/"))[1]["results"]]

    for number in range(4):
        at = (NOON + number * MINUTE).isoformat()
        issue, _ = sent(world.project, properties={"large": str(number) * 100_000}, timestamp=at)
    assert issue_event_rows.BUDGET == 16 * 1024 * 1024
    assert truncated() == [False] * 4
    monkeypatch.setattr("errortracking.api.issue_events.BUDGET", 210_000)
    assert truncated() == [False, False, True, True]
    page: list[dict[str, Any]] = answer(issues.get(f"{issue}/events/"))[1]["results"]
    assert [len(event["properties"].get("large", "")) for event in page] == [100_000, 100_000, 0, 0]
    assert [len(event["exceptions"]) for event in page] == [1, 1, 0, 0]
    monkeypatch.setattr("errortracking.api.issue_events.BUDGET", 10)
    assert truncated() == [True] * 4


def test_the_index_gives_the_newest_without_sorting_all(world: World) -> None:
    """No step of the plan passes on more rows than the page has."""
    fingerprint = make_fingerprint(world.project)
    make_events(fingerprint, {uuid(920_000 + number): NOON + number * MINUTE for number in range(3_000)})
    statement, parameters = events._page(
        events.Asked(world.project.pk, fingerprint.issue_id), slice(0, 20), "id, timestamp, received_at, distinct_id"
    )
    with sql.cursor() as cursor:
        cursor.execute("ANALYZE errortracking_event")
        plan = cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters).fetchone()
    assert plan is not None
    assert max(_rows(plan[0][0]["Plan"])) <= 20


def _rows(node: dict[str, Any]) -> list[float]:
    return [node["Actual Rows"], *(rows for child in node.get("Plans", []) for rows in _rows(child))]


def test_moments_beyond_the_calendar_of_postgresql_are_no_error(world: World, issues: Api) -> None:
    fingerprint = make_fingerprint(world.project)
    make_events(fingerprint, minutes(1))
    query = "date_from=0001-01-01T00:00:00Z&date_to=9999-12-31T23:59:59Z"
    assert found(issues, fingerprint.issue_id, query) == ids(1)
    assert datetime.min.replace(tzinfo=UTC).year == 1
