"""GET …/{kind}_rules/ and …/{kind}_rules/{id}/ (contract 10)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from environments import clock
from tests.environments.world import NOT_FOUND, World, answer, statements
from tests.errortracking.api.making import MALFORMED_IDS, UNKNOWN
from tests.errortracking.api.ruling import KINDS, Kind, of_every_kind, shown, without_times, work

PAGED = pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind.name != "grouping_rules"], ids=lambda kind: kind.name
)
GROUPING = KINDS[1]


def envelope(kind: Kind, results: list[Any]) -> dict[str, Any]:
    """Return what is around the results: nothing else for grouping rules."""
    pages = {} if kind is GROUPING else {"count": len(results), "next": None, "previous": None}
    return pages | {"results": results}


@of_every_kind
def test_without_rules_the_list_is_empty(world: World, stranger: World, kind: Kind) -> None:
    kind.make(stranger)
    assert answer(kind.api(world).get("")) == (200, envelope(kind, []))


@of_every_kind
def test_the_list_is_in_the_order_in_which_rules_are_tried(world: World, kind: Kind) -> None:
    """Of equal places the older rule is first."""
    rules: list[Any] = []
    for second, key in enumerate([5, -3, 5, 0]):  # ids of one millisecond have no order
        with clock.stopped_at(datetime(2026, 11, 22, 12, 0, second, tzinfo=UTC)):
            rules.append(kind.make(world, order_key=key))
    status, found = answer(kind.api(world).get(""))
    expected = [rules[place] for place in (1, 3, 0, 2)]
    assert status == 200
    assert [rule["id"] for rule in found["results"]] == [str(rule.pk) for rule in expected]
    stripped = [without_times(rule) for rule in found["results"]]
    assert envelope(kind, stripped) == found | {"results": stripped}
    assert stripped == [shown(kind, world, order_key=key) for key in (-3, 0, 5, 5)]


@of_every_kind
def test_one_rule_is_shown_as_in_the_list(world: World, kind: Kind) -> None:
    rule = kind.make(world, disabled_data={"message": "off", "props": {}})
    [listed] = answer(kind.api(world).get(""))[1]["results"]
    assert answer(kind.api(world).get(f"{rule.pk}/")) == (200, listed)
    assert without_times(listed) == shown(kind, world, disabled_data={"message": "off", "props": {}})


@PAGED
def test_pages_are_followed(world: World, kind: Kind) -> None:
    """1.5."""
    rules = [kind.make(world, order_key=key) for key in range(3)]
    api = kind.api(world)
    first = answer(api.get("?limit=2"))[1]
    assert first["count"] == 3
    assert first["next"].endswith(f"/error_tracking/{kind.name}/?limit=2&offset=2")
    second = answer(api.get("?limit=2&offset=2"))[1]
    assert second["next"] is None
    ids = [rule["id"] for page in (first, second) for rule in page["results"]]
    assert ids == [str(rule.pk) for rule in rules]


def test_grouping_rules_come_all_at_once(world: World) -> None:
    for key in range(100):
        GROUPING.make(world, order_key=key)
    for query in ("", "?limit=2", "?offset=50", "?limit=2&offset=1000"):
        found = answer(GROUPING.api(world).get(query))[1]
        assert list(found) == ["results"]
        assert [rule["order_key"] for rule in found["results"]] == list(range(100))


@of_every_kind
@pytest.mark.parametrize("rule_id", [UNKNOWN, *MALFORMED_IDS])
def test_an_unknown_or_malformed_id_is_not_found(world: World, kind: Kind, rule_id: str) -> None:
    assert answer(kind.api(world).get(f"{rule_id}/")) == (404, NOT_FOUND)


@of_every_kind
def test_the_rule_of_another_project_or_kind_is_not_found(world: World, stranger: World, kind: Kind) -> None:
    for rule in [kind.make(stranger)] + [other.make(world) for other in KINDS if other is not kind]:
        assert answer(kind.api(world).get(f"{rule.pk}/")) == (404, NOT_FOUND)


@of_every_kind
def test_a_list_is_one_statement_beside_the_key_however_many_rules_there_are(world: World, kind: Kind) -> None:
    api = kind.api(world)
    table = f"errortracking_{kind.name.replace('_rules', 'rule')}"
    for _ in range(3):
        kind.make(world)
        with statements() as sent:
            api.get("")
        assert work(sent) == ["SELECT environments_personalapikey", f"SELECT {table}"]


@of_every_kind
def test_one_rule_is_one_statement_beside_the_key(world: World, kind: Kind) -> None:
    rule, api = kind.make(world), kind.api(world)
    with statements() as sent:
        api.get(f"{rule.pk}/")
    table = f"errortracking_{kind.name.replace('_rules', 'rule')}"
    assert work(sent) == ["SELECT environments_personalapikey", f"SELECT {table}"]


@of_every_kind
@pytest.mark.parametrize("prefix", ["environments", "projects"])
@pytest.mark.parametrize("ending", ["", "/", ".json"])
def test_both_prefixes_serve_both(world: World, kind: Kind, prefix: str, ending: str) -> None:
    rule = kind.make(world)
    address = f"/api/{prefix}/{world.project.pk}/error_tracking/{kind.name}"
    for path in (address, f"{address}/{rule.pk}"):
        assert kind.api(world).get(path + ending).status_code == 200
