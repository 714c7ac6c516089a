"""The key matrix: every operation, with every kind of caller that may not use it, and with those that may."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from errortracking.models import Release, StackFrame
from tests.environments.world import NOT_FOUND, Api, World, answer
from tests.errortracking.api.making import make_frame, make_release

READ, WRITE = "error_tracking:read", "error_tracking:write"


class Operation(NamedTuple):
    """One operation; ``{release}`` and ``{frame}`` stand for ids, ``{hash}`` for a hash id."""

    method: str
    path: str
    scope: str
    status: int
    body: dict[str, str] | None = None


OPERATIONS = [
    Operation("GET", "releases/", READ, 200),
    Operation("POST", "releases/", WRITE, 201, {"version": "1", "project": "web"}),
    Operation("GET", "releases/{release}/", READ, 200),
    Operation("PUT", "releases/{release}/", WRITE, 204, {"version": "2"}),
    Operation("PATCH", "releases/{release}/", WRITE, 204, {"version": "2"}),
    Operation("DELETE", "releases/{release}/", WRITE, 204),
    Operation("GET", "releases/hash/{hash}/", READ, 200),
    Operation("GET", "stack_frames/", READ, 200),
    Operation("GET", "stack_frames/{frame}/", READ, 200),
    Operation("DELETE", "stack_frames/{frame}/", WRITE, 405),
    Operation("POST", "stack_frames/batch_get/", READ, 200, {}),
]
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: f"{o.method} {o.path}")
of_one_object = pytest.mark.parametrize(
    "operation",
    [o for o in OPERATIONS if "{" in o.path and o.status != 405],
    ids=lambda o: f"{o.method} {o.path}",
)


def call(operation: Operation, api: Api, objects: World) -> tuple[int, object]:
    """Send the operation, for objects of the project of ``objects``; see that a refusal changed nothing."""
    release, frame = make_release(objects.project), make_frame(objects.project)
    path = operation.path.format(release=release.id, frame=frame.id, hash=release.hash_id)
    found = answer(api.request(operation.method, f"error_tracking/{path}", operation.body))
    if found[0] not in {201, 204}:
        assert Release.objects.get(environment=objects.project, pk=release.pk).version == "1.0"
        assert StackFrame.objects.filter(environment=objects.project, pk=frame.pk).exists()
    return found


def denied(found: tuple[int, object]) -> str:
    status, body = found
    assert status == 403
    assert isinstance(body, dict)
    assert (body["type"], body["code"], body["attr"]) == ("authentication_error", "permission_denied", None)
    return str(body["detail"])


@every_operation
def test_without_a_key_it_is_a_401(world: World, operation: Operation) -> None:
    status, body = call(operation, world.anonymous(), world)
    assert (status, body["code"]) == (401, "not_authenticated")  # type: ignore[index]


@every_operation
def test_with_an_unknown_key_it_is_a_401(world: World, operation: Operation) -> None:
    status, body = call(operation, Api(world.project, "phx_unknown"), world)
    assert (status, body["code"]) == (401, "authentication_failed")  # type: ignore[index]


@every_operation
def test_with_a_key_of_another_scope_it_is_a_403(world: World, operation: Operation) -> None:
    found = call(operation, world.api("health_issue:write"), world)
    assert denied(found) == f"API key missing required scope '{operation.scope}'"


@every_operation
def test_with_a_read_key_only_reads_pass(world: World, operation: Operation) -> None:
    found = call(operation, world.api(READ), world)
    if operation.scope == READ:
        assert found[0] == operation.status
    else:
        assert denied(found) == "API key missing required scope 'error_tracking:write'"


@every_operation
@pytest.mark.parametrize("scope", [WRITE, "*"])
def test_with_a_write_key_or_every_scope_it_passes(world: World, operation: Operation, scope: str) -> None:
    assert call(operation, world.api(scope), world)[0] == operation.status


@every_operation
def test_with_a_session_it_passes(world: World, operation: Operation) -> None:
    assert call(operation, world.browser(), world)[0] == operation.status


@every_operation
@pytest.mark.parametrize("prefix", ["environments", "projects"])
def test_with_the_key_of_another_organization_it_is_a_403(
    world: World, stranger: World, operation: Operation, prefix: str
) -> None:
    found = call(operation, Api(world.project, stranger.key("*"), prefix), world)
    assert denied(found) == "You don't have access to the project."


@every_operation
def test_with_a_key_limited_to_another_project_it_is_a_403(world: World, stranger: World, operation: Operation) -> None:
    found = call(operation, world.api(scoped_teams=[stranger.project.pk]), world)
    assert denied(found) == f"API key does not have access to the requested project: ID {world.project.pk}."


@of_one_object
def test_an_object_of_another_project_is_not_found_in_ones_own(
    world: World, stranger: World, operation: Operation
) -> None:
    """1.1: object id that exists in another project."""
    assert call(operation, world.api(), stranger) == (404, NOT_FOUND)


@every_operation
def test_the_project_may_be_called_current(world: World, operation: Operation) -> None:
    api = world.api()
    api.root = "/api/projects/@current/"
    assert call(operation, api, world)[0] == operation.status
