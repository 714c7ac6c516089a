"""Who reaches what: every route and method of a project against every caller and every name of another project.

The routes come from the resolver, what they answer from the table below: a route without a row fails, and so does a
row without a route. Each refusal has its literal body, and nothing of the other project is shown or changed.
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

import pytest
from django.urls import get_resolver

from tests.environments.world import Api, ClientResponse, World, answer, error, stranger, world
from tests.furnishing import furnish
from tests.isolation import (
    HEALTH_READ,
    HEALTH_WRITE,
    NO_ACCESS,
    NO_CREDENTIALS,
    READ,
    TABLE,
    UNKNOWN_KEY,
    WRITE,
    Answer,
    walk,
)
from tests.isolation_named import NAMED
from tests.matrix import ROUTES, addresses, fill, stored, unhurried

__all__ = ["stranger", "unhurried", "world"]  # fixtures

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


# ---- the routes


PATHS = sorted({path for _, path in ROUTES})
every_row = pytest.mark.parametrize(("method", "path"), sorted(TABLE), ids=lambda value: value)


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert sorted(ROUTES) == sorted(TABLE)


def test_every_route_is_there_under_both_prefixes_with_and_without_the_suffix() -> None:
    for method, path in TABLE:
        assert len(ROUTES[method, path]) == 4, path


def test_every_route_of_the_api_is_below_a_project_or_in_the_other_matrix() -> None:
    others = {path for path, _ in walk(get_resolver().url_patterns) if path.startswith("api/")}
    others -= {path for path in others if re.match(r"api/(environments|projects)/\(\?P<\w+_id>\[\^/\]\+\)/", path)}
    first = {re.split(r"\W", path.removeprefix("api/"))[0] for path in others}
    known = {"users", "organizations", "projects", "environments", "personal_api_keys"}  # tests.test_account_matrix
    assert first == known | {"reset_password", "schema", "docs", "redoc"}


# ---- the callers


class Place(NamedTuple):
    """Two furnished projects: one's own, and one in another organization."""

    own: World
    other: World
    names: dict[str, list[str]]
    foreign: dict[str, list[str]]

    def stored(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return stored(self.own.project), stored(self.other.project)


@pytest.fixture
def place(world: World, stranger: World) -> Place:
    return Place(world, stranger, furnish(world.project, 4), furnish(stranger.project, 4))


def refused(place: Place, method: str, path: str, api: Api) -> list[Answer]:
    """Send the request to one's own project's objects, by each path; see that nothing has changed anywhere."""
    before = place.stored()
    found = [
        answer(api.request(method, address, TABLE[method, path].body))
        for address in addresses(method, path, place.own.project, place.names)
    ]
    assert place.stored() == before
    return found


def named(place: Place, number: int) -> dict[str, str]:
    """Return one's own names for a body: those that belong to the address with this number."""
    own = {kind: values[number % len(values)] for kind, values in place.names.items()}
    return own | {"project": str(place.own.project.pk)}


def missing(scope: str) -> Answer:
    return error(403, "authentication_error", "permission_denied", f"API key missing required scope '{scope}'")


def shows_nothing(response: ClientResponse, names: dict[str, list[str]]) -> None:
    """See that an answer holds no name of the other project."""
    text = response.content.decode()
    # A raw id's number is short enough to be part of another text.
    known = [name for kind, values in names.items() if kind not in {"raw_id", "hash"} for name in values]
    assert len(known) > 20
    assert [name for name in known if name in text] == []


@every_row
def test_without_a_key_it_is_a_401(place: Place, method: str, path: str) -> None:
    assert refused(place, method, path, place.own.anonymous()) == [NO_CREDENTIALS] * 4


@every_row
def test_with_an_unknown_key_it_is_a_401(place: Place, method: str, path: str) -> None:
    assert refused(place, method, path, Api(place.own.project, "phx_unknown")) == [UNKNOWN_KEY] * 4


@every_row
def test_with_a_key_of_another_scope_it_is_a_403(place: Place, method: str, path: str) -> None:
    scope = TABLE[method, path].scope
    other = HEALTH_WRITE if scope in {READ, WRITE} else WRITE
    assert refused(place, method, path, place.own.api(other)) == [missing(scope)] * 4


@pytest.mark.parametrize(
    ("method", "path"),
    sorted(key for key, row in TABLE.items() if row.scope.endswith(":write")),
    ids=lambda value: value,
)
def test_with_a_read_key_a_write_is_a_403(place: Place, method: str, path: str) -> None:
    scope = TABLE[method, path].scope
    assert refused(place, method, path, place.own.api(READ, HEALTH_READ)) == [missing(scope)] * 4


@every_row
def test_with_the_key_of_a_member_of_another_project_it_is_a_403(place: Place, method: str, path: str) -> None:
    assert refused(place, method, path, place.other.api("*")) == [NO_ACCESS] * 4


@every_row
@pytest.mark.parametrize("name", ["token", "api_key"])
def test_with_another_projects_token_it_is_a_403(place: Place, method: str, path: str, name: str) -> None:
    """1.1: a token in the query of a GET, or in a form, overrides the path's project, and opens neither."""
    before, key = place.stored(), place.own.api("*")
    given = f"{name}={place.other.project.api_token}"
    for address in addresses(method, path, place.own.project, place.names):
        if method == "GET":
            response = key.get(f"{address}?{given}")
        else:
            response = key.request(method, address, given.encode(), content_type="application/x-www-form-urlencoded")
        assert answer(response) == NO_ACCESS
    assert place.stored() == before


@every_row
def test_with_the_scope_it_answers_and_shows_and_changes_nothing_of_another_project(
    place: Place, method: str, path: str
) -> None:
    row, before = TABLE[method, path], stored(place.other.project)
    key = place.own.api(row.scope)
    for number, address in enumerate(addresses(method, path, place.own.project, place.names)):
        response = key.request(method, address, fill(row.body, named(place, number)))
        assert response.status_code == row.own, response.content
        shows_nothing(response, place.foreign)
        if method == "GET":
            assert key.request("HEAD", address).status_code == row.own
    assert stored(place.other.project) == before


@pytest.mark.parametrize(("method", "path"), sorted(key for key in TABLE if "{" in key[1]), ids=lambda value: value)
def test_another_projects_object_in_the_path_is_unknown(place: Place, method: str, path: str) -> None:
    before, row = place.stored(), TABLE[method, path]
    key = place.own.api("*")
    for address in addresses(method, path, place.own.project, place.foreign):
        assert answer(key.request(method, address, fill(row.body, named(place, 0)))) == row.foreign
    assert place.stored() == before


def test_every_route_with_an_object_says_what_another_projects_is() -> None:
    assert [key for key, row in TABLE.items() if ("{" in key[1]) != (row.foreign is not None)] == []


@pytest.mark.parametrize("prefix", ["environments", "projects"])
@pytest.mark.parametrize(("method", "path", "body", "expected"), NAMED)
def test_another_projects_object_in_a_body_or_a_filter_is_nobodys(
    place: Place, prefix: str, method: str, path: str, body: dict[str, Any] | None, expected: Answer
) -> None:
    names = {kind: values[0] for kind, values in place.foreign.items()}
    names |= {f"own_{kind}": values[0] for kind, values in place.names.items()}
    names |= {"project": str(place.other.project.pk), "user": str(place.other.user.pk)}
    before = stored(place.other.project)
    api = Api(place.own.project, place.own.key("*"), prefix)
    assert answer(api.request(method, path.format(**names), fill(body, names))) == fill(expected, names)
    assert stored(place.other.project) == before


@pytest.mark.parametrize("field", ["team_id", "environment_id", "environment", "project_id"])
def test_a_body_cannot_name_the_project_that_is_written_to(place: Place, field: str) -> None:
    before, own = stored(place.other.project), place.own.project.pk
    body = {"version": "9", "project": "web", field: place.other.project.pk, "hash_id": place.foreign["hash"][0]}
    status, made = answer(place.own.api("*").post("error_tracking/releases/", body))
    assert (status, made["team_id"], made["hash_id"]) == (201, own, place.foreign["hash"][0])
    for path, change in {
        "settings/update_settings/": {"project_rate_limit_value": 9},
        "spike_detection_config/update_config/": {"threshold": 9},
    }.items():
        found = place.own.api("*").patch(f"error_tracking/{path}", change | {field: place.other.project.pk})
        assert found.status_code == 200
    assert stored(place.other.project) == before


# ---- the methods that a route does not have


@pytest.mark.parametrize("path", PATHS)
def test_other_methods_are_a_405_to_members_and_refused_to_everybody_else(place: Place, path: str) -> None:
    before = place.stored()
    of_path = next(templates for (_, known), templates in ROUTES.items() if known == path)
    key, foreign, anonymous = place.own.api("*"), place.other.api("*"), place.own.anonymous()
    checked = [method for method in METHODS if (method, path) not in TABLE]
    assert checked
    for method in checked:
        for template in of_path:
            address = template.format(project=place.own.project.pk, id=place.names["frame"][0], hash_id="x", uuid="x")
            assert answer(anonymous.request(method, address)) == NO_CREDENTIALS
            assert answer(foreign.request(method, address)) == NO_ACCESS
            if method == "OPTIONS" and not path.startswith("health_issues"):
                assert key.request(method, address).status_code == 200
            else:
                text = f'Method "{method}" not allowed.'
                assert answer(key.request(method, address)) == error(405, "invalid_request", "method_not_allowed", text)
    assert place.stored() == before


def test_the_snapshot_sees_the_tables_and_a_change(place: Place) -> None:
    """What the other tests compare is not empty."""
    before = place.stored()
    assert len(before[0]) >= 9
    assert set(before[0]) == set(before[1])
    place.own.api("*").delete(f"error_tracking/releases/{place.names['release'][0]}/")
    after = place.stored()
    assert after[0] != before[0]
    assert after[1] == before[1]
