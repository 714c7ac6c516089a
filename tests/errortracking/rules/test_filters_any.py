"""Whatever filters say and whatever an event holds: two errors at most, one answer, a bounded cost."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from errortracking.rules import limits
from errortracking.rules.filters import (
    OPERATORS,
    FilterError,
    OutOfSteps,
    RuleError,
    compile_filters,
    validate,
)
from errortracking.rules.operators import NEGATED
from errortracking.rules.subject import Subject

NAMES = st.sampled_from(["a", "b", "a.b", "$exception_types"])
TEXTS = st.text(max_size=20) | st.sampled_from(["5", "5.0", "true", "x(", ".*", "^a", "(a|b)+$", "1e5", "-7"])
SCALARS = TEXTS | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.booleans()
ANY_JSON = st.recursive(
    st.none() | SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=3)
)
LEAVES = st.fixed_dictionaries(
    {"key": NAMES, "operator": st.sampled_from(OPERATORS), "value": SCALARS | st.lists(SCALARS, max_size=3)}
)
FILTERS = st.recursive(
    st.builds(lambda kind, values: {"type": kind, "values": values}, st.sampled_from(["AND", "OR"]), st.just([])),
    lambda inner: st.builds(
        lambda kind, values: {"type": kind, "values": values},
        st.sampled_from(["AND", "OR"]),
        st.lists(LEAVES | inner, max_size=4),
    ),
    max_leaves=8,
)
PROPERTIES = st.dictionaries(NAMES, ANY_JSON, max_size=4)


def answer(filters: Any, properties: dict[str, Any]) -> bool | None:
    """Return what the rule says, None if it fails."""
    subject = Subject(properties)
    try:
        said = compile_filters(filters)(subject)
    except (RuleError, OutOfSteps):
        return None
    assert said in (True, False)
    assert 0 <= limits.STEPS_PER_EVENT - subject.left <= limits.STEPS_PER_RULE
    return said


def usable(filters: Any) -> bool:
    try:
        validate(filters)
    except FilterError:
        return False
    return True


@given(ANY_JSON)
def test_any_json_is_taken_or_refused_with_a_place_that_leads_somewhere(filters: Any) -> None:
    path: tuple[str | int, ...] = ()
    try:
        validate(filters)
    except FilterError as error:
        path = error.path
    at = filters
    for step in path[:-1]:  # the last may name what is missing
        at = at[step]


@given(FILTERS, PROPERTIES)
def test_any_rule_answers_any_event_or_fails_in_one_of_two_ways(filters: Any, properties: dict[str, Any]) -> None:
    if usable(filters):
        answer(filters, properties)


@given(FILTERS, PROPERTIES)
def test_what_the_database_gives_back_says_the_same(filters: Any, properties: dict[str, Any]) -> None:
    if usable(filters):
        assert answer(orjson.loads(orjson.dumps(filters)), properties) == answer(filters, properties)


@given(LEAVES, PROPERTIES)
def test_a_negated_operator_says_the_opposite(leaf: dict[str, Any], properties: dict[str, Any]) -> None:
    if leaf["operator"] not in NEGATED or not usable({"type": "AND", "values": [leaf]}):
        return
    positive = {**leaf, "operator": NEGATED[leaf["operator"]]}
    said = answer({"type": "AND", "values": [leaf]}, properties)
    assert said is (not answer({"type": "AND", "values": [positive]}, properties))


@given(LEAVES, LEAVES, PROPERTIES)
def test_groups_join_what_their_members_say(
    one: dict[str, Any], other: dict[str, Any], properties: dict[str, Any]
) -> None:
    first, second = ({"type": "AND", "values": [leaf]} for leaf in (one, other))
    if not (usable(first) and usable(second)):
        return
    said = (answer(first, properties), answer(second, properties))
    if None in said:
        return
    assert answer({"type": "AND", "values": [one, other]}, properties) is all(said)
    assert answer({"type": "OR", "values": [one, other]}, properties) is any(said)
    assert answer({"type": "OR", "values": [first, second, {"type": "AND", "values": []}]}, properties) is any(said)


@given(LEAVES, PROPERTIES)
def test_a_list_of_one_is_as_good_as_its_element(leaf: dict[str, Any], properties: dict[str, Any]) -> None:
    if not usable({"type": "AND", "values": [leaf]}):
        return
    listed = {key: [value] if not isinstance(value, list) else value for key, value in properties.items()}
    plain = {key: value for key, value in properties.items() if not isinstance(value, list)}
    if leaf["key"] in plain and "." not in leaf["key"]:
        filters = {"type": "AND", "values": [leaf]}
        assert answer(filters, {leaf["key"]: listed[leaf["key"]]}) == answer(filters, {leaf["key"]: plain[leaf["key"]]})
