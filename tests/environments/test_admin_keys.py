"""Personal API keys in the admin: made, narrowed, rolled and revoked; a value is shown once and to its owner."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.contrib.sessions.models import Session
from django.test import Client

from environments.models import PersonalAPIKey
from tests.environments.world import Api, World, administrator, make_world

pytestmark = pytest.mark.django_db

LIST = "/admin/environments/personalapikey/"
RELEASES = "error_tracking/releases/"
NARROW = {"label": "narrow", "scopes": "error_tracking:read", "scoped_teams": "", "scoped_organizations": ""}


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def client(world: World) -> Client:
    """A client of a superuser."""
    return administrator(world)


@pytest.fixture
def clerk(world: World) -> Client:
    """A client of a person who may manage keys and is no superuser."""
    world.user.is_staff = True
    world.user.save()
    world.user.user_permissions.set(Permission.objects.filter(content_type__model="personalapikey"))
    client = Client()
    client.force_login(world.user)
    return client


def shown(page: str) -> str:
    """The value that the page shows."""
    [value] = re.findall(r'id="personal-api-key"[^>]*>(phx_[0-9A-Za-z]+)<', page)
    return str(value)


def make(client: Client, **fields: Any) -> str:
    response = client.post(f"{LIST}add/", NARROW | fields)
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    return shown(response.content.decode())


def test_a_new_key_is_shown_once_and_works(world: World, client: Client) -> None:
    assert client.get(f"{LIST}add/").status_code == 200
    value = make(client, user=str(world.user.pk))
    [key] = PersonalAPIKey.objects.filter(user=world.user)
    assert (key.label, key.scopes, key.scoped_teams, key.scoped_organizations) == (
        *("narrow", ["error_tracking:read"]),
        *(None, None),
    )
    assert (key.mask_value, key.expires_at, key.last_used_at) == (f"phx_...{value[-4:]}", None, None)
    assert Api(world.project, value).get(RELEASES).status_code == 200
    for path in (LIST, f"{LIST}{key.pk}/change/", f"{LIST}{key.pk}/history/", f"{LIST}{key.pk}/roll/"):
        response = client.get(path)
        assert response.status_code == 200, path
        assert value not in response.content.decode()


def test_a_value_is_left_nowhere(world: World, client: Client) -> None:
    value = make(client, user=str(world.user.pk))
    [key] = PersonalAPIKey.objects.filter(user=world.user)
    assert value not in repr(PersonalAPIKey.objects.filter(pk=key.pk).values().get())
    assert all(value not in repr(entry.__dict__) for entry in LogEntry.objects.all())
    assert all(value not in repr(session.get_decoded()) for session in Session.objects.all())
    assert value not in str(client.cookies)


def test_a_key_is_made_with_limits_and_an_end(world: World, client: Client) -> None:
    fields = {
        "user": str(world.user.pk),
        "scopes": ["error_tracking:write", "health_issue:read"],
        "scoped_teams": f"{world.project.pk}",
        "scoped_organizations": str(world.organization.pk).upper(),
        "expires_at_0": "2031-02-03",
        "expires_at_1": "04:05:06",
    }
    value = make(client, **fields)
    [key] = PersonalAPIKey.objects.filter(user=world.user)
    assert set(key.scopes or []) == {"error_tracking:write", "health_issue:read"}
    assert (key.scoped_teams, key.scoped_organizations) == ([world.project.pk], [str(world.organization.pk)])
    assert key.expires_at == datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert Api(world.project, value).get(RELEASES).status_code == 200
    assert Api(make_world().project, value).get(RELEASES).status_code == 403


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"scopes": "everything"}, "Invalid scope: everything"),
        ({"scopes": []}, "A key needs at least one scope."),
        ({"scoped_teams": "2147483646"}, "Unknown project: 2147483646"),
        ({"scoped_organizations": "acme"}, "An organization&#x27;s id is a UUID."),
        ({"label": "x" * 41}, "at most 40 characters"),
    ],
)
def test_what_cannot_be_is_refused(world: World, client: Client, wrong: dict[str, Any], text: str) -> None:
    response = client.post(f"{LIST}add/", NARROW | {"user": str(world.user.pk)} | wrong)
    assert text in response.content.decode()
    assert not PersonalAPIKey.objects.filter(user=world.user).exists()


def test_a_user_has_at_most_ten_keys(world: World, client: Client) -> None:
    """9: max 10 per user."""
    for _ in range(9):
        world.key("*")
    make(client, user=str(world.user.pk))
    response = client.post(f"{LIST}add/", NARROW | {"user": str(world.user.pk)})
    assert "A user can have at most 10 personal API keys. Delete one first." in response.content.decode()
    assert PersonalAPIKey.objects.filter(user=world.user).count() == 10


def test_a_key_is_narrowed_and_revoked(world: World, client: Client) -> None:
    api = world.api()
    row = world.keys[api.key or ""]
    assert client.post(f"{LIST}{row.pk}/change/", NARROW | {"user": "", "mask_value": "x"}).status_code == 302
    after = PersonalAPIKey.objects.get(pk=row.pk)
    assert (after.label, after.scopes, after.user) == ("narrow", ["error_tracking:read"], world.user)
    assert (after.secure_value, after.mask_value) == (row.secure_value, row.mask_value)
    assert client.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}).status_code == 302
    assert api.get(RELEASES).status_code == 401


def test_a_roll_is_asked_for_and_then_stops_the_old_value_at_once(world: World, client: Client) -> None:
    api = world.api("error_tracking:read")
    row = world.keys[api.key or ""]
    assert client.get(f"{LIST}{row.pk}/roll/").status_code == 200
    assert api.get(RELEASES).status_code == 200
    value = shown(client.post(f"{LIST}{row.pk}/roll/").content.decode())
    assert api.get(RELEASES).status_code == 401
    assert Api(world.project, value).get(RELEASES).status_code == 200
    after = PersonalAPIKey.objects.get(pk=row.pk)
    assert (after.scopes, after.created_at, after.label) == (["error_tracking:read"], row.created_at, row.label)
    assert after.last_rolled_at is not None
    assert after.mask_value == f"phx_...{value[-4:]}"


def test_a_roll_needs_a_csrf_token(world: World, client: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(world.user)
    row = world.keys[world.key("*")]
    assert strict.post(f"{LIST}{row.pk}/roll/").status_code == 403
    assert PersonalAPIKey.objects.get(pk=row.pk).secure_value == row.secure_value


def test_who_is_no_superuser_manages_only_own_keys(world: World, clerk: Client) -> None:
    stranger = make_world()
    theirs = stranger.keys[stranger.key("*")]
    own = world.keys[world.key("*")]
    page = clerk.get(LIST).content.decode()
    assert own.label in page
    assert theirs.label not in page
    assert clerk.post(f"{LIST}{theirs.pk}/roll/").status_code == 404
    assert clerk.post(f"{LIST}{theirs.pk}/change/", NARROW).status_code == 302  # "does not exist (any more)"
    make(clerk, user=str(stranger.user.pk))
    assert PersonalAPIKey.objects.filter(user=stranger.user).get().secure_value == theirs.secure_value
    assert PersonalAPIKey.objects.filter(user=world.user).count() == 2


def test_who_may_only_look_may_not_roll(world: World) -> None:
    world.user.is_staff = True
    world.user.save()
    world.user.user_permissions.set(Permission.objects.filter(codename="view_personalapikey"))
    row = world.keys[world.key("*")]
    client = Client()
    client.force_login(world.user)
    assert client.get(f"{LIST}{row.pk}/change/").status_code == 200
    assert client.post(f"{LIST}{row.pk}/roll/").status_code == 403
    assert client.post(f"{LIST}add/", NARROW).status_code == 403
    assert PersonalAPIKey.objects.get(pk=row.pk).secure_value == row.secure_value
