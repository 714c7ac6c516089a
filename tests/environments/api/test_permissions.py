"""Contract 1.3: scopes and the order in which a request is refused."""

from __future__ import annotations

import pytest

from environments.models import Membership
from tests.environments.world import Api, World, answer, error

LIST = "error_tracking/releases/"
RELEASE = {"version": "1", "project": "web"}
PROJECT_NOT_FOUND = error(404, "invalid_request", "not_found", "Project not found.")
WITH_TEST_ENDPOINTS = pytest.mark.urls("tests.environments.api.endpoints")


def denied(text: str) -> tuple[int, object]:
    return error(403, "authentication_error", "permission_denied", text)


NO_ACCESS = denied("You don't have access to the project.")
MISSING_READ = denied("API key missing required scope 'error_tracking:read'")
MISSING_WRITE = denied("API key missing required scope 'error_tracking:write'")
UNSUPPORTED = denied("This action does not support personal API key access")


# ---- scopes


@pytest.mark.parametrize("scope", ["*", "error_tracking:read", "error_tracking:write"])
def test_a_read_needs_read_write_or_everything(world: World, scope: str) -> None:
    """1.3: `x:write` satisfies `x:read`."""
    assert world.api(scope).get(LIST).status_code == 200


@pytest.mark.parametrize("scope", ["*", "error_tracking:write"])
def test_a_write_needs_write_or_everything(world: World, scope: str) -> None:
    """1.3: `*` passes any public scope."""
    assert world.api(scope).post(LIST, RELEASE).status_code == 201


def test_read_does_not_satisfy_write(world: World) -> None:
    """1.3: never the reverse."""
    assert answer(world.api("error_tracking:read").post(LIST, RELEASE)) == MISSING_WRITE


@pytest.mark.parametrize("scope", ["health_issue:read", "health_issue:write", "error_tracking", "error_tracking:"])
def test_another_scope_does_not_help(world: World, scope: str) -> None:
    """1.3: missing → 403 with the exact scope in single quotes."""
    assert answer(world.api(scope).get(LIST)) == MISSING_READ


@pytest.mark.parametrize("scopes", [None, []])
def test_a_key_without_scopes_may_do_nothing(world: World, scopes: list[str] | None) -> None:
    """1.3: null or empty scopes are no scopes, as in the latest version."""
    api = world.api()
    row = world.keys[api.key or ""]
    row.scopes = scopes
    row.save()
    assert answer(api.get(LIST)) == MISSING_READ


def test_one_of_several_scopes_is_enough(world: World) -> None:
    assert world.api("health_issue:read", "error_tracking:read").get(LIST).status_code == 200


def test_options_needs_read(world: World) -> None:
    """1.3: the required scope of OPTIONS is read."""
    assert world.api("error_tracking:read").request("OPTIONS", LIST).status_code == 200
    assert answer(world.api("health_issue:read").request("OPTIONS", LIST)) == MISSING_READ


def test_head_needs_what_get_needs(world: World) -> None:
    assert world.api("error_tracking:read").request("HEAD", LIST).status_code == 200
    assert world.api("health_issue:read").request("HEAD", LIST).status_code == 403


# ---- actions that declare no scope


@WITH_TEST_ENDPOINTS
def test_an_action_without_a_declared_scope_is_refused_even_to_every_scope(world: World) -> None:
    """1.3: no required scope found."""
    assert answer(world.api("*").get("faulty/undeclared/")) == UNSUPPORTED


@WITH_TEST_ENDPOINTS
def test_an_action_without_a_declared_scope_serves_sessions(world: World) -> None:
    """1.2: session requests skip scopes."""
    assert answer(world.browser().get("faulty/undeclared/")) == (200, {"reached": True})


@WITH_TEST_ENDPOINTS
def test_a_view_that_declares_no_permissions_refuses_everybody(world: World) -> None:
    refused = denied("You do not have permission to perform this action.")
    assert answer(world.api("*").get("/api/silent/")) == refused
    assert answer(world.browser().get("/api/silent/")) == refused


@WITH_TEST_ENDPOINTS
def test_that_keys_are_unsupported_is_said_before_the_project_is_looked_for(world: World) -> None:
    """1.1: the 404 of an unknown project comes after this check, but before the scopes are compared."""
    assert answer(world.api("*").get("/api/projects/nonsense/faulty/undeclared/")) == UNSUPPORTED


def test_an_unknown_project_is_reported_before_a_missing_scope(world: World) -> None:
    """1.1, unknown project id: answered before the key's scopes are compared."""
    assert answer(world.api("health_issue:read").get("/api/projects/999999/error_tracking/releases/")) == (
        PROJECT_NOT_FOUND
    )


def test_a_missing_scope_is_reported_before_a_missing_membership(world: World, stranger: World) -> None:
    """1.3, permission order: API scope before access control."""
    assert answer(Api(stranger.project, world.key("health_issue:read")).get(LIST)) == MISSING_READ


def test_without_credentials_nothing_is_said_of_the_project(world: World) -> None:
    """1.3, permission order: authenticated first."""
    for path in (LIST, "/api/projects/999999/error_tracking/releases/", "/api/projects/x/error_tracking/releases/"):
        assert answer(world.anonymous().get(path))[0] == 401


# ---- methods that a route does not map


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "POST", "TRACE", "PROPFIND"])
def test_a_method_that_is_not_mapped_is_a_405_for_a_key_of_any_scope(world: World, method: str) -> None:
    """Decision table (PUT and DELETE on a health issue with a key): 405, not 403."""
    path = LIST if method != "POST" else "error_tracking/releases/01a201fd-0000-7000-8000-000000000000/"
    for scope in ("*", "health_issue:read"):
        response = world.api(scope).request(method, path)
        expected = error(405, "invalid_request", "method_not_allowed", f'Method "{method}" not allowed.')
        assert answer(response) == expected
        assert response["Allow"] == (
            "GET, POST, HEAD, OPTIONS" if method != "POST" else "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"
        )


def test_a_method_that_is_not_mapped_is_a_405_for_a_session(world: World) -> None:
    """1.3: with a session it is 405."""
    assert world.browser().put(LIST, {}).status_code == 405


def test_a_method_that_is_not_mapped_is_a_401_without_credentials(world: World) -> None:
    """1.4, order: authentication and permissions run before the method check."""
    assert world.anonymous().put(LIST, {}).status_code == 401


def test_a_method_that_is_not_mapped_is_a_403_for_no_member(world: World, stranger: World) -> None:
    assert answer(Api(stranger.project, world.key("*")).put(LIST, {})) == NO_ACCESS


# ---- the limits of a key


def test_a_key_limited_to_the_project_may_use_it(world: World) -> None:
    assert world.api(scoped_teams=[world.project.pk]).get(LIST).status_code == 200
    assert world.api(scoped_organizations=[str(world.organization.pk)]).get(LIST).status_code == 200
    assert world.api(scoped_organizations=[str(world.organization.pk).upper()]).get(LIST).status_code == 200


def test_empty_limits_are_none(world: World) -> None:
    """1.3: empty list or null = no limit."""
    assert world.api(scoped_teams=[], scoped_organizations=[]).get(LIST).status_code == 200


def test_a_key_limited_to_other_projects_is_refused(world: World, stranger: World) -> None:
    """1.3: `scoped_teams` set and project not in it."""
    expected = denied(f"API key does not have access to the requested project: ID {world.project.pk}.")
    assert answer(world.api(scoped_teams=[stranger.project.pk, 0]).get(LIST)) == expected


def test_a_key_limited_to_other_organizations_is_refused(world: World, stranger: World) -> None:
    """1.3: `scoped_organizations` likewise."""
    expected = denied(f"API key does not have access to the requested organization: ID {world.organization.pk}.")
    assert answer(world.api(scoped_organizations=[str(stranger.organization.pk)]).get(LIST)) == expected


def test_a_limit_is_reported_before_a_missing_scope_and_before_a_missing_membership(
    world: World, stranger: World
) -> None:
    """1.3, permission order."""
    api = world.api("health_issue:read", scoped_teams=[stranger.project.pk])
    assert "requested project" in answer(api.get(LIST))[1]["detail"]
    limited = Api(stranger.project, world.key("*", scoped_teams=[world.project.pk]))
    assert "requested project" in answer(limited.get(LIST))[1]["detail"]


def test_the_limit_also_holds_for_a_method_that_is_not_mapped(world: World, stranger: World) -> None:
    assert world.api(scoped_teams=[stranger.project.pk]).put(LIST, {}).status_code == 403


@WITH_TEST_ENDPOINTS
def test_a_limited_key_is_refused_where_there_is_no_project(world: World) -> None:
    """1.3: a team-scoped key on a non-project route."""
    expected = denied("API keys with scoped projects are only supported on project-based endpoints.")
    assert answer(world.api(scoped_teams=[world.project.pk]).get("/api/me/")) == expected
    assert answer(world.api().get("/api/me/")) == (200, {"email": world.user.email})
    assert answer(world.api("health_issue:read").get("/api/me/")) == MISSING_READ


# ---- membership


def test_a_project_of_another_organization_is_a_403(world: World, stranger: World) -> None:
    """1.1 and 1.3: not a 404."""
    assert answer(Api(stranger.project, world.key("*")).get(LIST)) == NO_ACCESS


def test_a_session_of_no_member_is_a_403_too(world: World, stranger: World) -> None:
    """1.3: not a project member."""
    api = Api(stranger.project, None)
    api.client.force_login(world.user)
    assert answer(api.get(LIST)) == NO_ACCESS


def test_a_member_who_leaves_loses_access(world: World) -> None:
    """1.3: not a project member."""
    api = world.api()
    Membership.objects.filter(user=world.user).delete()
    assert answer(api.get(LIST)) == NO_ACCESS


def test_a_superuser_is_no_member_by_that(world: World, stranger: World) -> None:
    world.user.is_superuser = world.user.is_staff = True
    world.user.save()
    assert answer(Api(stranger.project, world.key("*")).get(LIST)) == NO_ACCESS


def test_membership_of_one_of_several_organizations_is_enough(world: World, stranger: World) -> None:
    Membership.objects.create(organization=stranger.organization, user=world.user)
    assert Api(stranger.project, world.key("*")).get(LIST).status_code == 200
