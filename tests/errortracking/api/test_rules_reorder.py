"""PATCH …/{kind}_rules/reorder/ (contract 10): new places for several rules, all or none."""

from __future__ import annotations

from typing import Any

import pytest

from environments import clock
from environments.models import AuditEntry
from tests.environments.world import World, answer, error, statements
from tests.errortracking.api.making import UNKNOWN
from tests.errortracking.api.ruling import EMPTY, KINDS, TIMEOUTS, Kind, of_every_kind, work


def reorder(world: World, kind: Kind, orders: Any) -> tuple[int, Any]:
    return answer(kind.api(world).patch("reorder/", {"orders": orders}))


def invalid(detail: str, attr: str, code: str = "invalid_input") -> tuple[int, Any]:
    return error(400, "validation_error", code, detail, attr)


@of_every_kind
def test_the_named_rules_get_their_places_and_the_others_keep_theirs(world: World, kind: Kind) -> None:
    first, second, third = (str(kind.make(world, order_key=key).pk) for key in range(3))
    response = kind.api(world).patch("reorder/", {"orders": {third: -7, first: 2**31 - 1}})
    assert (response.status_code, response.content) == (204, b"")
    assert "Content-Type" not in response
    assert list(kind.orders(world.project).items()) == [(third, -7), (second, 1), (first, 2**31 - 1)]
    shown = [rule["id"] for rule in answer(kind.api(world).get(""))[1]["results"]]
    assert shown == [third, second, first]


@of_every_kind
def test_places_can_be_swapped_and_shared(world: World, kind: Kind) -> None:
    first, second = (str(kind.make(world, order_key=key).pk) for key in (0, 1))
    assert reorder(world, kind, {first: 1, second: 0}) == EMPTY
    assert list(kind.orders(world.project)) == [second, first]
    assert reorder(world, kind, {first: 5, second: 5}) == EMPTY
    assert kind.orders(world.project) == {first: 5, second: 5}


@of_every_kind
def test_only_the_place_changes(world: World, kind: Kind) -> None:
    """A rule that the server switched off stays so: nobody has looked at it."""
    rule = kind.make(world, disabled_data={"message": "off"})
    before = clock.now()
    assert reorder(world, kind, {str(rule.pk): 3}) == EMPTY
    rule.refresh_from_db()
    assert (rule.filters, rule.disabled_data, rule.order_key) == (TIMEOUTS, {"message": "off"}, 3)
    assert rule.updated_at >= before > rule.created_at


@of_every_kind
def test_an_id_may_be_written_in_any_way(world: World, kind: Kind) -> None:
    rule = kind.make(world)
    assert reorder(world, kind, {rule.pk.hex.upper(): "4"}) == EMPTY
    assert kind.orders(world.project) == {str(rule.pk): 4}


@of_every_kind
def test_an_unknown_rule_is_a_400_and_nothing_has_moved(world: World, stranger: World, kind: Kind) -> None:
    """A rule of another project or kind is unknown here."""
    rule, foreign = kind.make(world), kind.make(stranger, order_key=8)
    other = next(other for other in KINDS if other is not kind).make(world)
    for unknown in (UNKNOWN, str(foreign.pk), str(other.pk)):
        expected = invalid("Rule not found.", f"orders__{unknown}", "does_not_exist")
        assert reorder(world, kind, {str(rule.pk): 5, unknown: 1}) == expected
        assert reorder(world, kind, {unknown: 1, str(rule.pk): 5}) == expected
    assert kind.orders(world.project) == {str(rule.pk): 0}
    assert kind.orders(stranger.project) == {str(foreign.pk): 8}
    assert AuditEntry.objects.filter(environment=world.project).count() == 0


@of_every_kind
@pytest.mark.parametrize("name", ["", "x", "1", "\0", "\ud800", "9" * 5_000, f"{{{UNKNOWN}}}"])
def test_what_is_no_id_is_a_400(world: World, kind: Kind, name: str) -> None:
    rule = kind.make(world)
    assert reorder(world, kind, {str(rule.pk): 5, name: 1}) == invalid("Must be a valid UUID.", "orders")
    assert kind.orders(world.project) == {str(rule.pk): 0}


@of_every_kind
@pytest.mark.parametrize(
    ("place", "detail", "code"),
    [
        (2**31, "Ensure this value is less than or equal to 2147483647.", "max_value"),
        (-(2**31) - 1, "Ensure this value is greater than or equal to -2147483648.", "min_value"),
        (10**400, "Ensure this value is less than or equal to 2147483647.", "max_value"),
        (1.5, "A valid integer is required.", "invalid_input"),
        (True, "A valid integer is required.", "invalid_input"),
        ("x\0", "A valid integer is required.", "invalid_input"),
        ({}, "A valid integer is required.", "invalid_input"),
        (None, "This field may not be null.", "null"),
    ],
)
def test_a_wrong_place_is_a_400_and_nothing_has_moved(
    world: World, kind: Kind, place: Any, detail: str, code: str
) -> None:
    first, second = (str(kind.make(world, order_key=key).pk) for key in (0, 1))
    assert reorder(world, kind, {first: 9, second: place}) == invalid(detail, f"orders__{second}", code)
    assert kind.orders(world.project) == {first: 0, second: 1}


@of_every_kind
def test_a_rule_cannot_have_two_places(world: World, kind: Kind) -> None:
    rule = kind.make(world)
    found = reorder(world, kind, {str(rule.pk): 1, rule.pk.hex: 2})
    assert found == invalid("Names a rule twice.", "orders")


@of_every_kind
@pytest.mark.parametrize("orders", [[], "x", 7, [["a", 1]], None])
def test_orders_are_an_object(world: World, kind: Kind, orders: Any) -> None:
    assert reorder(world, kind, orders) == invalid("Expected a JSON object.", "orders")


@of_every_kind
@pytest.mark.parametrize("body", [{}, None, {"order": {}}])
def test_orders_are_required(world: World, kind: Kind, body: Any) -> None:
    found = answer(kind.api(world).patch("reorder/", body))
    assert found == invalid("This field is required.", "orders", "required")


@of_every_kind
def test_no_order_is_no_change(world: World, kind: Kind) -> None:
    assert reorder(world, kind, {}) == EMPTY


@of_every_kind
def test_as_many_can_be_named_as_there_may_be(world: World, kind: Kind) -> None:
    ids = [str(kind.make(world, order_key=key).pk) for key in range(100)]
    backwards = {name: -place for place, name in enumerate(ids)}
    found = reorder(world, kind, backwards | {UNKNOWN: 1})
    assert found == invalid("Ensure this field has no more than 100 entries.", "orders", "max_length")
    assert reorder(world, kind, backwards) == EMPTY
    assert list(kind.orders(world.project)) == ids[::-1]


@of_every_kind
def test_each_rule_that_moved_is_recorded(world: World, kind: Kind) -> None:
    first, second, third = (str(kind.make(world, order_key=key).pk) for key in range(3))
    assert reorder(world, kind, {first: 2, second: 1, third: 0}) == EMPTY
    entries = AuditEntry.objects.filter(environment=world.project)
    assert {(e.action, e.resource) for e in entries} == {("reorder", kind.name)}
    moved = {e.object_id: (e.before, e.after) for e in entries}
    assert moved == {
        first: ({"order_key": 0}, {"order_key": 2}),
        third: ({"order_key": 2}, {"order_key": 0}),
    }


@of_every_kind
def test_the_places_are_one_statement_and_the_records_one_each(world: World, kind: Kind) -> None:
    ids = [str(kind.make(world, order_key=key).pk) for key in range(5)]
    api, table = kind.api(world), f"errortracking_{kind.name.replace('_rules', 'rule')}"
    with statements() as sent:
        api.patch("reorder/", {"orders": {name: place + 10 for place, name in enumerate(ids)}})
    records = ["INSERT environments_auditentry"] * 5
    assert work(sent) == ["SELECT environments_personalapikey", f"SELECT {table}", *records, f"UPDATE {table}"]


@of_every_kind
def test_it_needs_the_scope_of_a_write(world: World, kind: Kind) -> None:
    """Upstream has none: nobody with a key may reorder."""
    rule = kind.make(world)
    body = {"orders": {str(rule.pk): 5}}
    text = "API key missing required scope 'error_tracking:write'"
    refused = answer(kind.api(world, "error_tracking:read").patch("reorder/", body))
    assert refused == error(403, "authentication_error", "permission_denied", text)
    assert answer(kind.api(world, "error_tracking:write").patch("reorder/", body)) == EMPTY
    assert kind.orders(world.project) == {str(rule.pk): 5}


@of_every_kind
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_other_methods_mean_a_rule_of_that_id(world: World, kind: Kind, method: str) -> None:
    """There is none: `reorder` is no uuid. A route of its own answers 405."""
    kind.make(world)
    found = answer(kind.api(world).request(method, "reorder/", {}))
    assert found == error(405, "invalid_request", "method_not_allowed", f'Method "{method}" not allowed.')
    assert len(kind.orders(world.project)) == 1
