"""When an event happened, by the server's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errortracking.pipeline import timestamps

RECEIVED = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
ANYTHING: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes().map(str) | st.just([])
)


def at(day: int, hour: int, minute: int, second: int) -> datetime:
    return datetime(2026, 3, day, hour, minute, second, tzinfo=UTC)


def test_a_clock_that_runs_ahead_is_corrected() -> None:
    # Ten seconds passed on the client between the event and the sending, so it was ten seconds before receipt.
    moment = timestamps.effective(RECEIVED, "2026-03-05T07:59:50Z", "2026-03-05T08:00:00Z")
    assert moment == at(1, 11, 59, 50)


def test_a_clock_that_is_years_behind_is_corrected() -> None:
    moment = timestamps.effective(RECEIVED, "2001-01-01T00:00:00+00:00", "2001-01-01T01:00:00+00:00")
    assert moment == at(1, 11, 0, 0)


def test_the_two_may_be_in_different_zones() -> None:
    moment = timestamps.effective(RECEIVED, "2026-03-01T13:59:30+02:00", "2026-03-01T12:00:00Z")
    assert moment == at(1, 11, 59, 30)


def test_without_a_time_of_sending_the_timestamp_is_believed() -> None:
    assert timestamps.effective(RECEIVED, "2026-02-27T10:00:00Z") == datetime(2026, 2, 27, 10, tzinfo=UTC)


def test_with_an_unreadable_time_of_sending_the_timestamp_is_believed() -> None:
    assert timestamps.effective(RECEIVED, "2026-02-27T10:00:00Z", "soon") == datetime(2026, 2, 27, 10, tzinfo=UTC)


@pytest.mark.parametrize("timestamp", [None, "", "yesterday", "2026-13-01T00:00:00Z", "2026-02-30", True, [], {}])
def test_a_missing_or_unreadable_timestamp_is_the_time_of_receipt(timestamp: object) -> None:
    assert timestamps.effective(RECEIVED, timestamp, "2026-03-01T08:00:00Z") == RECEIVED


def test_the_offset_is_milliseconds_before_receipt() -> None:
    assert timestamps.effective(RECEIVED, None, None, 5000) == at(1, 11, 59, 55)


def test_the_offset_outvotes_the_timestamp() -> None:
    assert timestamps.effective(RECEIVED, "2026-02-27T10:00:00Z", "2026-03-01T12:00:00Z", 5000) == at(1, 11, 59, 55)


@pytest.mark.parametrize("offset", [None, True, "5000", [1]])
def test_an_offset_that_is_no_number_counts_as_absent(offset: object) -> None:
    assert timestamps.effective(RECEIVED, "2026-02-27T10:00:00Z", None, offset) == datetime(2026, 2, 27, 10, tzinfo=UTC)


def test_twenty_three_hours_ahead_are_believed_and_no_second_more() -> None:
    assert timestamps.effective(RECEIVED, "2026-03-02T11:00:00Z") == at(2, 11, 0, 0)
    assert timestamps.effective(RECEIVED, "2026-03-02T11:00:01Z") == RECEIVED
    assert timestamps.effective(RECEIVED, None, None, -24 * 3600 * 1000) == RECEIVED


def test_a_time_before_1970_is_the_time_of_receipt() -> None:
    assert timestamps.effective(RECEIVED, "1970-01-01T00:00:00Z") == datetime(1970, 1, 1, tzinfo=UTC)
    assert timestamps.effective(RECEIVED, "1969-12-31T23:59:59Z") == RECEIVED
    assert timestamps.effective(RECEIVED, "0001-01-01T00:00:00+14:00") == RECEIVED


@pytest.mark.parametrize(
    ("timestamp", "sent_at", "offset"),
    [
        (None, None, float("nan")),
        (None, None, float("inf")),
        (None, None, 10**30),
        (None, None, -(10**18)),
        ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", None),
        ("9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59-14:00", None, None),
        (10**300, None, None),
    ],
)
def test_what_no_calendar_holds_is_the_time_of_receipt(timestamp: object, sent_at: object, offset: object) -> None:
    assert timestamps.effective(RECEIVED, timestamp, sent_at, offset) == RECEIVED


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22T01:28:43.939071+00:00", datetime(2026, 11, 22, 1, 28, 43, 939071, tzinfo=UTC)),  # posthog-python
        ("2026-11-22T01:31:24.174Z", datetime(2026, 11, 22, 1, 31, 24, 174000, tzinfo=UTC)),  # posthog-js
        ("2026-11-22t01:31:24z", datetime(2026, 11, 22, 1, 31, 24, tzinfo=UTC)),
        ("2026-11-22T01:31:24.123456789Z", datetime(2026, 11, 22, 1, 31, 24, 123456, tzinfo=UTC)),  # Go, Rust
        ("2026-11-22T03:31:24+02", datetime(2026, 11, 22, 1, 31, 24, tzinfo=UTC)),
        ("2026-11-22 01:31:24", datetime(2026, 11, 22, 1, 31, 24, tzinfo=UTC)),
        (" 2026-11-22 ", datetime(2026, 11, 22, tzinfo=UTC)),
        ("20261122", datetime(2026, 11, 22, tzinfo=UTC)),
        ("1795311084", datetime(2026, 11, 22, 1, 31, 24, tzinfo=UTC)),
        ("999999999", datetime(2001, 9, 9, 1, 46, 39, tzinfo=UTC)),
        ("1795311084174", datetime(2026, 11, 22, 1, 31, 24, 174000, tzinfo=UTC)),
        (1795311084174, datetime(2026, 11, 22, 1, 31, 24, 174000, tzinfo=UTC)),
        (1795311084.5, datetime(2026, 11, 22, 1, 31, 24, 500000, tzinfo=UTC)),
        ("1795311084.5", datetime(2026, 11, 22, 1, 31, 24, 500000, tzinfo=UTC)),  # Python's time.time()
        ("1795311084174.25", datetime(2026, 11, 22, 1, 31, 24, 174250, tzinfo=UTC)),
        ("1795311084174.0", datetime(2026, 11, 22, 1, 31, 24, 174000, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read_in_every_form_that_sdks_write(text: object, moment: datetime) -> None:
    assert timestamps.read(text) == moment


@given(ANYTHING, ANYTHING, ANYTHING)
def test_whatever_is_sent_the_result_can_be_stored(timestamp: object, sent_at: object, offset: object) -> None:
    moment = timestamps.effective(RECEIVED, timestamp, sent_at, offset)
    assert moment.tzinfo is UTC
    assert datetime(1970, 1, 1, tzinfo=UTC) <= moment <= RECEIVED + timedelta(hours=23)
    moment.astimezone(timezone(timedelta(hours=-12)))  # an error in a zone west of here would show only when it is read


def test_the_result_is_in_utc_whatever_the_zone_of_receipt() -> None:
    received = RECEIVED.astimezone(timezone(timedelta(hours=5)))
    assert timestamps.effective(received, None).tzinfo is UTC
    assert timestamps.effective(received, None) == RECEIVED
