"""Who reaches what of the routes that belong to no project's rows: users, organizations, projects themselves, keys.

As in `tests.test_isolation_matrix`: the routes come from the resolver, and one without a row in the table fails.
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

import pytest
from django.urls import get_resolver

from environments.models import Invitation, Membership, Organization, PasswordLink, PersonalAPIKey, Project, User
from tests.environments.world import NOT_FOUND, Api, World, answer, error, stranger, world
from tests.isolation import NO_ACCESS, NO_CREDENTIALS, UNKNOWN_KEY, Answer, walk

__all__ = ["stranger", "world"]

UNSUPPORTED = error(
    403, "authentication_error", "permission_denied", "This action does not support personal API key access"
)
NO_ORGANIZATION = error(404, "invalid_request", "not_found", "Organization not found.")
UNKNOWN = (404, NOT_FOUND)
KEYS, ORGANIZATION = "api/personal_api_keys/", "api/organizations/{organization_id}/"
NEW_KEY = {"label": "new", "scopes": ["*"]}


class Row(NamedTuple):
    """What a route answers to one method."""

    scope: str | None
    """What a key needs; ``None``: no key may, only a session."""
    own: int
    """The status for an administrator, for one's own."""
    foreign: Answer | None = None
    """The answer where the path holds what is another organization's or person's."""
    body: dict[str, Any] | None = None


TABLE: Final[dict[tuple[str, str], Row]] = {
    ("GET", "api/users/{uuid}/"): Row("user:read", 200, UNKNOWN),
    ("PATCH", "api/users/{uuid}/"): Row("user:write", 200, UNKNOWN, {"first_name": "Ann"}),
    ("GET", "api/organizations/"): Row("organization:read", 200),
    ("GET", "api/organizations/{id}/"): Row("organization:read", 200, NO_ORGANIZATION),
    # for owners: `tests.environments.test_deletion_organizations`
    ("DELETE", "api/organizations/{id}/"): Row("organization:write", 403, NO_ORGANIZATION),
    ("GET", ORGANIZATION + "members/"): Row("organization_member:read", 200, NO_ORGANIZATION),
    ("PATCH", ORGANIZATION + "members/{user_uuid}/"): Row(
        "organization_member:write", 200, NO_ORGANIZATION, {"level": 1}
    ),
    ("DELETE", ORGANIZATION + "members/{user_uuid}/"): Row("organization_member:write", 204, NO_ORGANIZATION),
    ("GET", ORGANIZATION + "invites/"): Row("organization_member:read", 200, NO_ORGANIZATION),
    ("POST", ORGANIZATION + "invites/"): Row(
        "organization_member:write", 201, NO_ORGANIZATION, {"target_email": "new@example.com"}
    ),
    ("DELETE", ORGANIZATION + "invites/{id}/"): Row("organization_member:write", 204, NO_ORGANIZATION),
    ("GET", ORGANIZATION + "projects/"): Row("project:read", 200, NO_ORGANIZATION),
    ("POST", ORGANIZATION + "projects/"): Row("project:write", 201, NO_ORGANIZATION, {"name": "new"}),
    ("GET", "api/projects/"): Row("project:read", 200),
    ("POST", "api/projects/"): Row("project:write", 201, None, {"name": "newer"}),
    ("GET", "api/projects/{project_id}/"): Row("project:read", 200, NO_ACCESS),
    ("PATCH", "api/projects/{project_id}/"): Row("project:write", 200, NO_ACCESS, {"name": "Store"}),
    ("DELETE", "api/projects/{project_id}/"): Row("project:write", 204, NO_ACCESS),
    ("GET", "api/environments/"): Row("project:read", 200),
    ("GET", "api/environments/{environment_id}/"): Row("project:read", 200, NO_ACCESS),
    ("GET", KEYS): Row(None, 200),
    ("POST", KEYS): Row(None, 201, None, NEW_KEY),
    ("GET", KEYS + "{id}/"): Row(None, 200, UNKNOWN),
    ("PATCH", KEYS + "{id}/"): Row(None, 200, UNKNOWN, {"label": "other"}),
    ("DELETE", KEYS + "{id}/"): Row(None, 204, UNKNOWN),
    ("POST", KEYS + "{id}/roll/"): Row(None, 200, UNKNOWN),
}
OPEN = ["api/docs/", "api/redoc/", "api/reset_password/", "api/schema/"]
"""Open to everybody."""


def templates() -> dict[str, Any]:
    """Return the paths of the API that belong to no project's rows, without the twins with ``.json`` → their views."""
    found = {}
    for pattern, view in walk(get_resolver().url_patterns):
        path = re.sub(r"\(\?P<(\w+)>\[\^/\.?\]\+\)", r"{\1}", pattern.removesuffix("$"))
        if path.startswith("api/") and "format" not in path:
            found[path.replace("/?", "/")] = view
    below = {path for path in found if re.match(r"api/(projects|environments)/\{\w+\}/.", path)}
    assert len(below) > 20  # tests.test_isolation_matrix has those
    return {path: view for path, view in found.items() if path not in below}


every_row = pytest.mark.parametrize(("method", "path"), sorted(TABLE), ids=lambda value: value)


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    known = {
        (method.upper(), path)
        for path, view in templates().items()
        for method in getattr(view, "actions", {})
        if path not in OPEN and method != "head"  # which Django adds to views that were asked
    }
    assert known == set(TABLE)
    assert sorted(path for path in templates() if path not in {path for _, path in TABLE}) == OPEN


class Place(NamedTuple):
    own: World
    other: World
    names: dict[str, str]
    foreign: dict[str, str]


def furnish(place: World) -> dict[str, str]:
    """Make the world's person an administrator beside another member, an invitation and a key; return the names."""
    Membership.objects.filter(user=place.user).update(level=Membership.Level.ADMIN)
    member = User.objects.create_user(f"member@{place.organization.pk}.example.com", first_name="Only here")
    Membership.objects.create(organization=place.organization, user=member)
    invitation, _ = Invitation.objects.issue(place.organization, f"guest@{place.organization.pk}.example.com")
    key = place.keys[place.key("*")]
    return {
        "uuid": str(place.user.pk),
        "organization": str(place.organization.pk),
        "organization_id": str(place.organization.pk),
        "user_uuid": str(member.pk),
        "invite": str(invitation.pk),
        "key": str(key.pk),
        "project_id": str(place.project.pk),
        "environment_id": str(place.project.pk),
        "token": place.project.api_token,
        "email": place.user.email,
    }


@pytest.fixture
def place(world: World, stranger: World) -> Place:
    return Place(world, stranger, furnish(world), furnish(stranger))


def address(path: str, names: dict[str, str]) -> str:
    identifier = "key" if path.startswith(KEYS) else "invite" if "invites" in path else "organization"
    return "/" + path.format(**names, id=names[identifier])


def everything() -> dict[str, Any]:
    """Return all rows, without the times of use."""
    models = (Invitation, Membership, Organization, PasswordLink, PersonalAPIKey, Project, User)
    dropped = {"last_used_at", "last_login"}
    return {
        model.__name__: sorted(
            str({name: value for name, value in row.items() if name not in dropped})
            for row in model._default_manager.values()
        )
        for model in models
    }


def of(world: World) -> dict[str, list[str]]:
    """Return the rows that name the world's organization, people or keys."""
    marks = (str(world.organization.pk), world.project.api_token, world.user.email, str(world.user.pk))
    return {name: [row for row in rows if any(mark in row for mark in marks)] for name, rows in everything().items()}


def refused(place: Place, api: Api, method: str, path: str, names: dict[str, str] | None = None) -> Answer:
    before = everything()
    found = answer(api.request(method, address(path, names or place.names), TABLE[method, path].body))
    assert everything() == before
    return found


@every_row
def test_without_or_with_an_unknown_key_it_is_a_401(place: Place, method: str, path: str) -> None:
    assert refused(place, place.own.anonymous(), method, path) == NO_CREDENTIALS
    assert refused(place, Api(place.own.project, "phx_unknown"), method, path) == UNKNOWN_KEY


@every_row
def test_with_a_key_of_another_scope_it_is_a_403(place: Place, method: str, path: str) -> None:
    scope = TABLE[method, path].scope
    expected = error(403, "authentication_error", "permission_denied", f"API key missing required scope '{scope}'")
    others = ["error_tracking:write", "health_issue:write", "activity_log:read"]
    if scope and scope.endswith(":write"):
        others.append(scope.replace(":write", ":read"))
    key = place.own.api(*others)
    assert refused(place, key, method, path) == (UNSUPPORTED if scope is None else expected)


@every_row
def test_one_answers_and_shows_and_changes_nothing_of_others(place: Place, method: str, path: str) -> None:
    row, before = TABLE[method, path], of(place.other)
    caller = place.own.browser() if row.scope is None else place.own.api(row.scope)
    response = caller.request(method, address(path, place.names), row.body)
    assert response.status_code == row.own, response.content
    shown = response.content.decode()
    assert [name for name in place.foreign.values() if len(name) > 8 and name in shown] == []
    assert of(place.other) == before


@pytest.mark.parametrize(("method", "path"), sorted(key for key in TABLE if "{" in key[1]), ids=lambda value: value)
def test_what_is_others_is_refused_with_session_and_key(place: Place, method: str, path: str) -> None:
    row = TABLE[method, path]
    assert refused(place, place.own.browser(), method, path, place.foreign) == row.foreign
    expected = UNSUPPORTED if row.scope is None else row.foreign
    assert refused(place, place.own.api("*"), method, path, place.foreign) == expected


@pytest.mark.parametrize(
    ("method", "path"),
    sorted(key for key in TABLE if key[1].startswith(ORGANIZATION) and key[1].endswith("}/")),
    ids=lambda value: value,
)
def test_others_objects_are_unknown_in_ones_own_organization(place: Place, method: str, path: str) -> None:
    mixed = place.foreign | {"organization_id": place.names["organization_id"]}
    assert refused(place, place.own.browser(), method, path, mixed) == UNKNOWN


@every_row
def test_plain_members_write_nothing_that_is_for_administrators(place: Place, method: str, path: str) -> None:
    Membership.objects.filter(user=place.own.user).update(level=Membership.Level.MEMBER)
    row = TABLE[method, path]
    free = method == "GET" or path.startswith(("api/users", KEYS)) or (method == "PATCH" and "project" in path)
    found = answer(place.own.browser().request(method, address(path, place.names), row.body))[0]
    assert found == (row.own if free else 403)


@every_row
def test_an_inactive_person_reaches_nothing(place: Place, method: str, path: str) -> None:
    key, browser = place.own.api("*"), place.own.browser()
    User.objects.filter(pk=place.own.user.pk).update(is_active=False)
    assert refused(place, key, method, path) == UNKNOWN_KEY
    assert refused(place, browser, method, path) == NO_CREDENTIALS
