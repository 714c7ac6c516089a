"""`/api/organizations/{id}/invites/`: make, list and take back invitations."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from environments import clock
from environments.models import AuditEntry, Invitation, Membership
from tests.environments.world import NOT_FOUND, World, answer, error

LOW_LEVEL = error(403, "authentication_error", "permission_denied", "Your organization access level is insufficient.")


def invites(world: World, which: object = "") -> str:
    return f"/api/organizations/{world.organization.pk}/invites/{f'{which}/' if which else ''}"


def admin(world: World, level: int = Membership.Level.ADMIN) -> World:
    Membership.objects.filter(user=world.user).update(level=level)
    return world


def invite(world: World, **fields: Any) -> tuple[int, Any]:
    return answer(admin(world).browser().post(invites(world), {"target_email": "ann@example.com", **fields}))


def test_a_new_invitation_shows_its_link_once(world: World) -> None:
    status, made = invite(world, first_name="Ann", level=8)
    row = Invitation.objects.get()
    created = row.created_at
    assert status == 201
    assert made == {
        "id": str(row.pk),
        "target_email": "ann@example.com",
        "first_name": "Ann",
        "level": 8,
        "is_expired": False,
        "created_by": {
            "id": str(world.user.pk),
            "uuid": str(world.user.pk),
            "distinct_id": str(world.user.pk),
            "first_name": "",
            "last_name": "",
            "email": world.user.email,
        },
        "created_at": created.isoformat().replace("+00:00", "Z"),
        "expires_at": (created + timedelta(days=3)).isoformat().replace("+00:00", "Z"),
        "emailing_attempt_made": False,
        "link": made["link"],
    }
    assert made["link"].startswith("http://127.0.0.1:8000/account/join/?link=")
    secret = made["link"].rpartition("=")[2]
    assert secret not in str([row.secure_value for row in Invitation.objects.all()])
    [listed] = answer(world.browser().get(invites(world)))[1]["results"]
    assert listed == made | {"link": None}


def test_a_key_with_the_scope_of_members_invites(world: World) -> None:
    admin(world)
    body = {"target_email": "ann@example.com"}
    assert world.api("organization_member:write").post(invites(world), body).status_code == 201
    assert world.api("organization_member:read").get(invites(world)).status_code == 200
    assert answer(world.api("organization_member:read").post(invites(world), body)) == error(
        403, "authentication_error", "permission_denied", "API key missing required scope 'organization_member:write'"
    )


def test_members_may_look_and_not_invite(world: World) -> None:
    invite(world)
    admin(world, Membership.Level.MEMBER)
    assert world.browser().get(invites(world)).status_code == 200
    assert answer(world.browser().post(invites(world), {"target_email": "bob@example.com"})) == LOW_LEVEL
    assert answer(world.browser().delete(invites(world, Invitation.objects.get().pk))) == LOW_LEVEL


def test_nobody_invites_above_the_own_level(world: World) -> None:
    text = "You cannot invite to a higher permission level than your own."
    assert invite(world, level=15) == error(403, "authentication_error", "permission_denied", text)


def test_who_belongs_to_it_already_is_not_invited(world: World) -> None:
    text = "A user with this email address already belongs to the organization."
    expected = error(400, "validation_error", "invalid_input", text)
    assert invite(world, target_email=world.user.email.upper()) == expected


def test_a_second_invitation_of_an_address_replaces_the_first(world: World) -> None:
    invite(world)
    _, second = invite(world, target_email="Ann@Example.com")
    assert [str(row.pk) for row in Invitation.objects.all()] == [second["id"]]


@pytest.mark.parametrize(
    ("fields", "code", "attr"),
    [
        ({"target_email": "ann"}, "invalid_input", "target_email"),
        ({"target_email": None}, "null", "target_email"),
        ({"target_email": "a" * 250 + "@example.com"}, "max_length", "target_email"),
        ({"level": 3}, "invalid_choice", "level"),
        ({"first_name": "x" * 151}, "max_length", "first_name"),
    ],
)
def test_wrong_values_are_a_400_that_names_the_field(world: World, fields: Any, code: str, attr: str) -> None:
    status, found = invite(world, **fields)
    assert (status, found["type"], found["code"], found["attr"]) == (400, "validation_error", code, attr)


def test_an_invitation_expires_after_three_days(world: World) -> None:
    invite(world)
    for age, expired in [(timedelta(days=3) - timedelta(minutes=1), False), (timedelta(days=3), True)]:
        Invitation.objects.update(created_at=clock.now() - age)
        assert answer(world.browser().get(invites(world)))[1]["results"][0]["is_expired"] is expired


def test_it_is_taken_back_and_all_of_it_recorded(world: World) -> None:
    _, made = invite(world)
    assert answer(world.browser().delete(invites(world, made["id"]))) == (204, None)
    assert not Invitation.objects.exists()
    entries = AuditEntry.objects.filter(environment_id=0).order_by("created_at", "id")
    assert [(entry.action, entry.resource, entry.object_id) for entry in entries] == [
        ("create", "invites", made["id"]),
        ("destroy", "invites", made["id"]),
    ]
    assert entries[0].after == {"target_email": "ann@example.com", "level": 1}


def test_those_of_other_organizations_are_unknown(world: World, stranger: World) -> None:
    _, theirs = invite(stranger)
    for which in (theirs["id"], uuid4(), "x"):
        assert answer(admin(world).browser().delete(invites(world, which))) == (404, NOT_FOUND)
    unknown = error(404, "invalid_request", "not_found", "Organization not found.")
    assert answer(world.browser().get(invites(stranger))) == unknown
    assert answer(world.browser().delete(invites(stranger, theirs["id"]))) == unknown
    assert Invitation.objects.count() == 1
