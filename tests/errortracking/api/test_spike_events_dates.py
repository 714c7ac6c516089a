"""The bounds date_from and date_to of GET …/spike_events/ (contract 7 and the decision table)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.environments.world import Api, World, answer
from tests.errortracking.api.test_spike_events import make_spike, spikes, values
from tests.errortracking.api.test_spike_events_filters import WRONG_MOMENT, invalid

__all__ = ["spikes"]


@pytest.fixture
def hours(world: World) -> None:
    """A spike at each of the hours 0 to 3 of the second of March, and one a microsecond after the first."""
    start = datetime(2026, 3, 2, tzinfo=UTC)
    for hour in range(4):
        make_spike(world.project, current_bucket_value=hour, detected_at=start + timedelta(hours=hour))
    make_spike(world.project, current_bucket_value=9, detected_at=start + timedelta(microseconds=1))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("date_from=2026-03-02T01:00:00Z", [3, 2, 1]),
        ("date_from=2026-03-02T01:00:00.000001Z", [3, 2]),
        ("date_to=2026-03-02T01:00:00Z", [1, 9, 0]),
        ("date_to=2026-03-02T00:59:59.999999Z", [9, 0]),
        ("date_from=2026-03-02T01:00:00Z&date_to=2026-03-02T02:00:00Z", [2, 1]),
        ("date_from=2026-03-02T02:00:00Z&date_to=2026-03-02T01:00:00Z", []),
        ("date_from=2026-03-02", [3, 2, 1, 9, 0]),
        ("date_to=2026-03-02", [0]),
        ("date_from=2026-03-03", []),
        ("date_to=2026-03-01", []),
    ],
)
def test_both_bounds_belong_to_the_range(spikes: Api, hours: None, query: str, expected: list[int]) -> None:
    """7, filters: `date_from` ≤ detected_at ≤ `date_to`; a date is its midnight."""
    assert values(spikes, query) == expected


@pytest.mark.parametrize(
    "moment",
    [
        *(
            "2026-03-02T02:00:00Z",
            "2026-03-02T02:00:00",
            "2026-03-02T02:00",
            "2026-03-02+02:00",
            "2026-03-02t02:00:00z",
        ),
        *("2026-03-02T02:00:00.000Z", "2026-03-02T02:00:00.000000000Z", "2026-03-02T03:30:00%2B01:30"),
        *("2026-03-01T21:00:00-0500", "2026-03-02T04%3A00%3A00%2B02", "+2026-03-02T02:00:00Z+"),
    ],
)
def test_a_moment_may_be_written_in_the_ways_of_iso_8601(spikes: Api, hours: None, moment: str) -> None:
    """Without an offset it is in UTC."""
    assert values(spikes, f"date_from={moment}") == [3, 2]


@pytest.mark.parametrize("name", ["date_from", "date_to"])
@pytest.mark.parametrize("blank", ["", "+", "%09", "+++"])
def test_blank_is_no_bound(spikes: Api, hours: None, name: str, blank: str) -> None:
    """7, later: blank = no bound."""
    assert len(values(spikes, f"{name}={blank}")) == 5


@pytest.mark.parametrize("name", ["date_from", "date_to"])
@pytest.mark.parametrize(
    "wrong",
    [
        *("-7d", "7d", "-1h", "now", "today", "all", "dStart", "mStart", "1", "0", "-1", "1772366400", "20260301012"),
        *(
            "2026",
            "2026-03",
            "2026-3-1",
            "20260301",
            "2026-W10-1",
            "2026-060",
            "01/03/2026",
            "2026-02-30",
            "2026-13-01",
        ),
        *("2026-03-01T25:00", "2026-03-01T12:60", "2026-03-01T23:59:60Z", "2026-03-01T", "2026-03-01x12:00", "T12:00"),
        *("2026-03-01T12:00:00+25:00", "2026-03-01T12:00:00%2B25:00", "2026-03-01T12:00Zulu", "2026-03-01T12"),
        *("0000-01-01", "10000-01-01", "-2026-03-01", "0001-01-01T00:00:00%2B01:00", "9999-12-31T23:59:59-01:00"),
        *(
            "%00",
            "2026-03-01%00",
            "%ff",
            "%F0%9F%92%A5",
            "null",
            "[]",
            "٢٠٢٦-٠٣-٠١",
            "9" * 5000,
            "2026-03-01%0A2026-03-01",
        ),
    ],
)
def test_a_malformed_or_relative_date_is_a_400_that_names_the_parameter(
    world: World, spikes: Api, name: str, wrong: str
) -> None:
    """7, later and decision table: attr date_from, date_to; relative dates like `-7d` and bare `1` rejected."""
    assert answer(spikes.get(f"?{name}={wrong}")) == invalid(WRONG_MOMENT, name)


@pytest.mark.parametrize("moment", ["0001-01-01", "0001-01-01T00:00:00Z", "1900-01-01T00:00:00-12:00"])
def test_the_earliest_moments_are_bounds(spikes: Api, hours: None, moment: str) -> None:
    assert len(values(spikes, f"date_from={moment}")) == 5
    assert values(spikes, f"date_to={moment}") == []


@pytest.mark.parametrize("moment", ["9999-12-31", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59%2B14:00"])
def test_the_latest_moments_are_bounds(spikes: Api, hours: None, moment: str) -> None:
    assert len(values(spikes, f"date_to={moment}")) == 5
    assert values(spikes, f"date_from={moment}") == []
