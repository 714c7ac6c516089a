"""`/api/users/@me/`: who asks, as SDKs, posthog-cli and agents read it first."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from environments.models import AuditEntry, Membership, Organization, Project, User
from tests.environments.world import NOT_FOUND, World, answer, error, statements

ME = "/api/users/@me/"


def me(world: World, *scopes: str, **fields: Any) -> dict[str, Any]:
    status, body = answer(world.api(*(scopes or ("user:read",)), **fields).get(ME))
    assert status == 200, body
    return body  # type: ignore[no-any-return]


def project(world: World) -> dict[str, Any]:
    row = Project.objects.get(pk=world.project.pk)
    return {
        "id": row.pk,
        "project_id": row.pk,
        "organization": str(world.organization.pk),
        "name": "Shop",
        "api_token": row.api_token,
        "timezone": "UTC",
        "max_event_age_days": None,
        "created_at": row.created_at.isoformat().replace("+00:00", "Z"),
    }


def test_it_tells_who_asks_and_where_that_person_is(world: World) -> None:
    user, organization = world.user, world.organization
    basic = {
        "id": str(organization.pk),
        "name": organization.name,
        "created_at": organization.created_at.isoformat().replace("+00:00", "Z"),
        "membership_level": 1,
    }
    assert me(world) == {
        "id": str(user.pk),
        "uuid": str(user.pk),
        "distinct_id": str(user.pk),
        "first_name": "",
        "last_name": "",
        "email": user.email,
        "date_joined": user.date_joined.isoformat().replace("+00:00", "Z"),
        "is_staff": False,
        "has_password": False,
        "team": project(world),
        "organization": {**basic, "teams": [project(world)], "projects": [project(world)]},
        "organizations": [basic],
        "scoped_teams": [],
        "scoped_organizations": [],
    }


def test_the_own_id_means_the_same_and_any_other_is_unknown(world: World, stranger: World) -> None:
    key = world.api("user:read")
    assert answer(key.get(f"/api/users/{world.user.pk}/")) == answer(key.get(ME))
    for other in (stranger.user.pk, uuid4(), "me", "1", "@current"):
        assert answer(key.get(f"/api/users/{other}/")) == (404, NOT_FOUND)
        assert answer(world.browser().patch(f"/api/users/{other}/", {"set_current_team": 0x7FFFFFFF})) == (
            404,
            NOT_FOUND,
        )


def test_a_session_reads_it_too_and_with_either_spelling(world: World) -> None:
    for path in (ME, "/api/users/@me", "/api/users/@me.json"):
        assert answer(world.browser().get(path))[1]["email"] == world.user.email


def test_a_limited_key_may_ask_who_it_is_and_sees_what_it_reaches(world: World) -> None:
    """As upstream: `user` is exempt from the limits of a key."""
    other = Project.objects.create(organization=world.organization, name="Other")
    here = me(world, scoped_teams=[world.project.pk])
    assert (here["team"]["id"], here["scoped_teams"]) == (world.project.pk, [world.project.pk])
    there = me(world, scoped_teams=[other.pk])
    assert (there["team"], there["scoped_teams"]) == (None, [other.pk])
    second = Organization.objects.create(name="Second")
    Membership.objects.create(organization=second, user=world.user)
    limited = me(world, scoped_organizations=[str(second.pk)])
    assert [row["name"] for row in limited["organizations"]] == ["Second"]
    assert (limited["team"], limited["organization"]["name"]) == (None, "Second")
    assert limited["scoped_organizations"] == [str(second.pk)]


def test_without_organization_and_project_it_still_answers(world: World) -> None:
    Membership.objects.all().delete()
    alone = me(world)
    assert (alone["team"], alone["organization"], alone["organizations"]) == (None, None, [])


def test_the_current_project_of_a_former_member_is_not_shown(world: World, stranger: World) -> None:
    User.objects.filter(pk=world.user.pk).update(current_project=stranger.project)
    assert me(world)["team"] is None
    assert stranger.project.api_token not in json.dumps(me(world))


def test_the_number_of_queries_does_not_depend_on_what_there_is(world: World) -> None:
    key = world.api("user:read")
    key.get(ME)
    with statements() as few:
        key.get(ME)
    for number in range(5):
        organization = Organization.objects.create(name=f"Organization {number}")
        Membership.objects.create(organization=organization, user=world.user)
        Project.objects.create(organization=organization, name="Shop")
    with statements() as many:
        key.get(ME)
    assert len(few) == len(many) == 4


@pytest.mark.parametrize(("scope", "path"), [("user:write", 200), ("*", 200)])
def test_write_includes_read(world: World, scope: str, path: int) -> None:
    assert world.api(scope).get(ME).status_code == path


def test_reading_and_writing_need_their_scopes(world: World) -> None:
    assert answer(world.api("project:write").get(ME)) == error(
        403, "authentication_error", "permission_denied", "API key missing required scope 'user:read'"
    )
    assert answer(world.api("user:read").patch(ME, {"first_name": "Ann"})) == error(
        403, "authentication_error", "permission_denied", "API key missing required scope 'user:write'"
    )


def test_a_name_is_changed_and_recorded(world: World) -> None:
    status, body = answer(world.browser().patch(ME, {"first_name": "Ann", "email": "x@example.com", "is_staff": True}))
    assert (status, body["first_name"], body["email"], body["is_staff"]) == (200, "Ann", world.user.email, False)
    entry = AuditEntry.objects.get(environment_id=0)
    assert (entry.action, entry.resource, entry.object_id) == ("partial_update", "users", str(world.user.pk))
    assert (entry.before, entry.after) == ({"first_name": ""}, {"first_name": "Ann"})


def test_what_changes_nothing_is_not_recorded(world: World) -> None:
    assert world.browser().patch(ME, {}).status_code == 200
    assert not AuditEntry.objects.filter(environment_id=0).exists()


def test_the_current_project_and_organization_are_set(world: World) -> None:
    second = Organization.objects.create(name="Second")
    Membership.objects.create(organization=second, user=world.user)
    first, last = (Project.objects.create(organization=second, name=name) for name in ("First", "Last"))
    _, body = answer(world.browser().patch(ME, {"set_current_team": last.pk}))
    assert (body["team"]["id"], body["organization"]["name"]) == (last.pk, "Second")
    _, body = answer(world.browser().patch(ME, {"set_current_organization": str(second.pk)}))
    assert body["team"]["id"] == first.pk


def test_what_is_not_ones_own_cannot_become_current(world: World, stranger: World) -> None:
    empty = Organization.objects.create(name="Empty")
    Membership.objects.create(organization=empty, user=world.user)
    for field, value, text in [
        ("set_current_team", stranger.project.pk, "Project not found."),
        ("set_current_team", 2**31 - 1, "Project not found."),
        ("set_current_organization", str(stranger.organization.pk), "Organization not found."),
        ("set_current_organization", str(empty.pk), "The organization has no project."),
    ]:
        expected = error(400, "validation_error", "does_not_exist", text, field)
        assert answer(world.browser().patch(ME, {field: value})) == expected
    assert User.objects.get(pk=world.user.pk).current_project_id == world.project.pk


def test_a_limited_key_cannot_make_current_what_it_does_not_reach(world: World) -> None:
    other = Project.objects.create(organization=world.organization, name="Other")
    second = Organization.objects.create(name="Second")
    Membership.objects.create(organization=second, user=world.user)
    Project.objects.create(organization=second, name="Shop")
    here, alone = str(world.organization.pk), str(second.pk)
    cases: list[tuple[dict[str, Any], dict[str, Any], str]] = [
        ({"scoped_teams": [world.project.pk]}, {"set_current_team": other.pk}, "Project not found."),
        ({"scoped_teams": [world.project.pk]}, {"set_current_organization": alone}, "The organization has no project."),
        ({"scoped_organizations": [here]}, {"set_current_organization": alone}, "Organization not found."),
        ({"scoped_organizations": [alone]}, {"set_current_team": other.pk}, "Project not found."),
    ]
    for limits, body, text in cases:
        expected = error(400, "validation_error", "does_not_exist", text, *body)
        assert answer(world.api("user:write", **limits).patch(ME, body)) == expected
    assert User.objects.get(pk=world.user.pk).current_project_id == world.project.pk
    assert world.api("user:write", scoped_teams=[other.pk]).patch(ME, {"set_current_team": other.pk}).status_code == 200
    assert User.objects.get(pk=world.user.pk).current_project_id == other.pk


@pytest.mark.parametrize(
    ("body", "code", "attr"),
    [
        ({"first_name": "x" * 151}, "max_length", "first_name"),
        ({"first_name": "a\x00b"}, "null_characters_not_allowed", "first_name"),
        ({"first_name": None}, "null", "first_name"),
        ({"set_current_team": 2**31}, "max_value", "set_current_team"),
        ({"set_current_team": "one"}, "invalid_input", "set_current_team"),
        ({"set_current_organization": "x"}, "invalid_input", "set_current_organization"),
        ([], "invalid_input", None),
    ],
)
def test_wrong_values_are_a_400_that_names_the_field(world: World, body: Any, code: str, attr: str | None) -> None:
    status, found = answer(world.browser().patch(ME, body))
    assert (status, found["type"], found["code"], found["attr"]) == (400, "validation_error", code, attr)


def test_an_inactive_user_is_refused_with_key_and_session(world: World) -> None:
    key, browser = world.api("*"), world.browser()
    User.objects.filter(pk=world.user.pk).update(is_active=False)
    assert (key.get(ME).status_code, browser.get(ME).status_code) == (401, 401)
