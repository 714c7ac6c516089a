"""Finding and cutting what is nested too deep."""

from __future__ import annotations

from typing import Any

import pytest

from errortracking.ingest.depth import cut, exceeds


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
