"""Contract 1.1: paths, prefixes, what names a project, unknown routes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.environments.world import Api, World, answer, error

PROJECT_NOT_FOUND = error(404, "invalid_request", "not_found", "Project not found.")
ENDPOINT_NOT_FOUND = error(404, "invalid_request", "not_found", "Endpoint not found.")
WRONG_TOKEN = error(401, "authentication_error", "authentication_failed", "Incorrect authentication credentials.")
EMPTY: tuple[int, dict[str, Any]] = (200, {"count": 0, "next": None, "previous": None, "results": []})
LIST = "error_tracking/releases/"


@pytest.mark.parametrize("prefix", ["environments", "projects"])
@pytest.mark.parametrize("ending", ["", "/", ".json", ".json/", "/.json"])
def test_both_prefixes_serve_every_path_with_and_without_slash_and_as_json(
    world: World, prefix: str, ending: str
) -> None:
    """1.1: with or without the trailing slash; both prefixes; `.json`."""
    api = Api(world.project, world.key("*"), prefix)
    assert answer(api.get("error_tracking/releases" + ending)) == EMPTY
    assert answer(api.get("error_tracking/stack_frames" + ending)) == EMPTY


def test_a_post_without_trailing_slash_is_not_redirected(world: World) -> None:
    """1.1: no redirect either way."""
    assert world.api().post("error_tracking/releases", {"version": "1", "project": "web"}).status_code == 201


def test_another_suffix_than_json_is_not_found(world: World) -> None:
    assert answer(world.api().get("error_tracking/releases.xml"))[0] == 404


def test_both_prefixes_show_the_same_object(world: World) -> None:
    """1.1: both prefixes exist for the same views; project and environment share the id."""
    made = answer(world.api().post(LIST, {"version": "1", "project": "web"}))[1]
    other = Api(world.project, world.key("*"), "projects")
    assert answer(other.get(f"{LIST}{made['id']}/")) == (200, made)


# ---- @current


def test_current_is_the_current_project_of_the_keys_user(world: World) -> None:
    """1.1: `@current` = the key owner's current project."""
    made = answer(world.api().post(LIST, {"version": "1", "project": "web"}))[1]
    assert made["team_id"] == world.project.pk
    response = world.api().get("/api/projects/@current/error_tracking/releases/")
    assert answer(response)[1]["results"] == [made]


def test_current_serves_sessions_too(world: World) -> None:
    """1.1: `@current` = the user's current team."""
    assert answer(world.browser().get("/api/environments/@current/error_tracking/releases/")) == EMPTY


def test_current_of_a_user_without_one_is_not_found(world: World) -> None:
    """1.1: no current team → 404 `Project not found.`"""
    api = world.api()
    world.user.current_project = None
    world.user.save()
    path = "/api/projects/@current/error_tracking/releases/"
    assert answer(api.get(path)) == PROJECT_NOT_FOUND
    assert answer(world.browser().get(path)) == PROJECT_NOT_FOUND


def test_current_does_not_give_access(world: World, stranger: World) -> None:
    world.user.current_project = stranger.project
    world.user.save()
    response = world.api().get("/api/projects/@current/error_tracking/releases/")
    assert answer(response)[1]["detail"] == "You don't have access to the project."


def test_current_is_under_the_keys_limits(world: World, stranger: World) -> None:
    response = world.api(scoped_teams=[stranger.project.pk]).get("/api/projects/@current/error_tracking/releases/")
    assert response.status_code == 403


# ---- what names no project


@pytest.mark.parametrize(
    "name",
    [
        *(
            "x",
            "12x",
            "1.5",
            "-1",
            "+1",
            "1e3",
            "@me",
            "@CURRENT",
            "0x1",
            "1_0",
            "%20",
            "%00",
            "%F0%9F%92%A5",
            "%D9%A1",
        ),
        *("0", "2147483647", "2147483648", "9223372036854775807", "9223372036854775808", "9" * 30, "9" * 5000),
    ],
)
def test_what_is_no_known_projects_number_is_not_found(world: World, name: str) -> None:
    """1.1: non-integer and unknown ids; decision table: ids beyond 64 bits."""
    path = f"/api/environments/{name}/error_tracking/releases/"
    assert answer(world.api().get(path)) == PROJECT_NOT_FOUND
    assert answer(world.browser().get(path)) == PROJECT_NOT_FOUND


def test_leading_zeros_name_the_same_project(world: World) -> None:
    assert answer(world.api().get(f"/api/projects/000{world.project.pk}/error_tracking/releases/")) == EMPTY


# ---- project tokens


@pytest.mark.parametrize("name", ["token", "api_key"])
def test_a_project_token_in_the_query_string_overrides_the_project_of_the_path(world: World, name: str) -> None:
    """1.1: GET with `?token=` or `?api_key=` overrides the project in the URL."""
    made = answer(world.api().post(LIST, {"version": "1", "project": "web"}))[1]
    path = f"/api/projects/987654/error_tracking/releases/?{name}={world.project.api_token}"
    for api in (world.api(), world.browser()):
        body = answer(api.get(path))[1]
        assert body["results"] == [made]


@pytest.mark.parametrize("token", ["phc_unknown", "nonsense", "%00", "%F0%9F%92%A5", "x" * 5000])
def test_an_unknown_project_token_is_a_401(world: World, token: str) -> None:
    """1.1: an unknown value → 401 `Incorrect authentication credentials.`"""
    for api in (world.api(), world.browser()):
        response = api.get(f"{LIST}?token={token}")
        assert answer(response) == WRONG_TOKEN
        assert response["WWW-Authenticate"].startswith("Bearer ")


def test_an_empty_project_token_is_none(world: World) -> None:
    assert answer(world.api().get(LIST + "?token=&api_key=")) == EMPTY


def test_a_project_token_does_not_give_access(world: World, stranger: World) -> None:
    response = world.api().get(f"{LIST}?token={stranger.project.api_token}")
    assert answer(response)[1]["detail"] == "You don't have access to the project."


def test_a_project_token_alone_does_not_authenticate(world: World) -> None:
    assert answer(world.anonymous().get(f"{LIST}?token={world.project.api_token}"))[1]["code"] == "not_authenticated"


@pytest.mark.parametrize("name", ["token", "api_key"])
def test_a_project_token_in_a_form_overrides_the_project_of_the_path(world: World, name: str) -> None:
    """1.1: or form-encoded body fields `token`/`api_key`."""
    body = f"version=1&project=web&{name}={world.project.api_token}".encode()
    response = world.api().post(
        "/api/projects/987654/error_tracking/releases/", body, content_type="application/x-www-form-urlencoded"
    )
    assert answer(response)[0] == 201
    assert answer(response)[1]["team_id"] == world.project.pk


def test_an_unknown_project_token_in_a_form_is_a_401(world: World) -> None:
    """1.1: an unknown value → 401."""
    response = world.api().post(LIST, b"version=1&token=x", content_type="application/x-www-form-urlencoded")
    assert answer(response) == WRONG_TOKEN


def test_a_json_body_is_not_searched_for_a_project_token(world: World) -> None:
    """1.1: JSON bodies are not inspected for this."""
    body = {"version": "1", "project": "web", "token": "phc_unknown", "api_key": "phc_unknown"}
    assert world.api().post(LIST, body).status_code == 201


def test_the_query_string_of_a_write_is_not_searched_for_a_project_token(world: World) -> None:
    """1.1 speaks of GET; other methods carry the token in a form."""
    assert world.api().post(LIST + "?token=phc_unknown", {"version": "1", "project": "web"}).status_code == 201


# ---- unknown routes


@pytest.mark.parametrize(
    "path",
    [
        "/api",
        "/api/",
        "/api/nonsense",
        "/api/environments/1/error_tracking/releases.xml",
        "/api/nonsense/",
        "/api/project/",
        "/api/environments/1/error_tracking/",
        "/api/environments/1/error_tracking/nonsense/",
        "/api/environments/1/error_tracking/releases/a/b/c/",
        "/api/environments/1/error_tracking/releases/hash/a.b/",
        "/api/environments/1/error_tracking/releases/hash/a%2Fb/",
    ],
)
def test_an_unknown_route_is_a_404_in_json_for_everybody(world: World, path: str) -> None:
    """1.1: unknown route under /api."""
    for api in (world.anonymous(), world.api()):
        for method in ("GET", "POST", "DELETE"):
            response = api.request(method, path)
            assert answer(response) == ENDPOINT_NOT_FOUND
            assert response["Content-Type"] == "application/json"


def test_an_object_of_another_project_is_not_found(world: World, stranger: World) -> None:
    """1.1: all querysets are filtered by project."""
    theirs = answer(stranger.api().post(LIST, {"version": "1", "project": "web"}))[1]
    assert answer(world.api().get(f"{LIST}{theirs['id']}/")) == error(404, "invalid_request", "not_found", "Not found.")
