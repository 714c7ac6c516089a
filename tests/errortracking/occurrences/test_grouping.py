"""Where an event has what made its fingerprint (`errortracking.occurrences.grouping`)."""

from __future__ import annotations

from typing import Any

import pytest

from errortracking.models.event_payload import StoredException
from errortracking.occurrences.grouping import explain

RECORD = [
    {"type": "exception", "id": "e1", "pieces": ["Exception Type"]},
    {"type": "frame", "raw_id": "a/0", "pieces": ["Resolved function name"]},
    {"type": "frame", "raw_id": "b/0", "pieces": ["Resolved function name"]},
    {"type": "exception", "id": "e2", "pieces": ["Exception Type", "Exception Message"]},
]


def event(*ids: str) -> list[StoredException]:
    return [{"id": id_, "type": "KeyError", "value": "", "frames": []} for id_ in ids]


def places(record: Any, kind: str, ids: list[str], raw_ids: list[list[str | None]]) -> list[tuple[Any, Any]]:
    return [(part["exception"], part["frame"]) for part in explain(record, kind, event(*ids), raw_ids)]


def test_exceptions_are_told_by_their_places_and_frames_by_their_raw_ids() -> None:
    assert places(RECORD, "v2", ["x", "y"], [["a/0", "b/0"], []]) == [(0, None), (0, 0), (0, 1), (1, None)]


def test_frames_that_were_not_chosen_are_skipped() -> None:
    assert places(RECORD, "v1", ["x", "y"], [["lib/0", "a/0", "lib/0", "b/0"], []])[1:3] == [(0, 1), (0, 3)]


def test_a_frame_that_repeats_is_another_each_time() -> None:
    record = [RECORD[0], RECORD[1], RECORD[1], RECORD[2], RECORD[1]]
    assert places(record, "v2", ["x"], [["a/0", "a/0", "b/0", "a/0"]])[1:] == [(0, 0), (0, 1), (0, 2), (0, 3)]


def test_a_frame_that_is_another_by_now_has_no_place_and_the_next_one_has() -> None:
    assert places(RECORD, "v2", ["x", "y"], [["moved/0", "b/0"], []])[1:3] == [(0, None), (0, 1)]
    assert places(RECORD, "v2", ["x", "y"], [[None, None], []])[1:3] == [(0, None), (0, None)]


def test_exceptions_that_are_not_there_have_no_place() -> None:
    """An event that was cut, or that this version cannot read."""
    assert places(RECORD, "v2", [], []) == [(None, None)] * 4
    assert places(RECORD, "v2", ["x"], [["a/0"]]) == [(0, None), (0, 0), (0, None), (None, None)]


def test_of_a_legacy_fingerprint_only_the_event_that_brought_it_has_places() -> None:
    """It was made over lists in another order."""
    record = [RECORD[3], RECORD[0], RECORD[2], RECORD[1]]
    expected = [(1, None), (0, None), (0, 1), (0, None)]
    assert places(record, "v2_legacy", ["e1", "e2"], [["a/0", "b/0"], []]) == expected
    assert places(record, "v2_legacy", ["x", "y"], [["a/0", "b/0"], []]) == [(None, None)] * 4


def test_what_a_client_or_a_rule_chose_has_no_place() -> None:
    empty: dict[str, Any] = {
        "exception": None,
        "frame": None,
        "pieces": [],
        "id": None,
        "raw_id": None,
        "rule_id": None,
    }
    assert explain([{"type": "manual"}], "manual", event("x"), [[]]) == [{"type": "manual", **empty}]
    rule = [{"type": "custom", "rule_id": "r1"}]
    assert explain(rule, "custom", event("x"), [[]]) == [{"type": "custom", **empty, "rule_id": "r1"}]


@pytest.mark.parametrize("record", [None, {}, "x", [], [1, None]])
def test_a_record_that_is_none_is_empty(record: Any) -> None:
    assert explain(record, "v2", event("x"), [["a/0"]]) == []
