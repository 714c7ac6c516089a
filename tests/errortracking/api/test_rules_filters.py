"""The filters of a rule in a request: what is wrong with them is a 400 that names its place, and stores nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.environments.world import World, answer, error
from tests.errortracking.api.ruling import KINDS, OTHERS, TIMEOUTS, Kind, of_every_kind

LEAF = {"key": "host", "operator": "exact", "value": "a"}
OPERATORS = (
    "Must be one of exact, is_not, icontains, not_icontains, regex, not_regex, gt, gte, lt, lte, is_set, is_not_set, "
    "in, not_in."
)
NOTHING = "Filters must contain at least one filter value. For all exceptions: $exception_types with is_set."


def group(*values: Any, kind: str = "AND") -> dict[str, Any]:
    return {"type": kind, "values": list(values)}


def nested(levels: int) -> dict[str, Any]:
    found = group(LEAF)
    for _ in range(levels - 1):
        found = group(found)
    return found


def refused(world: World, kind: Kind, filters: Any) -> tuple[str, str, str]:
    """Send the filters in a new rule and in a change; return detail, code and attr of the one answer."""
    api, rule = kind.api(world), kind.make(world, disabled_data={"message": "off"})
    new = answer(api.post("", kind.body(world, filters=filters)))
    assert answer(api.put(f"{rule.pk}/", {"filters": filters})) == new
    assert answer(api.patch(f"{rule.pk}/", {"filters": filters, "order_key": 5})) == new
    assert list(kind.orders(world.project).values()) == [0]
    rule.refresh_from_db()
    assert (rule.filters, rule.disabled_data) == (TIMEOUTS, {"message": "off"})
    status, body = new
    assert (status, body["type"]) == (400, "validation_error")
    return body["detail"], body["code"], body["attr"]


@of_every_kind
@pytest.mark.parametrize("filters", [[], [TIMEOUTS], "AND", 7, True, json.dumps(TIMEOUTS)])
def test_what_is_no_object_is_a_400(world: World, kind: Kind, filters: Any) -> None:
    assert refused(world, kind, filters) == ("Expected a JSON object.", "invalid_input", "filters")


@of_every_kind
@pytest.mark.parametrize("filters", [{}, group(), group(kind="OR"), group(group(), group(group()))])
def test_filters_that_say_nothing_are_a_400(world: World, kind: Kind, filters: Any) -> None:
    """They would match nothing: whoever sends them has not finished, or means everything."""
    assert refused(world, kind, filters) == (NOTHING, "empty", "filters")


@of_every_kind
@pytest.mark.parametrize(
    ("filters", "detail", "attr"),
    [
        ({"not": "valid"}, "This is not a part of filters.", "filters__not"),
        ({"type": "XOR", "values": []}, "Must be AND or OR.", "filters__type"),
        ({"values": []}, "Must be AND or OR.", "filters__type"),
        ({"type": "AND"}, "Expected a list.", "filters__values"),
        (group("x"), "Expected a condition or a group.", "filters__values__0"),
        (group(LEAF | {"operator": "like"}), OPERATORS, "filters__values__0__operator"),
        (group(LEAF, group(LEAF, LEAF | {"operator": 7})), OPERATORS, "filters__values__1__values__1__operator"),
        (group({"value": "a"}), "Expected the name of a property.", "filters__values__0__key"),
        (group(LEAF | {"key": 7}), "Expected the name of a property.", "filters__values__0__key"),
        (group(LEAF | {"operator": "gt"}), "Expected a number.", "filters__values__0__value"),
        (group(LEAF | {"operator": "in"}), "Expected a list.", "filters__values__0__value"),
        (group(LEAF | {"value": []}), "May not be empty.", "filters__values__0__value"),
        (group(LEAF | {"value": [1, {}]}), "Expected a text, a number or a boolean.", "filters__values__0__value__1"),
        (group(LEAF | {"key": "a\0"}), "Holds characters that cannot be stored.", "filters__values__0__key"),
        (group(LEAF | {"value": "\ud800"}), "Holds characters that cannot be stored.", "filters__values__0__value"),
        (group(LEAF | {"negation": True}), "This is not a part of filters.", "filters__values__0__negation"),
        (group(LEAF | {"\ud800": True}), "This is not a part of filters.", "filters__values__0__?"),
        (group(LEAF | {"x" * 401: True}), "This is not a part of filters.", "filters__values__0__?"),
        (nested(9), "Groups may be nested 8 deep.", "filters" + 8 * "__values__0"),
        (group(*[LEAF] * 101), "A rule may have 100 conditions.", "filters__values__100"),
    ],
)
def test_the_place_of_what_is_wrong_is_named(world: World, kind: Kind, filters: Any, detail: str, attr: str) -> None:
    assert refused(world, kind, filters) == (detail, "invalid_input", attr)


@of_every_kind
@pytest.mark.parametrize("pattern", ["(", "a{2,1}", r"(?=ahead)", r"\1", "[z-a]"])
def test_what_is_no_regular_expression_of_re2_is_a_400(world: World, kind: Kind, pattern: str) -> None:
    filters = group({"key": "host", "operator": "regex", "value": pattern})
    detail, code, attr = refused(world, kind, filters)
    assert detail.startswith("Not a regular expression (RE2): ")
    assert (code, attr) == ("invalid_input", "filters__values__0__value")


@of_every_kind
@pytest.mark.parametrize("value", ["\0", "\ud800", {"a": "\0"}, 10**400, []])
def test_the_value_that_no_condition_reads_is_checked_as_well(world: World, kind: Kind, value: Any) -> None:
    filters = group({"key": "host", "operator": "is_set", "value": value})
    assert refused(world, kind, filters)[2] == "filters__values__0__value"


@of_every_kind
def test_numbers_that_postgresql_would_write_out_are_counted_so(world: World, kind: Kind) -> None:
    """1e308 is five characters for a client and 309 in an answer."""
    filters = group({"key": "host", "operator": "exact", "value": [1e308] * 200})
    detail, _, attr = refused(world, kind, filters)
    assert detail == "The texts of a rule may have 50000 characters together."
    assert attr == "filters__values__0__value__161"


@of_every_kind
def test_filters_are_bounded_as_a_whole(world: World, kind: Kind) -> None:
    """Groups that say nothing are no conditions, and are stored all the same."""
    filters = group(LEAF, *[group()] * 9_000)
    assert refused(world, kind, filters) == (
        "Ensure this field has no more than 262144 characters.",
        "max_length",
        "filters",
    )


@of_every_kind
def test_deeply_nested_filters_are_a_400(world: World, kind: Kind) -> None:
    body = b'{"filters": ' + b'{"type":"AND","values":[' * 5_000 + b"]}" * 5_000 + b"}"
    status, found = answer(kind.api(world).request("POST", "", body))
    assert (status, found["code"]) == (400, "parse_error")


@of_every_kind
@pytest.mark.parametrize(
    "filters",
    [
        TIMEOUTS,
        OTHERS,
        nested(8),
        group(*[LEAF] * 100),
        group({"key": "$exception_types", "operator": "is_set"}),
        group({"key": "$exception_types", "operator": "is_set", "value": "is_set"}),
        group({"key": "host", "value": ["ü", 1, 1.5, True]}),
        group(LEAF | {"label": "Host"}, group()),
    ],
)
def test_good_filters_are_stored_as_they_are(world: World, kind: Kind, filters: Any) -> None:
    status, made = answer(kind.api(world).post("", kind.body(world, filters=filters)))
    assert (status, made["filters"]) == (201, filters)


def test_only_assignment_rules_see_the_issue(world: World) -> None:
    """The others run before there is one."""
    filters = group({"key": "status", "type": "error_tracking_issue", "operator": "is_not", "value": "resolved"})
    assignment, *others = KINDS
    assert assignment.api(world).post("", assignment.body(world, filters=filters)).status_code == 201
    for kind in others:
        assert refused(world, kind, filters) == ("Must be event.", "invalid_input", "filters__values__0__type")


@pytest.mark.parametrize("body", [b'{"filters": NaN}', b'{"filters": {"type": "AND", "values": [Infinity]}}'])
def test_what_is_no_json_is_a_400(world: World, body: bytes) -> None:
    for kind in KINDS:
        status, found = answer(kind.api(world).request("POST", "", body))
        assert (status, found["code"]) == (400, "parse_error")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=8,
)
SHAPED = st.recursive(
    st.fixed_dictionaries(
        {"key": st.text(max_size=5) | JSON},
        optional={
            "operator": st.sampled_from(["exact", "regex", "gt", "is_set", "in", "x"]) | JSON,
            "value": JSON,
            "type": st.sampled_from(["event", "error_tracking_issue"]) | JSON,
            "label": JSON,
        },
    ),
    lambda members: st.fixed_dictionaries(
        {"type": st.sampled_from(["AND", "OR"]), "values": st.lists(members | JSON, max_size=3)}
    ),
    max_leaves=6,
)


@of_every_kind
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(filters=SHAPED | JSON)
def test_any_json_is_stored_or_refused(world: World, kind: Kind, filters: Any) -> None:
    api = kind.api(world)
    status, made = answer(api.post("", json.dumps(kind.body(world, filters=filters)).encode()))
    assert status in {201, 400}
    if status == 201:
        assert answer(api.get(f"{made['id']}/")) == (200, made)
        assert api.delete(f"{made['id']}/").status_code == 204
    else:
        assert made["attr"].startswith("filters")


def test_an_error_has_the_body_of_every_other(world: World) -> None:
    kind = KINDS[3]
    found = answer(kind.api(world).post("", {"filters": group(LEAF | {"operator": "like"})}))
    assert found == error(400, "validation_error", "invalid_input", OPERATORS, "filters__values__0__operator")
