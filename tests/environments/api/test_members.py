"""`/api/organizations/{id}/members/`: who belongs to it, and what each may do there."""

from __future__ import annotations

from typing import Any

import pytest

from environments.models import AuditEntry, Membership, Role, User
from tests.environments.world import NOT_FOUND, World, answer, error

MEMBER, ADMIN, OWNER = 1, 8, 15


def members(world: World, who: object = "") -> str:
    return f"/api/organizations/{world.organization.pk}/members/{f'{who}/' if who else ''}"


def level(world: World, value: int) -> World:
    Membership.objects.filter(user=world.user).update(level=value)
    return world


def add(world: World, name: str, value: int) -> User:
    user = User.objects.create_user(f"{name}@{world.organization.pk}.example.com", first_name=name)
    Membership.objects.create(organization=world.organization, user=user, level=value)
    return user


def refused(text: str) -> tuple[int, dict[str, str | None]]:
    return error(403, "authentication_error", "permission_denied", text)


def test_the_list_shows_everybody_in_the_order_of_joining(world: World, stranger: World) -> None:
    ann = add(world, "ann", ADMIN)
    status, body = answer(world.api("organization_member:read").get(members(world)))
    assert (status, body["count"]) == (200, 2)
    membership = Membership.objects.get(user=ann)
    assert body["results"][1] == {
        "id": str(membership.pk),
        "user": {
            "id": str(ann.pk),
            "uuid": str(ann.pk),
            "distinct_id": str(ann.pk),
            "first_name": "ann",
            "last_name": "",
            "email": ann.email,
        },
        "level": ADMIN,
        "joined_at": membership.joined_at.isoformat().replace("+00:00", "Z"),
    }


def test_an_administrator_changes_a_level_and_it_is_recorded(world: World) -> None:
    ann = add(world, "ann", MEMBER)
    key = level(world, ADMIN).api("organization_member:write")
    status, body = answer(key.patch(members(world, ann.pk), {"level": ADMIN}))
    assert (status, body["level"], Membership.objects.get(user=ann).level) == (200, ADMIN, ADMIN)
    entry = AuditEntry.objects.get(environment_id=0)
    assert (entry.resource, entry.object_id, entry.before, entry.after) == (
        "members",
        str(ann.pk),
        {"level": MEMBER},
        {"level": ADMIN},
    )


@pytest.mark.parametrize(
    ("own", "other", "wanted", "text"),
    [
        (MEMBER, MEMBER, ADMIN, "You can only change access level of others to lower or equal to your current one."),
        (MEMBER, MEMBER, MEMBER, "You can only edit others if you are an admin."),
        (ADMIN, OWNER, MEMBER, "You can only edit others with level lower or equal to you."),
        (ADMIN, MEMBER, OWNER, "You can only make another member owner if you're this organization's owner."),
    ],
)
def test_nobody_gives_or_takes_more_than_the_own_level(
    world: World, own: int, other: int, wanted: int, text: str
) -> None:
    ann = add(world, "ann", other)
    for caller in (level(world, own).api("*"), world.browser()):
        assert answer(caller.patch(members(world, ann.pk), {"level": wanted})) == refused(text)
    assert Membership.objects.get(user=ann).level == other


def test_nobody_changes_the_own_level(world: World) -> None:
    for who in ("@me", world.user.pk):
        expected = refused("You can't change your own access level.")
        assert answer(level(world, OWNER).api("*").patch(members(world, who), {"level": MEMBER})) == expected


def test_an_owner_makes_and_unmakes_owners(world: World) -> None:
    ann = add(world, "ann", MEMBER)
    for wanted in (OWNER, ADMIN):
        assert level(world, OWNER).api("*").patch(members(world, ann.pk), {"level": wanted}).status_code == 200
        assert Membership.objects.get(user=ann).level == wanted


@pytest.mark.parametrize(
    ("body", "code"),
    [({}, "required"), ({"level": 2}, "invalid_choice"), ({"level": None}, "null"), ({"level": [1]}, "invalid_choice")],
)
def test_a_wrong_level_is_a_400(world: World, body: Any, code: str) -> None:
    ann = add(world, "ann", MEMBER)
    status, found = answer(level(world, ADMIN).api("*").patch(members(world, ann.pk), body))
    assert (status, found["code"], found["attr"]) == (400, code, "level")


def test_a_removed_member_reaches_nothing_any_more(world: World) -> None:
    ann = add(world, "ann", MEMBER)
    User.objects.filter(pk=ann.pk).update(current_project=world.project)
    role = Role.objects.create(organization=world.organization, name="on call")
    role.members.add(ann)
    theirs = World(world.organization, world.project, ann).api("*")
    assert theirs.get("error_tracking/releases/").status_code == 200
    assert answer(level(world, ADMIN).browser().delete(members(world, ann.pk))) == (204, None)
    assert theirs.get("error_tracking/releases/").status_code == 403
    assert answer(theirs.get(members(world)))[0] == 404
    assert (User.objects.get(pk=ann.pk).current_project_id, role.members.count()) == (None, 0)
    entry = AuditEntry.objects.get(environment_id=0, action="destroy")
    assert entry.before == {"email": ann.email, "level": MEMBER}


def test_a_member_removes_nobody_else_but_may_leave(world: World) -> None:
    ann = add(world, "ann", MEMBER)
    expected = refused("You can only edit others if you are an admin.")
    assert answer(world.api("*").delete(members(world, ann.pk))) == expected
    assert answer(world.api("*").delete(members(world, "@me"))) == (204, None)
    assert [row.user_id for row in Membership.objects.filter(organization=world.organization)] == [ann.pk]


def test_an_administrator_removes_no_owner(world: World) -> None:
    ann = add(world, "ann", OWNER)
    expected = refused("You can only edit others with level lower or equal to you.")
    assert answer(level(world, ADMIN).api("*").delete(members(world, ann.pk))) == expected


def test_the_last_owner_stays(world: World) -> None:
    level(world, OWNER)
    text = "The last owner cannot leave. Make somebody else an owner first."
    assert answer(world.api("*").delete(members(world, "@me"))) == error(400, "validation_error", "last_owner", text)
    add(world, "ann", OWNER)
    assert answer(world.api("*").delete(members(world, "@me"))) == (204, None)


def test_people_of_other_organizations_are_unknown(world: World, stranger: World) -> None:
    key = level(world, OWNER).api("*")
    for who in (stranger.user.pk, "x", "%00"):
        assert answer(key.patch(members(world, who), {"level": MEMBER})) == (404, NOT_FOUND)
        assert answer(key.delete(members(world, who))) == (404, NOT_FOUND)
    unknown = error(404, "invalid_request", "not_found", "Organization not found.")
    assert answer(key.get(members(stranger))) == answer(key.delete(members(stranger, stranger.user.pk))) == unknown
    assert Membership.objects.filter(user=stranger.user).exists()
