"""Rules written at the same moment, over real HTTP and on connections of their own."""

from __future__ import annotations

from typing import Any

import pytest

from environments.models import AuditEntry
from tests.environments.racing import Rival, all_at_once, meet, rival, sender, settled
from tests.environments.world import World
from tests.errortracking.api.ruling import KINDS, OTHERS

__all__ = ["rival", "settled"]  # fixtures

pytestmark = pytest.mark.django_db(transaction=True)
BYPASS = KINDS[3]
PATH = f"error_tracking/{BYPASS.name}/"


def lock(rival: Rival, world: World, rule: Any) -> None:
    rival.execute(
        "SELECT 1 FROM errortracking_bypassrule WHERE environment_id = %s AND id = %s FOR UPDATE",
        [world.project.pk, rule.pk],
    )


def test_of_many_new_rules_none_has_the_place_of_another_and_the_bound_holds(live_server: Any, settled: World) -> None:
    for number in range(97):
        BYPASS.make(settled, order_key=number)
    send, body = sender(live_server, settled, PATH), BYPASS.body(settled)
    answers = all_at_once(6, lambda: send("POST", body=body))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 201, 400, 400, 400]
    places = list(BYPASS.orders(settled.project).values())
    assert places == list(range(100))


def test_two_reorders_at_once_are_one_after_the_other(live_server: Any, settled: World, rival: Rival) -> None:
    rules = [BYPASS.make(settled, order_key=number) for number in range(4)]
    ids = [str(rule.pk) for rule in rules]
    lock(rival, settled, rules[0])
    send = sender(live_server, settled, PATH)
    upwards = {name: place + 10 for place, name in enumerate(ids)}
    downwards = {name: 20 - place for place, name in reversed(list(enumerate(ids)))}
    answers = meet(rival, [lambda o=o: send("PATCH", "reorder/", {"orders": o}) for o in (upwards, downwards)])  # type: ignore[misc]
    assert [answer.status_code for answer in answers] == [204, 204]
    assert BYPASS.orders(settled.project) in (upwards, downwards)
    assert AuditEntry.objects.filter(environment=settled.project).count() == 8


def test_a_rule_deleted_meanwhile_is_unknown_and_no_other_has_moved(
    live_server: Any, settled: World, rival: Rival
) -> None:
    rules = [BYPASS.make(settled, order_key=number) for number in range(2)]
    lock(rival, settled, rules[1])
    rival.execute(
        "DELETE FROM errortracking_bypassrule WHERE environment_id = %s AND id = %s", [settled.project.pk, rules[1].pk]
    )
    send = sender(live_server, settled, PATH)
    orders = {str(rule.pk): 7 for rule in rules}
    [found] = meet(rival, [lambda: send("PATCH", "reorder/", {"orders": orders})])
    assert (found.status_code, found.json()["attr"]) == (400, f"orders__{rules[1].pk}")
    assert BYPASS.orders(settled.project) == {str(rules[0].pk): 0}


def test_a_change_waits_for_the_server_to_switch_the_rule_off_and_switches_it_on(
    live_server: Any, settled: World, rival: Rival
) -> None:
    rule = BYPASS.make(settled)
    rival.execute(
        'UPDATE errortracking_bypassrule SET disabled_data = \'{"message": "off"}\''
        " WHERE environment_id = %s AND id = %s",
        [settled.project.pk, rule.pk],
    )
    send = sender(live_server, settled, PATH)
    [found] = meet(rival, [lambda: send("PATCH", f"{rule.pk}/", {"filters": OTHERS})])
    assert found.status_code == 204
    rule.refresh_from_db()
    assert (rule.filters, rule.disabled_data) == (OTHERS, None)
    [entry] = AuditEntry.objects.filter(environment=settled.project)
    assert entry.before is not None
    assert entry.before["disabled_data"] == {"message": "off"}
