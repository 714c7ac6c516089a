"""Which methods health issues have, and which keys they take (contract 2.2 and its decision table)."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from tests.environments.world import NOT_FOUND, Api, World, answer, error
from tests.healthtrack.api.making import UNKNOWN, make_issue, method_not_allowed, stored

READ, WRITE = "health_issue:read", "health_issue:write"


class Operation(NamedTuple):
    method: str
    path: str
    scope: str


OPERATIONS = [
    Operation("GET", "", READ),
    Operation("GET", "{id}/", READ),
    Operation("PATCH", "{id}/", WRITE),
    Operation("POST", "{id}/resolve/", WRITE),
    Operation("GET", "summary/", READ),
]
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: f"{o.method} {o.path}")
HEALTH = "health_issues/"


def denied(text: str) -> tuple[int, object]:
    return error(403, "authentication_error", "permission_denied", text)


def call(operation: Operation, api: Api, objects: World) -> tuple[int, object]:
    """Send the operation for an issue of ``objects``; see that a refusal changed nothing."""
    issue = make_issue(objects.project)
    before = stored(issue)
    found = answer(api.request(operation.method, HEALTH + operation.path.format(id=issue.id), {}))
    assert found[0] == 200 or stored(issue) == before
    return found


# ---- scopes


@every_operation
def test_without_a_key_it_is_a_401(world: World, operation: Operation) -> None:
    text = "Authentication credentials were not provided."
    expected = error(401, "authentication_error", "not_authenticated", text)
    assert call(operation, world.anonymous(), world) == expected


@every_operation
@pytest.mark.parametrize("scope", ["error_tracking:write", "health_issue", ""])
def test_a_key_without_the_scope_is_told_which(world: World, operation: Operation, scope: str) -> None:
    """1.3: missing → 403."""
    expected = denied(f"API key missing required scope '{operation.scope}'")
    assert call(operation, world.api(scope), world) == expected


@every_operation
def test_a_read_key_reads_and_does_not_write(world: World, operation: Operation) -> None:
    """2.2, scopes; decision table: resolve needs health_issue:write, summary health_issue:read."""
    found = call(operation, world.api(READ), world)
    if operation.scope == READ:
        assert found[0] == 200
    else:
        assert found == denied("API key missing required scope 'health_issue:write'")


@every_operation
@pytest.mark.parametrize("scope", [WRITE, "*"])
def test_a_write_key_does_everything(world: World, operation: Operation, scope: str) -> None:
    """1.3: `x:write` satisfies `x:read`; `*` passes any scope."""
    assert call(operation, world.api(scope), world)[0] == 200


@every_operation
def test_a_session_does_everything(world: World, operation: Operation) -> None:
    """1.2: session requests skip scopes."""
    assert call(operation, world.browser(), world)[0] == 200


@every_operation
@pytest.mark.parametrize("prefix", ["environments", "projects"])
def test_a_key_of_another_organization_has_no_access(
    world: World, stranger: World, operation: Operation, prefix: str
) -> None:
    found = call(operation, Api(world.project, stranger.key("*"), prefix), world)
    assert found == denied("You don't have access to the project.")


@every_operation
def test_the_project_may_be_called_current(world: World, operation: Operation) -> None:
    """1.1: `@current`; a malformed project is a 404."""
    api = world.api()
    api.root = "/api/projects/@current/"
    assert call(operation, api, world)[0] == 200
    api.root = "/api/environments/nonsense/"
    assert call(operation, api, world) == error(404, "invalid_request", "not_found", "Project not found.")


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if "{id}" in o.path], ids=lambda o: f"{o.method} {o.path}")
def test_an_issue_of_another_project_is_not_found(world: World, stranger: World, operation: Operation) -> None:
    """1.1: object id that exists in another project."""
    assert call(operation, world.api(), stranger) == (404, NOT_FOUND)


# ---- methods


NOT_ALLOWED = [
    *((method, "", "GET, HEAD") for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")),
    *((method, "{id}/", "GET, PATCH, HEAD") for method in ("POST", "PUT", "DELETE", "OPTIONS")),
    *((method, "{id}/resolve/", "POST") for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS")),
    *((method, "summary/", "GET, HEAD") for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS")),
]


@pytest.mark.parametrize(("method", "path", "allow"), NOT_ALLOWED)
@pytest.mark.parametrize("by", ["key", "session"])
def test_other_methods_are_a_405(world: World, method: str, path: str, allow: str, by: str) -> None:
    """2.2, other methods; decision table: PUT and DELETE on a health issue with a key → 405, not 403."""
    issue = make_issue(world.project)
    before = stored(issue)
    api = world.api(READ) if by == "key" else world.browser()
    response = api.request(method, HEALTH + path.format(id=issue.id), {"dismissed": True})
    assert (response.status_code, response["Allow"]) == (405, allow)
    if method != "HEAD":
        assert answer(response) == method_not_allowed(method)
    assert stored(issue) == before


@pytest.mark.parametrize("issue_id", [UNKNOWN, "malformed"])
def test_a_405_does_not_look_the_id_up(world: World, issue_id: str) -> None:
    assert answer(world.api().delete(f"{HEALTH}{issue_id}/")) == method_not_allowed("DELETE")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS"])
def test_a_405_without_credentials_is_a_401(world: World, method: str) -> None:
    """1.4, order: authentication and permissions run before the method check."""
    assert world.anonymous().request(method, f"{HEALTH}{UNKNOWN}/").status_code == 401


def test_options_needs_the_read_scope_before_it_is_a_405(world: World) -> None:
    """1.3: the required scope of OPTIONS is read; 2.2: OPTIONS → 405."""
    missing = denied("API key missing required scope 'health_issue:read'")
    assert answer(world.api("error_tracking:read").request("OPTIONS", HEALTH)) == missing
    assert answer(world.api(READ).request("OPTIONS", HEALTH)) == method_not_allowed("OPTIONS")


def test_head_is_allowed_and_says_what_get_would(world: World) -> None:
    """2.2, other methods: allowed: get, patch, post, head."""
    issue = make_issue(world.project)
    for path in ("", f"{issue.id}/", "summary/"):
        assert world.api(READ).request("HEAD", HEALTH + path).status_code == 200


@pytest.mark.parametrize("path", ["{id}/refresh/", "{id}/dismiss/", "{id}/resolve/x/", "summary/x/"])
def test_there_are_no_other_routes(world: World, path: str) -> None:
    """2.2, later: refresh is not part of the seed."""
    address = HEALTH + path.format(id=make_issue(world.project).id)
    for method in ("GET", "POST"):
        expected = error(404, "invalid_request", "not_found", "Endpoint not found.")
        assert answer(world.api().request(method, address)) == expected
