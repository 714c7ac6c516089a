"""Whom assignment and grouping rules name: a member of the project's organization, or one of its roles."""

from __future__ import annotations

from typing import Any

import pytest

from environments.models import AuditEntry, Membership, User
from tests.environments.world import World, answer, error
from tests.errortracking.api.making import UNKNOWN
from tests.errortracking.api.ruling import (
    ASSIGNING,
    EMPTY,
    TIMEOUTS,
    Kind,
    make_role,
    of_assigning_kinds,
    of_every_kind,
)

ASSIGNMENT, GROUPING = ASSIGNING
NOT_OURS = "Assignee {} does not belong to this organization."


def of(kind: str, key: Any) -> dict[str, str]:
    return {"type": kind, "id": str(key)}


def invalid(detail: str, attr: str, code: str = "invalid_input") -> tuple[int, Any]:
    return error(400, "validation_error", code, detail, attr)


def assigned(kind: Kind, world: World) -> list[Any]:
    """Return whom the project's rules name, as the list shows it."""
    return [rule["assignee"] for rule in answer(kind.api(world).get(""))[1]["results"]]


@of_assigning_kinds
def test_a_member_or_a_role_is_assigned(world: World, kind: Kind) -> None:
    role = make_role(world)
    for assignee in (of("user", world.user.pk), of("role", role.pk)):
        made = answer(kind.api(world).post("", {"filters": TIMEOUTS, "assignee": assignee}))
        assert (made[0], made[1]["assignee"]) == (201, assignee)
    rows = kind.model.objects.filter(environment=world.project).order_by("order_key")
    assert [(row.user_id, row.role_id) for row in rows] == [(world.user.pk, None), (None, role.pk)]


@of_assigning_kinds
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_an_assignee_can_be_changed_into_another(world: World, kind: Kind, method: str) -> None:
    role, colleague = make_role(world), User.objects.create_user("colleague@example.com")
    Membership.objects.create(organization=world.organization, user=colleague)
    rule = kind.make(world)
    for assignee in (of("role", role.pk), of("user", colleague.pk)):
        assert answer(kind.api(world).request(method, f"{rule.pk}/", {"assignee": assignee})) == EMPTY
        assert assigned(kind, world) == [assignee]
    entries = AuditEntry.objects.filter(environment=world.project).order_by("created_at")
    assert [entry.after for entry in entries] == [
        {"assignee": of("role", role.pk)},
        {"assignee": of("user", colleague.pk)},
    ]


@of_assigning_kinds
def test_a_change_of_something_else_keeps_the_assignee(world: World, kind: Kind) -> None:
    role = make_role(world)
    rule = kind.make(world, role=role)
    assert answer(kind.api(world).patch(f"{rule.pk}/", {"order_key": 3})) == EMPTY
    assert assigned(kind, world) == [of("role", role.pk)]


def test_an_assignment_rule_needs_an_assignee(world: World) -> None:
    api = ASSIGNMENT.api(world)
    assert answer(api.post("", {"filters": TIMEOUTS})) == invalid("This field is required.", "assignee", "required")
    found = answer(api.post("", {"filters": TIMEOUTS, "assignee": None}))
    assert found == invalid("This field may not be null.", "assignee", "null")


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_null_keeps_the_assignee_of_an_assignment_rule_and_clears_that_of_a_grouping_rule(
    world: World, method: str
) -> None:
    """The one is nothing without; the other needs none."""
    for kind, expected in ((ASSIGNMENT, of("user", world.user.pk)), (GROUPING, None)):
        rule = kind.make(world, user=world.user)
        assert answer(kind.api(world).request(method, f"{rule.pk}/", {"assignee": None})) == EMPTY
        assert assigned(kind, world) == [expected]


@pytest.mark.parametrize("body", [{}, {"assignee": None}])
def test_a_grouping_rule_may_name_nobody(world: World, body: dict[str, Any]) -> None:
    made = answer(GROUPING.api(world).post("", {"filters": TIMEOUTS} | body))
    assert (made[0], made[1]["assignee"]) == (201, None)


@of_assigning_kinds
def test_who_is_unknown_or_of_another_organization_is_a_400(world: World, stranger: World, kind: Kind) -> None:
    """A user who exists is not told apart from one who does not."""
    rule, api = kind.make(world), kind.api(world)
    before = assigned(kind, world)
    theirs, ours = make_role(stranger), make_role(world)
    wrong = [
        *(("user", key) for key in (UNKNOWN, stranger.user.pk, theirs.pk, ours.pk)),
        *(("role", key) for key in (UNKNOWN, theirs.pk, world.user.pk)),
    ]
    for name, key in wrong:
        expected = invalid(NOT_OURS.format(name), "assignee__id")
        assert answer(api.post("", {"filters": TIMEOUTS, "assignee": of(name, key)})) == expected
        assert answer(api.patch(f"{rule.pk}/", {"assignee": of(name, key), "order_key": 7})) == expected
    assert assigned(kind, world) == before
    assert list(kind.orders(world.project).values()) == [0]


@of_assigning_kinds
def test_who_has_left_the_organization_cannot_be_assigned(world: World, kind: Kind) -> None:
    gone = User.objects.create_user("gone@example.com")
    Membership.objects.create(organization=world.organization, user=gone).delete()
    found = answer(kind.api(world).post("", {"filters": TIMEOUTS, "assignee": of("user", gone.pk)}))
    assert found == invalid(NOT_OURS.format("user"), "assignee__id")


@of_assigning_kinds
@pytest.mark.parametrize(
    ("assignee", "detail", "attr", "code"),
    [
        ({}, "This field is required.", "assignee__type", "required"),
        ({"type": "user"}, "This field is required.", "assignee__id", "required"),
        ({"type": "group", "id": UNKNOWN}, '"group" is not a valid choice.', "assignee__type", "invalid_choice"),
        ({"type": "\ud800", "id": UNKNOWN}, '"\ud800" is not a valid choice.', "assignee__type", "invalid_choice"),
        ({"type": {}, "id": UNKNOWN}, '"{}" is not a valid choice.', "assignee__type", "invalid_choice"),
        ({"type": "user", "id": 1}, "Must be a valid UUID.", "assignee__id", "invalid_input"),
        ({"type": "user", "id": True}, "Must be a valid UUID.", "assignee__id", "invalid_input"),
        ({"type": "user", "id": 10**60}, "Must be a valid UUID.", "assignee__id", "invalid_input"),
        ({"type": "role", "id": "backend"}, "Must be a valid UUID.", "assignee__id", "invalid_input"),
        ({"type": "role", "id": "\0"}, "Must be a valid UUID.", "assignee__id", "invalid_input"),
        ({"type": "role", "id": None}, "This field may not be null.", "assignee__id", "null"),
        ([], "Invalid data. Expected a dictionary, but got list.", "assignee", "invalid_input"),
        ("user", "Invalid data. Expected a dictionary, but got str.", "assignee", "invalid_input"),
    ],
)
def test_what_is_no_assignee_is_a_400(
    world: World, kind: Kind, assignee: Any, detail: str, attr: str, code: str
) -> None:
    rule, api = kind.make(world), kind.api(world)
    before = assigned(kind, world)
    for response in (
        api.post("", {"filters": TIMEOUTS, "assignee": assignee}),
        api.patch(f"{rule.pk}/", {"assignee": assignee}),
    ):
        assert answer(response) == invalid(detail, attr, code)
    assert assigned(kind, world) == before


@of_every_kind
def test_other_rules_have_no_assignee(world: World, kind: Kind) -> None:
    if kind not in ASSIGNING:
        made = answer(kind.api(world).post("", {"filters": TIMEOUTS, "assignee": of("user", UNKNOWN)}))
        assert made[0] == 201
        assert "assignee" not in made[1]
