"""The one clock, and the ids that are made from it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from environments import clock, ids
from environments.ids import moment_of, uuid7


def test_the_clock_tells_utc() -> None:
    assert clock.now().tzinfo is UTC
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_the_clock_can_be_stopped_and_goes_on_afterwards() -> None:
    moment = datetime(2020, 2, 29, 12, tzinfo=UTC)
    with clock.stopped_at(moment):
        assert clock.now() == moment
    assert clock.now() > moment


def test_a_file_moves_the_clock_of_every_process_that_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "clock"
    monkeypatch.setattr(clock, "_file", str(file))
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)  # no file yet
    file.write_text("-86400")
    assert abs(clock.now() - datetime.now(UTC) + timedelta(days=1)) < timedelta(seconds=5)
    file.write_text("")
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)  # caught while being written


def test_an_id_is_a_version_7_uuid_of_its_moment() -> None:
    # RFC 9562, appendix A.6: 2022-02-22T19:22:22.00Z is 017F22E2-79B0 in milliseconds.
    made = uuid7(datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC))
    assert str(made)[:14] == "017f22e2-79b0-"
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"


def test_the_bits_after_the_version_are_the_fraction_of_the_millisecond() -> None:
    # RFC 9562, section 6.2, method 3: 500 of 1,000 microseconds are half of the 4,096 steps.
    assert str(uuid7(datetime(2022, 2, 22, 19, 22, 22, 500, tzinfo=UTC)))[:18] == "017f22e2-79b0-7800"
    assert str(uuid7(datetime(2022, 2, 22, 19, 22, 22, 999, tzinfo=UTC)))[:18] == "017f22e2-79b0-7ffb"


def test_ids_of_one_moment_sort_in_the_order_of_their_making_and_later_moments_later() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ids, "_counter", count(7))
        made = [uuid7(moment) for _ in range(1000)]
        late = uuid7(moment + timedelta(microseconds=1))
        patch.setattr(ids, "_counter", count(0))
        later = uuid7(moment + timedelta(microseconds=2))
    assert len(set(made)) == 1000
    assert made == sorted(made)
    assert made[-1] < late < later


def test_two_processes_do_not_make_the_same_id() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.MonkeyPatch.context() as patch:
        found = set()
        for _ in range(100):
            patch.setattr(ids, "_counter", count(7))
            found.add(uuid7(moment))
    assert len(found) == 100


def test_the_moment_of_an_id_can_be_read_from_it_to_the_millisecond() -> None:
    at = datetime(2026, 11, 22, 12, 30, 5, 123_999, tzinfo=UTC)
    assert moment_of(uuid7(at)) == datetime(2026, 11, 22, 12, 30, 5, 123_000, tzinfo=UTC)
