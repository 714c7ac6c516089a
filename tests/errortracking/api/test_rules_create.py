"""POST …/{assignment,grouping,suppression,bypass}_rules/ (contract 10): what all four kinds have in common."""

from __future__ import annotations

import re
from typing import Any

import pytest

from environments.models import AuditEntry
from errortracking.api.rules import MAX_RULES
from tests.environments.world import World, answer, error, statements
from tests.errortracking.api.ruling import KINDS, OTHERS, TIMEOUTS, Kind, of_every_kind, shown, without_times, work


def invalid(detail: str, attr: str | None = None, code: str = "invalid_input") -> tuple[int, Any]:
    return error(400, "validation_error", code, detail, attr)


@of_every_kind
def test_the_answer_is_the_rule(world: World, kind: Kind) -> None:
    api = kind.api(world)
    status, made = answer(api.post("", kind.body(world)))
    assert (status, without_times(made)) == (201, shown(kind, world))
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", made["id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", made["created_at"])
    assert made["updated_at"] >= made["created_at"]
    assert answer(api.get(f"{made['id']}/")) == (200, made)


@of_every_kind
def test_new_rules_go_to_the_end(world: World, kind: Kind) -> None:
    api = kind.api(world)
    assert [answer(api.post("", kind.body(world)))[1]["order_key"] for _ in range(3)] == [0, 1, 2]
    assert answer(api.post("", kind.body(world, order_key=40)))[1]["order_key"] == 40
    assert answer(api.post("", kind.body(world)))[1]["order_key"] == 41


@of_every_kind
def test_of_another_project_and_of_other_kinds_the_order_is_not_asked(
    world: World, stranger: World, kind: Kind
) -> None:
    kind.make(stranger, order_key=7)
    for other in KINDS:
        if other is not kind:
            other.make(world, order_key=7)
    assert answer(kind.api(world).post("", kind.body(world)))[1]["order_key"] == 0


@of_every_kind
def test_after_the_last_place_there_is_is_the_same_place_and_the_older_rule_first(world: World, kind: Kind) -> None:
    api = kind.api(world)
    first = kind.make(world, order_key=2**31 - 1)
    made = answer(api.post("", kind.body(world)))[1]
    assert made["order_key"] == 2**31 - 1
    assert [rule["id"] for rule in answer(api.get(""))[1]["results"]] == [str(first.pk), made["id"]]


@of_every_kind
@pytest.mark.parametrize("order_key", [-(2**31), -1, 0, 2**31 - 1, "7", 3.0])
def test_a_place_may_be_chosen(world: World, kind: Kind, order_key: Any) -> None:
    made = answer(kind.api(world).post("", kind.body(world, order_key=order_key)))
    assert (made[0], made[1]["order_key"]) == (201, int(order_key))


@of_every_kind
@pytest.mark.parametrize(
    ("order_key", "detail", "code"),
    [
        (2**31, "Ensure this value is less than or equal to 2147483647.", "max_value"),
        (-(2**31) - 1, "Ensure this value is greater than or equal to -2147483648.", "min_value"),
        (10**400, "Ensure this value is less than or equal to 2147483647.", "max_value"),
        (1.5, "A valid integer is required.", "invalid_input"),
        ("x", "A valid integer is required.", "invalid_input"),
        ("\ud800", "A valid integer is required.", "invalid_input"),
        (True, "A valid integer is required.", "invalid_input"),
        ([1], "A valid integer is required.", "invalid_input"),
        (None, "This field may not be null.", "null"),
    ],
)
def test_another_place_is_a_400(world: World, kind: Kind, order_key: Any, detail: str, code: str) -> None:
    """Decision table: integer above 2147483647 → 400 `max_value`."""
    found = answer(kind.api(world).post("", kind.body(world, order_key=order_key)))
    assert found == invalid(detail, "order_key", code)
    assert kind.orders(world.project) == {}


@of_every_kind
def test_what_the_server_sets_cannot_be_sent(world: World, kind: Kind) -> None:
    """An editor sends back what it was shown."""
    body = kind.body(world) | {
        "id": "01a201fd-0000-7000-8000-000000000000",
        "disabled_data": {"message": "off"},
        "created_at": "2020-01-01T00:00:00Z",
        "updated_at": "2020-01-01T00:00:00Z",
        "environment_id": 1,
        "issue": {"id": "x"},
        "bytecode": ["_H", 1],
    }
    status, made = answer(kind.api(world).post("", body))
    assert (status, without_times(made)) == (201, shown(kind, world))
    assert (made["id"], made["created_at"][:4]) != (body["id"], "2020")


@of_every_kind
@pytest.mark.parametrize("body", [{}, None])
def test_filters_are_required(world: World, kind: Kind, body: Any) -> None:
    found = answer(kind.api(world).post("", body))
    assert found == invalid("This field is required.", "filters", "required")


@of_every_kind
@pytest.mark.parametrize(("body", "name"), [([], "list"), ("x", "str"), (7, "int")])
def test_a_body_that_is_no_object_is_a_400(world: World, kind: Kind, body: Any, name: str) -> None:
    found = answer(kind.api(world).post("", body))
    assert found == invalid(f"Invalid data. Expected a dictionary, but got {name}.")


@of_every_kind
def test_a_project_has_a_bounded_number_of_rules(world: World, stranger: World, kind: Kind) -> None:
    assert MAX_RULES == 100
    for number in range(99):
        kind.make(world, order_key=number)
    kind.make(stranger)
    api = kind.api(world)
    assert api.post("", kind.body(world)).status_code == 201
    for body in (kind.body(world), kind.body(world, order_key=-1)):
        found = answer(api.post("", body))
        assert found == invalid("A project has at most 100 rules of a kind.", None, "too_many_rules")
    assert len(kind.orders(world.project)) == 100
    assert api.delete(f"{next(iter(kind.orders(world.project)))}/").status_code == 204
    assert api.post("", kind.body(world)).status_code == 201


@of_every_kind
def test_it_is_recorded_with_all_its_fields(world: World, kind: Kind) -> None:
    made = answer(kind.api(world).post("", kind.body(world, filters=OTHERS, order_key=3)))[1]
    [entry] = AuditEntry.objects.filter(environment=world.project)
    assert (entry.action, entry.resource, entry.object_id) == ("create", kind.name, made["id"])
    assert entry.before is None
    expected = shown(kind, world, filters=OTHERS, order_key=3)
    assert entry.after == {name: value for name, value in expected.items() if value is not None}


@of_every_kind
def test_it_takes_so_many_statements(world: World, kind: Kind) -> None:
    api, body, table = kind.api(world), kind.body(world), f"errortracking_{kind.name.replace('_rules', 'rule')}"
    api.post("", body)
    with statements() as sent:
        assert api.post("", body).status_code == 201
    assert work(sent) == [
        "SELECT environments_personalapikey",
        *(["SELECT environments_membership"] if kind.name == "assignment_rules" else []),
        "SELECT environments_project",  # the lock
        f"SELECT {table}",  # how many there are, and the last place
        f"INSERT {table}",
        "INSERT environments_auditentry",
        f"SELECT {table}",
    ]


@of_every_kind
@pytest.mark.parametrize("prefix", ["environments", "projects"])
@pytest.mark.parametrize("ending", ["", "/", ".json"])
def test_both_prefixes_serve_it(world: World, kind: Kind, prefix: str, ending: str) -> None:
    address = f"/api/{prefix}/{world.project.pk}/error_tracking/{kind.name}{ending}"
    assert kind.api(world).post(address, kind.body(world)).status_code == 201


def test_a_form_has_no_filters(world: World) -> None:
    """They are objects, which a form cannot hold."""
    for kind in KINDS:
        form = b"filters=" + str(TIMEOUTS).encode()
        found = kind.api(world).request("POST", "", form, content_type="application/x-www-form-urlencoded")
        assert answer(found) == invalid("Expected a JSON object.", "filters")
