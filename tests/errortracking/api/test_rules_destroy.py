"""DELETE …/{kind}_rules/{id}/ (contract 10)."""

from __future__ import annotations

import pytest

from environments.models import AuditEntry
from errortracking.models import Fingerprint, Issue
from tests.environments.world import NOT_FOUND, World, answer
from tests.errortracking.api.making import CREATED, MALFORMED_IDS, UNKNOWN
from tests.errortracking.api.ruling import EMPTY, KINDS, TIMEOUTS, Kind, of_every_kind


@of_every_kind
def test_the_answer_is_empty_and_the_rule_is_gone(world: World, kind: Kind) -> None:
    api, rule, other = kind.api(world), kind.make(world), kind.make(world, order_key=1)
    response = api.delete(f"{rule.pk}/")
    assert (response.status_code, response.content) == (204, b"")
    assert "Content-Type" not in response
    assert answer(api.get(f"{rule.pk}/")) == (404, NOT_FOUND)
    assert kind.orders(world.project) == {str(other.pk): 1}


@of_every_kind
def test_a_second_time_it_is_not_found(world: World, kind: Kind) -> None:
    api, rule = kind.api(world), kind.make(world)
    assert answer(api.delete(f"{rule.pk}/")) == EMPTY
    assert answer(api.delete(f"{rule.pk}/")) == (404, NOT_FOUND)


@of_every_kind
@pytest.mark.parametrize("rule_id", [UNKNOWN, *MALFORMED_IDS])
def test_an_unknown_or_malformed_id_is_not_found(world: World, kind: Kind, rule_id: str) -> None:
    kind.make(world)
    assert answer(kind.api(world).delete(f"{rule_id}/")) == (404, NOT_FOUND)
    assert len(kind.orders(world.project)) == 1


@of_every_kind
def test_the_rule_of_another_project_or_kind_stays(world: World, stranger: World, kind: Kind) -> None:
    others = [kind.make(stranger)] + [other.make(world) for other in KINDS if other is not kind]
    for rule in others:
        assert answer(kind.api(world).delete(f"{rule.pk}/")) == (404, NOT_FOUND)
        rule.refresh_from_db()


@of_every_kind
def test_it_is_recorded_with_what_the_rule_was(world: World, kind: Kind) -> None:
    rule = kind.make(world, order_key=4)
    kind.api(world).delete(f"{rule.pk}/")
    [entry] = AuditEntry.objects.filter(environment=world.project)
    assert (entry.action, entry.resource, entry.object_id) == ("destroy", kind.name, str(rule.pk))
    assert entry.after is None
    assert entry.before is not None
    assert (entry.before["filters"], entry.before["order_key"]) == (TIMEOUTS, 4)


def test_the_issue_that_a_grouping_rule_made_stays(world: World) -> None:
    kind = KINDS[1]
    rule, issue = kind.make(world), Issue.objects.create(environment=world.project, name="Timeouts")
    Fingerprint.objects.create(
        environment=world.project, issue=issue, fingerprint=f"custom-rule:{rule.pk}", kind="custom", first_seen=CREATED
    )
    assert answer(kind.api(world).delete(f"{rule.pk}/")) == EMPTY
    issue.refresh_from_db()
    assert Fingerprint.objects.filter(environment=world.project, issue=issue).count() == 1
