"""Filters: groups, what says nothing, and what is refused, each with its place."""

from __future__ import annotations

from typing import Any

import pytest

from errortracking.rules import limits, operators
from errortracking.rules.filters import FilterError, compile_filters, validate
from errortracking.rules.subject import Key, Subject


def leaf(key: str = "shop", value: Any = "Berlin", operator: str = "exact", **more: Any) -> dict[str, Any]:
    return {"key": key, "value": value, "operator": operator, "type": "event", **more}


def group(*values: Any, kind: str = "AND") -> dict[str, Any]:
    return {"type": kind, "values": list(values)}


def matches(filters: object, **properties: Any) -> bool:
    return compile_filters(filters)(Subject(properties))


YES, NO = leaf("yes", "yes"), leaf("no", "no")


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (group(YES), True),
        (group(NO), False),
        (group(YES, YES), True),
        (group(YES, NO), False),
        (group(NO, YES), False),
        (group(YES, NO, kind="OR"), True),
        (group(NO, YES, kind="OR"), True),
        (group(NO, NO, kind="OR"), False),
        (group(YES, kind="OR"), True),
        (group(YES, group(NO, YES, kind="OR")), True),
        (group(NO, group(YES, YES), kind="OR"), True),
        (group(group(group(YES, NO), YES), kind="OR"), False),
    ],
)
def test_all_of_an_and_group_and_any_of_an_or_group_must_hold(filters: object, expected: bool) -> None:
    assert matches(filters, yes="yes") is expected


@pytest.mark.parametrize("filters", [{}, group(), group(kind="OR"), group(group(), group(group(kind="OR")))])
def test_filters_that_say_nothing_may_be_stored_and_match_nothing(filters: object) -> None:
    validate(filters)
    predicate = compile_filters(filters)
    assert predicate.says_nothing
    assert predicate(Subject({"yes": "yes"})) is False


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (group(YES, group()), True),
        (group(NO, group()), False),
        (group(NO, group(), kind="OR"), False),  # upstream: everything
        (group(YES, group(), kind="OR"), True),
    ],
)
def test_an_empty_group_among_others_is_as_if_it_had_not_been_written(filters: object, expected: bool) -> None:
    assert not compile_filters(filters).says_nothing
    assert matches(filters, yes="yes") is expected


def test_a_predicate_tells_what_it_looks_at_once_each_in_the_order_of_writing() -> None:
    filters = group(leaf("b"), group(leaf("a"), leaf("b"), kind="OR"))
    assert compile_filters(filters).keys == (Key("event", "b"), Key("event", "a"))


def test_a_label_that_an_editor_shows_is_kept_and_not_read() -> None:
    assert matches(group(leaf(label="Shop", value="Bonn")), shop="Bonn") is True
    validate(group(leaf(label=None)))


BAD: list[tuple[object, tuple[str | int, ...], str]] = [
    (None, (), "Expected an object with type and values."),
    ([], (), "Expected an object with type and values."),
    ([leaf()], (), "Expected an object with type and values."),
    ("AND", (), "Expected an object with type and values."),
    (leaf(), ("key",), "This is not a part of filters."),  # a condition alone, without a group around it
    ({"type": "AND"}, ("values",), "Expected a list."),
    ({"values": []}, ("type",), "Must be AND or OR."),
    (group(kind="and"), ("type",), "Must be AND or OR."),
    ({"type": ["AND"], "values": []}, ("type",), "Must be AND or OR."),
    ({"type": "AND", "values": {"0": leaf()}}, ("values",), "Expected a list."),
    ({"type": "AND", "values": [], "negation": True}, ("negation",), "This is not a part of filters."),
    (group("shop"), ("values", 0), "Expected a condition or a group."),
    (group(leaf(), None), ("values", 1), "Expected a condition or a group."),
    (group(leaf(negation=True)), ("values", 0, "negation"), "This is not a part of filters."),
    (group(group(leaf(), {"type": "OR", "values": 5})), ("values", 0, "values", 1, "values"), "Expected a list."),
    (group({"value": "x"}), ("values", 0, "key"), "Expected the name of a property."),
    (group(leaf("")), ("values", 0, "key"), "Expected the name of a property."),
    (group({"key": 5, "value": "x"}), ("values", 0, "key"), "Expected the name of a property."),
    (group(leaf("k" * 401)), ("values", 0, "key"), "May have 400 characters."),
    (group(leaf("a\0b")), ("values", 0, "key"), "Holds characters that cannot be stored."),
    (group(leaf("a\ud800b")), ("values", 0, "key"), "Holds characters that cannot be stored."),
    (
        group(leaf(operator="like")),
        ("values", 0, "operator"),
        "Must be one of exact, is_not, icontains, not_icontains, regex, not_regex, gt, gte, lt, lte, is_set, "
        "is_not_set, in, not_in.",
    ),
    (group(leaf(value=None)), ("values", 0, "value"), "Expected a text, a number or a boolean."),
    (group({"key": "shop"}), ("values", 0, "value"), "Expected a text, a number or a boolean."),
    (group(leaf(value={"a": 1})), ("values", 0, "value"), "Expected a text, a number or a boolean."),
    (group(leaf(value=["a", None])), ("values", 0, "value", 1), "Expected a text, a number or a boolean."),
    (group(leaf(value=[["a"]])), ("values", 0, "value", 0), "Expected a text, a number or a boolean."),
    (group(leaf(value=float("inf"))), ("values", 0, "value"), "Expected a text, a number or a boolean."),
    (group(leaf(value=2**63)), ("values", 0, "value"), "Expected a text, a number or a boolean."),
    (group(leaf(value=[])), ("values", 0, "value"), "May not be empty."),
    (group(leaf(value=["v"] * 501)), ("values", 0, "value"), "May have 500 values."),
    (group(leaf(value="v" * 10_001)), ("values", 0, "value"), "May have 10000 characters."),
    (group(leaf(value="a\0b")), ("values", 0, "value"), "Holds characters that cannot be stored."),
    (group(leaf(value=["a", "\udfff"])), ("values", 0, "value", 1), "Holds characters that cannot be stored."),
    (group(leaf(label="a\0")), ("values", 0, "label"), "Holds characters that cannot be stored."),
    (group(leaf(label=5)), ("values", 0, "label"), "Expected a text of at most 400 characters."),
    (group(leaf(operator="in", value="Berlin")), ("values", 0, "value"), "Expected a list."),
    (group(leaf(operator="not_in", value="Berlin")), ("values", 0, "value"), "Expected a list."),
    (group(leaf(operator="gt", value="many")), ("values", 0, "value"), "Expected a number."),
    (group(leaf(operator="lte", value=True)), ("values", 0, "value"), "Expected a number."),
    (group(leaf(operator="lt", value=[1, "x"])), ("values", 0, "value"), "Expected a number."),
    (group(leaf(operator="icontains", value="")), ("values", 0, "value"), "May not be empty."),
    (group(leaf(operator="not_icontains", value=["a", ""])), ("values", 0, "value"), "May not be empty."),
    (group(leaf(operator="regex", value="")), ("values", 0, "value"), "May not be empty."),
    (
        group(leaf(operator="regex", value="a(b")),
        ("values", 0, "value"),
        "Not a regular expression (RE2): missing ): a(b.",
    ),
    (
        group(leaf(operator="not_regex", value=r"(a)\1")),  # takes exponential time: RE2 has none
        ("values", 0, "value"),
        r"Not a regular expression (RE2): invalid escape sequence: \1.",
    ),
    (
        group(leaf(operator="regex", value="r" * 1001)),
        ("values", 0, "value"),
        "A regular expression may have 1000 characters.",
    ),
    (
        group(leaf(operator="regex", value="((a{100}){100}){100}")),
        ("values", 0, "value"),
        "Not a regular expression (RE2): invalid repetition size: {100}.",
    ),
    (
        group(leaf(operator="regex", value=r"(\pL{20}){10}")),
        ("values", 0, "value"),
        "Not a regular expression (RE2): pattern too large - compile failed.",
    ),
    (group(leaf(type="person")), ("values", 0, "type"), "Must be event."),
    (group(leaf(type="hogql")), ("values", 0, "type"), "Must be event."),
    (group(leaf(type="cohort")), ("values", 0, "type"), "Must be event."),
    (group(leaf(type=["event"])), ("values", 0, "type"), "Must be event."),
    (group(leaf("status", "active", type="error_tracking_issue")), ("values", 0, "type"), "Must be event."),
]


@pytest.mark.parametrize(("filters", "path", "message"), BAD)
def test_what_cannot_be_a_rule_is_refused_with_its_place(
    filters: object, path: tuple[str | int, ...], message: str
) -> None:
    for refuse in (validate, compile_filters):
        with pytest.raises(FilterError) as raised:
            refuse(filters)
        assert (raised.value.message, raised.value.path) == (message, path)


def nested(depth: int) -> dict[str, Any]:
    filters = group(YES)
    for _ in range(depth - 1):
        filters = group(filters)
    return filters


def test_groups_may_be_nested_eight_deep() -> None:
    assert matches(nested(8), yes="yes") is True
    with pytest.raises(FilterError) as raised:
        validate(nested(9))
    assert raised.value.message == "Groups may be nested 8 deep."
    assert raised.value.path == ("values", 0) * 8
    with pytest.raises(FilterError):
        validate(nested(900))  # and not the recursion limit


def test_a_rule_may_have_a_hundred_conditions() -> None:
    validate(group(*[YES] * 60, group(*[NO] * 40)))
    with pytest.raises(FilterError) as raised:
        validate(group(*[YES] * 60, group(*[NO] * 41)))
    assert raised.value.message == "A rule may have 100 conditions."
    assert raised.value.path == ("values", 60, "values", 40)


def test_a_rule_may_have_twenty_regular_expressions() -> None:
    validate(group(leaf(operator="regex", value=["a"] * 10), leaf(operator="not_regex", value=["b"] * 10)))
    with pytest.raises(FilterError) as raised:
        validate(group(leaf(operator="regex", value=["a"] * 20), leaf(operator="not_regex", value="b")))
    assert raised.value.message == "A rule may have 20 regular expressions."


def test_the_texts_of_a_rule_may_have_fifty_thousand_characters_together() -> None:
    validate(group(leaf("k", [str(at) + "v" * 9998 for at in range(5)])))  # 49,995 and the key's one
    with pytest.raises(FilterError) as raised:
        validate(group(leaf("k", ["v" * 10_000] * 5)))
    assert raised.value.message == "The texts of a rule may have 50000 characters together."
    assert raised.value.path == ("values", 0, "value", 4)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("name", "TimeoutError", True),
        ("name", "KeyError", False),
        ("description", "no answer", True),
        ("status", "active", True),
    ],
)
def test_conditions_on_the_issue_stand_in_assignment_rules(key: str, value: str, expected: bool) -> None:
    filters = group(leaf(key, value, type="error_tracking_issue"))
    validate(filters, issue=True)
    issue = {"name": "TimeoutError", "description": "no answer", "status": "active"}
    # The event has properties of the same names, that are not meant.
    subject = Subject({"name": "x", "description": "x", "status": "x"}, issue=issue)
    assert compile_filters(filters, issue=True)(subject) is expected


def test_only_three_things_can_be_asked_of_an_issue() -> None:
    with pytest.raises(FilterError) as raised:
        validate(group(leaf("severity", "high", type="error_tracking_issue")), issue=True)
    assert raised.value.message == "Must be one of name, description, status."
    with pytest.raises(FilterError) as raised:
        validate(group(leaf(type="person")), issue=True)
    assert raised.value.message == "Must be event or error_tracking_issue."


def test_compiled_expressions_are_shared_and_bounded_in_number() -> None:
    for number in range(limits.CACHED_PATTERNS + 50):
        assert matches(group(leaf(operator="regex", value=f"^{number}$")), shop=number) is True
    assert operators._compiled.cache_info().currsize == limits.CACHED_PATTERNS
