"""What grouping rules have alone: a description, and the issue that they have made."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from environments.models import AuditEntry
from errortracking.models import Fingerprint, Issue
from tests.environments.world import World, answer, error
from tests.errortracking.api.making import CREATED
from tests.errortracking.api.ruling import EMPTY, KINDS, TIMEOUTS

GROUPING = KINDS[1]


def matched(world: World, rule_id: UUID, name: str | None = "Timeouts") -> Issue:
    """Store the issue and the fingerprint that the pipeline makes at a rule's first match."""
    issue = Issue.objects.create(environment=world.project, name=name)
    Fingerprint.objects.create(
        environment=world.project, issue=issue, fingerprint=f"custom-rule:{rule_id}", kind="custom", first_seen=CREATED
    )
    return issue


def issues(world: World) -> list[Any]:
    return [rule["issue"] for rule in answer(GROUPING.api(world).get(""))[1]["results"]]


def test_a_rule_shows_the_issue_that_its_exceptions_are_put_into(world: World) -> None:
    """Upstream: id and name, by the fingerprint `custom-rule:<id>`."""
    rules = [GROUPING.make(world, order_key=key) for key in range(3)]
    named, unnamed = matched(world, rules[0].pk), matched(world, rules[2].pk, None)
    expected = [{"id": str(named.pk), "name": "Timeouts"}, None, {"id": str(unnamed.pk), "name": None}]
    assert issues(world) == expected
    one = [answer(GROUPING.api(world).get(f"{rule.pk}/"))[1]["issue"] for rule in rules]
    assert one == expected


def test_after_a_merge_it_shows_the_issue_that_has_its_fingerprint_now(world: World) -> None:
    rule = GROUPING.make(world)
    matched(world, rule.pk)
    target = Issue.objects.create(environment=world.project, name="Slow database")
    Fingerprint.objects.filter(environment=world.project).update(issue=target)
    assert issues(world) == [{"id": str(target.pk), "name": "Slow database"}]


def test_a_fingerprint_of_another_project_is_not_its(world: World, stranger: World) -> None:
    matched(stranger, GROUPING.make(world).pk)
    assert issues(world) == [None]


@pytest.mark.parametrize(("sent", "kept"), [("Why", "Why"), ("  é\n ", "é"), ("", ""), (None, None), (7, "7")])
def test_a_description_is_kept_and_can_be_changed(world: World, sent: Any, kept: str | None) -> None:
    api, rule = GROUPING.api(world), GROUPING.make(world, description="old")
    made = answer(api.post("", {"filters": TIMEOUTS, "description": sent}))
    assert (made[0], made[1]["description"]) == (201, kept)
    for method in ("PATCH", "PUT"):
        assert answer(api.request(method, f"{rule.pk}/", {"description": sent})) == EMPTY
        assert answer(api.get(f"{rule.pk}/"))[1]["description"] == kept


@pytest.mark.parametrize(
    ("description", "detail", "code"),
    [
        ("a\0b", "Null characters are not allowed.", "null_characters_not_allowed"),
        ("a\ud800", "Surrogate characters are not allowed: U+D800.", "surrogate_characters_not_allowed"),
        ("x" * 10_001, "Ensure this field has no more than 10000 characters.", "max_length"),
        (["x"], "Not a valid string.", "invalid_input"),
        (True, "Not a valid string.", "invalid_input"),
    ],
)
def test_what_is_no_description_is_a_400(world: World, description: Any, detail: str, code: str) -> None:
    """Decision table: NUL and lone surrogates in an API write."""
    api, rule = GROUPING.api(world), GROUPING.make(world, description="old")
    expected = error(400, "validation_error", code, detail, "description")
    assert answer(api.post("", {"filters": TIMEOUTS, "description": description})) == expected
    assert answer(api.patch(f"{rule.pk}/", {"description": description})) == expected
    assert answer(api.get(f"{rule.pk}/"))[1]["description"] == "old"


def test_a_change_of_something_else_keeps_the_description(world: World) -> None:
    rule = GROUPING.make(world, description="old")
    assert answer(GROUPING.api(world).put(f"{rule.pk}/", {"order_key": 2})) == EMPTY
    assert answer(GROUPING.api(world).get(f"{rule.pk}/"))[1]["description"] == "old"


def test_a_change_of_the_description_is_recorded(world: World) -> None:
    rule = GROUPING.make(world, description="old")
    GROUPING.api(world).patch(f"{rule.pk}/", {"description": "new"})
    [entry] = AuditEntry.objects.filter(environment=world.project)
    assert (entry.before, entry.after) == ({"description": "old"}, {"description": "new"})
