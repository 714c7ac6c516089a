"""What each operator of a condition makes of each kind of value: a table of literals for each."""

from __future__ import annotations

from typing import Any

import pytest

from errortracking.rules.filters import RuleError, compile_filters
from errortracking.rules.operators import text
from errortracking.rules.subject import Subject

NOTHING: Any = object()  # the property is not there


def holds(operator: str, asked: Any, found: Any) -> bool:
    """Return whether the condition ``operator asked`` holds for an event whose property is ``found``."""
    condition = {"key": "shop", "operator": operator, "value": asked, "type": "event"}
    properties = {} if found is NOTHING else {"shop": found}
    return compile_filters({"type": "AND", "values": [condition]})(Subject(properties))


EXACT = [
    # asked, found, equal
    ("Berlin", "Berlin", True),
    ("Berlin", "berlin", False),  # upper and lower case differ
    ("Berlin", "Berlin ", False),
    ("Ber", "Berlin", False),
    ("", "", True),
    (["Bonn", "Berlin"], "Berlin", True),  # any of them
    (["Bonn", "Ulm"], "Berlin", False),
    ("Berlin", ["Bonn", "Berlin"], True),  # any element
    (["Bonn", "Ulm"], ["Berlin", "Kiel"], False),
    ("Berlin", [], False),
    ("Berlin", NOTHING, False),
    ("null", None, False),
    ("Berlin", [None, "Berlin"], True),
    (5, 5, True),
    (5, 5.0, True),
    ("5", 5, True),  # an editor writes texts
    ("5.0", 5, True),
    (5, "5", True),
    (5, "5.0", True),
    ("5", "5.0", False),  # two texts are compared by their letters
    (5, "five", False),
    (9007199254740993, 9007199254740992, False),  # 2**53 + 1: not by way of floats
    (True, True, True),
    (True, False, False),
    ("true", True, True),
    ("True", True, True),
    ("false", False, True),
    ("false", True, False),
    (True, "true", True),
    (True, "TRUE", True),
    (False, "no", False),  # upstream takes every text but "true" for false
    (True, 1, False),
    (1, True, False),
    ("1", True, False),
    ("Berlin", {"city": "Berlin"}, False),
    ("a", [["a"]], False),  # elements, not elements of elements
]


@pytest.mark.parametrize(("asked", "found", "expected"), EXACT)
def test_exact_and_in_ask_whether_a_value_is_one_of_those_given_and_is_not_and_not_in_whether_none_is(
    asked: Any, found: Any, expected: bool
) -> None:
    assert holds("exact", asked, found) is expected
    assert holds("is_not", asked, found) is not expected
    several = asked if isinstance(asked, list) else [asked]
    assert holds("in", several, found) is expected
    assert holds("not_in", several, found) is not expected


CONTAINS = [
    ("time", "Read TIMEOUT", True),  # in whatever case
    ("TIME", "read timeout", True),
    ("timed", "read timeout", False),
    ("ÜBER", "darüber", True),
    ("STRASSE", "Waldstraße 3", True),
    (["disk", "time"], "timeout", True),
    (["disk", "cpu"], "timeout", False),
    ("50%", "50% off", True),
    ("5%f", "50% off", False),  # no wildcards, unlike ILIKE
    ("5_%", "50% off", False),
    ("a.c", "abc", False),
    ("time", ["KeyError", "TimeoutError"], True),
    ("time", ["KeyError", "ValueError"], False),
    ("time", [], False),
    ("time", NOTHING, False),
    ("null", None, False),
    ("4", 404, True),
    (40, 404, True),
    (50, 404, False),
    ("ru", True, True),
    ("berlin", {"city": "Berlin"}, True),  # as JSON writes it
    ('"city":"b', {"city": "Berlin"}, True),
    ("b", [["a"], ["b"]], True),
]


@pytest.mark.parametrize(("asked", "found", "expected"), CONTAINS)
def test_icontains_looks_for_a_part_in_any_case_and_not_icontains_for_its_absence(
    asked: Any, found: Any, expected: bool
) -> None:
    assert holds("icontains", asked, found) is expected
    assert holds("not_icontains", asked, found) is not expected


REGEX = [
    ("time", "a time", True),  # anywhere
    ("^time", "a time", False),
    ("^time$", "time", True),
    ("Time", "a time", False),  # upper and lower case differ …
    ("(?i)Time", "a time", True),  # … unless asked otherwise
    (r"\d{3}", "status 404", True),
    (r"^\d+$", 404, True),
    ("^true$", True, True),
    (["disk", "ti.e"], "time", True),
    (["disk", "cpu"], "time", False),
    (r"^/srv/", ["/usr/lib/a.py", "/srv/shop/a.py"], True),
    (r"^/srv/", ["/usr/lib/a.py"], False),
    ("é.?", "café", True),
    (".*", [], False),
    (".*", NOTHING, False),
    (".*", "", True),
    ("a.b", "a\nb", False),  # a dot is no line break
    ("(?s)a.b", "a\nb", True),
    ("(?m)^b", "a\nb", True),
    (404, "status 404", True),
    ("end$", "-" * 300 + "end", True),
    ("^end", "-" * 300 + "end", False),
    ("é$", "é" * 300, True),
]


@pytest.mark.parametrize(("asked", "found", "expected"), REGEX)
def test_regex_looks_for_a_pattern_and_not_regex_for_its_absence(asked: Any, found: Any, expected: bool) -> None:
    assert holds("regex", asked, found) is expected
    assert holds("not_regex", asked, found) is not expected


SIZES = [
    # asked, found, gt, gte, lt, lte
    (5, 6, True, True, False, False),
    (5, 5, False, True, False, True),
    (5, 4, False, False, True, True),
    ("5", 6, True, True, False, False),
    (5, "6", True, True, False, False),
    (10, "9", False, False, True, True),  # as numbers, not as letters
    (5, "5.5", True, True, False, False),
    (5, "-1e3", False, False, True, True),
    (0.1, 0.2, True, True, False, False),
    (9007199254740993, 9007199254740992, False, False, True, True),
    ([5], 6, True, True, False, False),
    ([5, 50], 6, True, True, True, True),  # one of several
    (5, [1, 6], True, True, True, True),  # any element
    (5, [], False, False, False, False),
    (5, NOTHING, False, False, False, False),  # nothing is neither larger nor smaller
    (5, None, False, False, False, False),
]


@pytest.mark.parametrize(("asked", "found", "gt", "gte", "lt", "lte"), SIZES)
def test_sizes_compare_numbers_and_texts_of_numbers(
    asked: Any, found: Any, gt: bool, gte: bool, lt: bool, lte: bool
) -> None:
    assert holds("gt", asked, found) is gt
    assert holds("gte", asked, found) is gte
    assert holds("lt", asked, found) is lt
    assert holds("lte", asked, found) is lte


@pytest.mark.parametrize("operator", ["gt", "gte", "lt", "lte"])
@pytest.mark.parametrize(
    ("found", "described"),
    [
        ("five", "a text that is none"),
        ("", "a text that is none"),
        ("nan", "a text that is none"),
        ("inf", "a text that is none"),
        ("1_000", "a text that is none"),
        ("٣", "a text that is none"),
        ("1" * 65, "a text that is none"),
        ("1e999", "a text that is none"),
        (True, "a boolean"),
        ({"n": 5}, "an object"),
        ([[5]], "a list"),
        (["five"], "a text that is none"),
    ],
)
def test_the_size_of_what_is_no_number_is_an_error_of_the_rule(operator: str, found: Any, described: str) -> None:
    with pytest.raises(RuleError) as raised:
        holds(operator, 5, found)
    assert str(raised.value) == f"`{operator}` compares numbers, but the value is {described}"


SET = [
    ("Berlin", True),
    ("", True),
    (0, True),
    (False, True),
    ({}, True),
    (["a"], True),
    (NOTHING, False),
    (None, False),
    ([], False),
    ([None], False),
]


@pytest.mark.parametrize(("found", "expected"), SET)
@pytest.mark.parametrize("asked", ["is_set", None, ""])
def test_is_set_asks_whether_there_is_anything_whatever_its_value_says(asked: Any, found: Any, expected: bool) -> None:
    assert holds("is_set", asked, found) is expected
    assert holds("is_not_set", asked, found) is not expected


def test_is_set_needs_no_value_and_exact_is_what_is_meant_without_an_operator() -> None:
    def matches(condition: dict[str, Any]) -> bool:
        return compile_filters({"type": "AND", "values": [condition]})(Subject({"shop": "Berlin"}))

    assert matches({"key": "shop", "operator": "is_set"}) is True
    assert matches({"key": "shop", "value": "Berlin"}) is True
    assert matches({"key": "shop", "value": "Bonn"}) is False


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("é", "é"),
        (5, "5"),
        (2**64 - 1, "18446744073709551615"),
        (2**64, "18446744073709551616"),  # more than the writer of JSON takes
        (-(2**70), "-1180591620717411303424"),
        (["é", 2**64, None, True], '["é",18446744073709551616,null,true]'),
        ({"a": {"b": 2**64}}, '{"a":{"b":18446744073709551616}}'),
    ],
)
def test_any_value_has_a_text(value: Any, written: str) -> None:
    assert text(value) == written


def test_what_cannot_be_written_has_no_text() -> None:
    assert text(10**5_000) == ""  # more digits than Python writes
    deep: Any = "a"
    for _ in range(100_000):
        deep = [deep]
    assert text(deep) == ""


@pytest.mark.parametrize("operator", ["icontains", "regex"])
def test_conditions_on_integers_beyond_64_bits_hold_and_raise_nothing(operator: str) -> None:
    assert holds(operator, "0955161", 2**64 - 455) is False
    assert holds(operator, "09551616", 2**64) is True
    assert holds("not_" + operator, "09551616", [2**64]) is False
