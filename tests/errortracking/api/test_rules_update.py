"""PUT and PATCH …/{kind}_rules/{id}/ (contract 10: writes on an id answer 204), which do the same."""

from __future__ import annotations

from typing import Any

import pytest

from environments import clock
from environments.models import AuditEntry
from tests.environments.world import NOT_FOUND, World, answer, error, statements
from tests.errortracking.api.making import MALFORMED_IDS, UNKNOWN
from tests.errortracking.api.ruling import (
    EMPTY,
    KINDS,
    OTHERS,
    TIMEOUTS,
    Kind,
    of_every_kind,
    shown,
    without_times,
    work,
)

OFF = {"message": "Cannot compare", "props": {"value": "x"}}


@pytest.fixture(params=["PATCH", "PUT"])
def method(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def look(world: World, kind: Kind, rule: Any) -> dict[str, Any]:
    """Return what the API shows of a rule."""
    status, found = answer(kind.api(world).get(f"{rule.pk}/"))
    assert status == 200
    return without_times(found)


@of_every_kind
def test_the_answer_is_empty(world: World, kind: Kind, method: str) -> None:
    response = kind.api(world).request(method, f"{kind.make(world).pk}/", {"filters": OTHERS})
    assert (response.status_code, response.content) == (204, b"")
    assert "Content-Type" not in response


@of_every_kind
def test_filters_and_place_can_be_changed(world: World, kind: Kind, method: str) -> None:
    rule = kind.make(world)
    body = {"filters": OTHERS, "order_key": -5}
    assert answer(kind.api(world).request(method, f"{rule.pk}/", body)) == EMPTY
    assert look(world, kind, rule) == shown(kind, world, **body)


@of_every_kind
def test_what_is_absent_stays(world: World, kind: Kind, method: str) -> None:
    """Also with PUT: the real system's does so."""
    rule = kind.make(world, order_key=7)
    assert answer(kind.api(world).request(method, f"{rule.pk}/", {"order_key": 8})) == EMPTY
    assert answer(kind.api(world).request(method, f"{rule.pk}/", {"filters": OTHERS})) == EMPTY
    assert look(world, kind, rule) == shown(kind, world, filters=OTHERS, order_key=8)


@of_every_kind
def test_what_was_shown_can_be_sent_back(world: World, kind: Kind, method: str) -> None:
    rule = kind.make(world, order_key=7)
    path = f"{rule.pk}/"
    before = answer(kind.api(world).get(path))[1]
    assert answer(kind.api(world).request(method, path, before)) == EMPTY
    assert answer(kind.api(world).get(path))[1] == before


@of_every_kind
@pytest.mark.parametrize("body", [{}, None, {"filters": TIMEOUTS}, {"order_key": 0}, {"disabled_data": {"a": 1}}])
def test_any_change_switches_a_rule_on_again(world: World, kind: Kind, method: str, body: Any) -> None:
    """Upstream: also one that changes nothing else. Only the server switches off."""
    rule = kind.make(world, disabled_data=OFF)
    assert look(world, kind, rule)["disabled_data"] == OFF
    assert answer(kind.api(world).request(method, f"{rule.pk}/", body)) == EMPTY
    assert look(world, kind, rule) == shown(kind, world)


@of_every_kind
def test_a_refused_change_leaves_a_rule_off(world: World, kind: Kind, method: str) -> None:
    rule = kind.make(world, disabled_data=OFF)
    assert kind.api(world).request(method, f"{rule.pk}/", {"filters": 1}).status_code == 400
    assert look(world, kind, rule)["disabled_data"] == OFF


@of_every_kind
def test_filters_cannot_be_taken_away(world: World, kind: Kind, method: str) -> None:
    """Null keeps them where the real system takes null, and is a 400 where it does not."""
    rule = kind.make(world)
    found = answer(kind.api(world).request(method, f"{rule.pk}/", {"filters": None}))
    if kind.name in {"assignment_rules", "grouping_rules"}:
        assert found == EMPTY
    else:
        assert found == error(400, "validation_error", "null", "This field may not be null.", "filters")
    assert look(world, kind, rule) == shown(kind, world)


@of_every_kind
@pytest.mark.parametrize(
    ("order_key", "detail", "code"),
    [
        (2**31, "Ensure this value is less than or equal to 2147483647.", "max_value"),
        (-(2**31) - 1, "Ensure this value is greater than or equal to -2147483648.", "min_value"),
        (1.5, "A valid integer is required.", "invalid_input"),
        (None, "This field may not be null.", "null"),
    ],
)
def test_a_wrong_place_is_a_400(world: World, kind: Kind, method: str, order_key: Any, detail: str, code: str) -> None:
    rule = kind.make(world)
    found = answer(kind.api(world).request(method, f"{rule.pk}/", {"order_key": order_key, "filters": OTHERS}))
    assert found == error(400, "validation_error", code, detail, "order_key")
    assert look(world, kind, rule) == shown(kind, world)


@of_every_kind
@pytest.mark.parametrize("rule_id", [UNKNOWN, *MALFORMED_IDS])
def test_an_unknown_or_malformed_id_is_not_found(world: World, kind: Kind, method: str, rule_id: str) -> None:
    assert answer(kind.api(world).request(method, f"{rule_id}/", {"filters": OTHERS})) == (404, NOT_FOUND)


@of_every_kind
def test_the_rule_of_another_project_or_kind_is_not_found_and_unchanged(
    world: World, stranger: World, kind: Kind, method: str
) -> None:
    others = [(kind, kind.make(stranger))] + [(other, other.make(world)) for other in KINDS if other is not kind]
    for owner, rule in others:
        assert answer(kind.api(world).request(method, f"{rule.pk}/", {"filters": OTHERS})) == (404, NOT_FOUND)
        rule.refresh_from_db()
        assert rule.filters == TIMEOUTS, owner


@of_every_kind
def test_a_change_is_recorded_with_what_differs_and_no_change_is_not(world: World, kind: Kind, method: str) -> None:
    rule = kind.make(world, disabled_data=OFF)
    api = kind.api(world)
    for body in ({"order_key": 3}, {}, {"order_key": 3, "filters": TIMEOUTS}, {"filters": OTHERS}, {"filters": 1}):
        api.request(method, f"{rule.pk}/", body)
    entries = AuditEntry.objects.filter(environment=world.project).order_by("created_at")
    assert [(entry.before, entry.after) for entry in entries] == [
        ({"disabled_data": OFF, "order_key": 0}, {"disabled_data": None, "order_key": 3}),
        ({"filters": TIMEOUTS}, {"filters": OTHERS}),
    ]
    action = "update" if method == "PUT" else "partial_update"
    assert {(e.action, e.resource, e.object_id) for e in entries} == {(action, kind.name, str(rule.pk))}


@of_every_kind
def test_only_a_change_has_a_time(world: World, kind: Kind, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiled rule is known by it."""
    rule = kind.make(world)
    api = kind.api(world)
    api.request(method, f"{rule.pk}/", {"filters": TIMEOUTS})
    unchanged = answer(api.get(f"{rule.pk}/"))[1]
    assert unchanged["updated_at"] == rule.updated_at.isoformat().replace("+00:00", "Z")
    before = clock.now()
    api.request(method, f"{rule.pk}/", {"filters": OTHERS})
    rule.refresh_from_db()
    assert rule.updated_at >= before > rule.created_at


@of_every_kind
def test_it_takes_so_many_statements(world: World, kind: Kind, method: str) -> None:
    rule, api = kind.make(world), kind.api(world)
    table = f"errortracking_{kind.name.replace('_rules', 'rule')}"
    with statements() as sent:
        api.request(method, f"{rule.pk}/", {"filters": OTHERS})
    assert work(sent) == [
        "SELECT environments_personalapikey",
        f"SELECT {table}",
        f"UPDATE {table}",
        "INSERT environments_auditentry",
    ]
