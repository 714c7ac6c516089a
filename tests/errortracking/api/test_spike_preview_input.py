"""POST …/spike_detection_config/preview/: the range and the candidate, right and wrong ones."""

from __future__ import annotations

from typing import Any

import pytest

from tests.environments.world import Api, World, answer
from tests.errortracking.api.previewing import DEFAULTS, NOTHING, api, asked, came, fingerprint, found, invalid, now

__all__ = ["api", "now"]  # fixtures


# ---- the range
@pytest.mark.parametrize(
    ("body", "buckets"),
    [
        ({"date_from": "2026-11-22T10:04:59Z"}, ["22 10:00"]),  # a bucket that the range cuts counts in full
        ({"date_from": "2026-11-22T10:05:00Z"}, []),
        ({"date_from": "2026-11-21", "date_to": "2026-11-22T10:00:00Z"}, ["22 10:00"]),
        ({"date_from": "2026-11-21", "date_to": "2026-11-22T09:59:59Z"}, []),
        ({"date_to": "2026-11-22T12:00:00+02:00"}, ["22 10:00"]),
        ({"date_to": "2026-11-22T12:00:00+02:01"}, []),
        ({"date_from": "2026-11-22", "date_to": "  "}, ["22 10:00"]),
        ({"date_from": "", "date_to": None}, ["22 10:00"]),
        ({"date_from": None}, ["22 10:00"]),
        ({"date_from": "2026-11-22T10:00:00Z", "date_to": "2026-11-22T10:00:00Z"}, ["22 10:00"]),
    ],
)
def test_a_range_holds_the_buckets_that_it_touches(world: World, api: Api, body: Any, buckets: list[str]) -> None:
    came(fingerprint(world.project), {"22 10:00": 500})

    assert [bucket for bucket, *_ in found(asked(api, **body)["candidate"])] == buckets


def test_the_range_is_answered_in_utc(api: Api) -> None:
    shown = asked(api, date_from="2026-11-20T01:00:00+05:00", date_to="2026-11-21")

    assert (shown["date_from"], shown["date_to"]) == ("2026-11-19T20:00:00Z", "2026-11-21T00:00:00Z")


def test_the_range_may_be_thirty_days_and_no_more(world: World, api: Api) -> None:
    came(fingerprint(world.project), {"01 10:00": 500})
    asked_for = {"date_from": "2026-10-23T12:02:00Z"}
    assert found(asked(api, **asked_for)["candidate"]) == [("01 10:00", 0.0, 500)]
    longer = api.post("", {"date_from": "2026-10-23T12:01:59.999999Z"})
    assert answer(longer) == invalid("The range may be at most 30 days.", "date_from")


def test_a_range_that_ends_before_it_begins_is_a_400(api: Api) -> None:
    body = {"date_from": "2026-11-22T10:00:00.000001Z", "date_to": "2026-11-22T10:00:00Z"}
    assert answer(api.post("", body)) == invalid("Must not be after date_to.", "date_from")
    assert answer(api.post("", {"date_from": "2026-11-23"})) == invalid("Must not be after date_to.", "date_from")


@pytest.mark.parametrize(
    "body",
    [
        {"date_to": "0001-01-01"},
        {"date_from": "0001-01-01", "date_to": "0001-01-01"},
        {"date_from": "9999-12-31", "date_to": "9999-12-31T23:59:59.999999Z"},
        {"date_to": "9999-12-31T23:59:59.999999Z"},
        {"date_to": "1970-01-01"},
    ],
)
def test_ranges_where_nothing_can_be_are_empty(api: Api, body: Any) -> None:
    assert asked(api, **body)["candidate"] == NOTHING


@pytest.mark.parametrize("name", ["date_from", "date_to"])
@pytest.mark.parametrize(
    "wrong",
    ["-7d", "now", "1", 1, 1.5, True, [], {}, "2026-02-30", "20260301", "\0", "\ud800", "0001-01-01T00:00+01:00"],
)
def test_a_malformed_or_relative_date_is_a_400_that_names_it(api: Api, name: str, wrong: Any) -> None:
    """As the filters of spike events."""
    text = "Must be an ISO 8601 date or date and time, such as 2026-03-01T12:30:00Z."
    assert answer(api.post("", {name: wrong})) == invalid(text, name)


# ---- the candidate
@pytest.mark.parametrize("field", DEFAULTS)
@pytest.mark.parametrize(
    ("value", "detail", "code"),
    [
        (None, "This field may not be null.", "null"),
        (0, "Ensure this value is greater than or equal to 1.", "min_value"),
        (2**31, "Ensure this value is less than or equal to 2147483647.", "max_value"),
        ("many", "A valid integer is required.", "invalid_input"),
        (1.5, "A valid integer is required.", "invalid_input"),
        (True, "A valid integer is required.", "invalid_input"),
    ],
)
def test_a_candidate_is_held_to_the_rules_of_the_configuration(
    api: Api, field: str, value: Any, detail: str, code: str
) -> None:
    """6: each ≥ 1."""
    assert answer(api.post("", {field: value})) == invalid(detail, field, code)


def test_the_largest_candidate_is_replayed(world: World, api: Api) -> None:
    came(fingerprint(world.project), {"22 11:00": 1, "22 11:05": 2**31 - 1})
    largest = dict.fromkeys(DEFAULTS, 2**31 - 1)

    assert found(asked(api, **largest)["candidate"]) == []
    shown = asked(api, **largest | {"multiplier": 2**31 - 2})
    assert found(shown["candidate"]) == [("22 11:05", 1.0, 2**31 - 1)]


def test_a_body_that_is_no_object_is_a_400(api: Api) -> None:
    expected = invalid("Invalid data. Expected a dictionary, but got list.", None)
    assert answer(api.post("", [])) == expected
