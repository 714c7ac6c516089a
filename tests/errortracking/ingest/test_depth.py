"""Finding and cutting what is nested too deep."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errortracking.ingest import capture_v1, depth, wire
from errortracking.ingest.depth import cut
from errortracking.ingest.wire import Request

SMALL, LARGE = 10_000, 10_000_000  # bytes of a request's text, which is looked at in one way or the other


def exceeds(value: Any, levels: int) -> bool:
    """Return what both ways of looking say."""
    found = {depth.exceeds(value, levels, size) for size in (SMALL, LARGE)}
    assert len(found) == 1
    return found.pop()


def lists(levels: int, inner: Any = 1) -> Any:
    for _ in range(levels):
        inner = [inner]
    return inner


def objects(levels: int, inner: Any = 1) -> Any:
    for _ in range(levels):
        inner = {"k": inner, "other": 2}
    return inner


@pytest.mark.parametrize("make", [lists, objects])
@pytest.mark.parametrize("levels", [1, 2, 3, 64, 65])
def test_a_value_of_just_the_levels_does_not_exceed_them(make: Any, levels: int) -> None:
    assert not exceeds(make(levels), levels)
    assert exceeds(make(levels + 1), levels)


def test_values_deeper_than_orjson_can_write_exceed_any_limit() -> None:
    assert exceeds(lists(300), 64)


def test_an_empty_container_is_no_level_of_its_own() -> None:
    assert not exceeds([[[]]], 2)
    assert exceeds([[[0]]], 2)


def test_line_breaks_and_blanks_in_texts_are_no_depth() -> None:
    assert not exceeds({"a": "\n" + " " * 400, "\n" + " " * 400: 1}, 64)


def test_what_lies_below_becomes_none_and_the_rest_stays() -> None:
    value = {"a": [1, {"b": [2]}, {}, []], "c": {"d": 3}, "e": {"f": {"g": 4}}}
    assert cut(value, 2)
    assert value == {"a": [1, None, {}, []], "c": {"d": 3}, "e": {"f": None}}


@pytest.mark.parametrize("levels", [1, 2, 5])
def test_after_cutting_nothing_exceeds(levels: int) -> None:
    value = [objects(9), lists(9), {"shallow": True}]
    assert cut(value, levels)
    assert not exceeds(value, levels)
    assert not cut(value, levels)


def test_what_is_shallow_enough_is_not_touched() -> None:
    value = {"a": [[1], {"b": 2}]}
    assert not cut(value, 3)
    assert value == {"a": [[1], {"b": 2}]}


@given(
    st.recursive(
        st.booleans() | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
        max_leaves=20,
    ).filter(lambda value: isinstance(value, dict | list)),
    st.integers(1, 6),
)
def test_both_ways_of_looking_find_the_same(value: Any, levels: int) -> None:
    exceeds(value, levels)


def test_many_values_far_below_cost_no_memory() -> None:
    """As text with indents they were 500 bytes each, so that 4 KB of gzip took a gigabyte."""
    value = lists(240, [1] * 200_000)
    tracemalloc.start()
    assert depth.exceeds(value, 65, 400_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.parametrize("protocol", ["v0", "v1"])
def test_a_request_of_many_values_far_below_costs_a_multiple_of_its_text_only(protocol: str) -> None:
    deep = b"[" * 240 + b",".join([b"1"] * 400_000) + b"]" * 240
    text = b'{"api_key":"phc_a","batch":[{"event":"e","distinct_id":"u","properties":{"a":%s}}]}' % deep
    request = Request("POST", "batch", body=text, authorization="Bearer phc_a")
    tracemalloc.start()
    accepted = (wire.decode if protocol == "v0" else capture_v1.decode)(request)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert accepted.events[0]["faults"] == [
        f"Invalid properties on event {accepted.events[0]['uuid']}, serde error: Recursion limit exceeded"
    ]
    assert peak < 30_000_000
