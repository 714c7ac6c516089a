"""Who reaches a project's settings by which route, with which statements and which record (contract 5)."""

from __future__ import annotations

import re

import pytest

from environments.api import audit
from tests.environments.world import Api, World, answer, error, statements
from tests.errortracking.api.test_settings import CHANGE, NOTHING_SET, SHOW, api, rows

__all__ = ["api"]


@pytest.mark.parametrize("path", ["error_tracking/settings", "error_tracking/settings/", "error_tracking/settings/x/"])
@pytest.mark.parametrize("method", ["GET", "PATCH", "POST"])
def test_there_is_no_route_on_settings_itself(world: World, method: str, path: str) -> None:
    """5, other: no list or retrieve route."""
    expected = error(404, "invalid_request", "not_found", "Endpoint not found.")
    assert answer(world.api().request(method, path, {})) == expected


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        *((method, SHOW, "GET, HEAD, OPTIONS") for method in ("POST", "PUT", "PATCH", "DELETE")),
        *((method, CHANGE, "PATCH, OPTIONS") for method in ("GET", "POST", "PUT", "DELETE")),
    ],
)
def test_other_methods_are_a_405(world: World, api: Api, method: str, path: str, allow: str) -> None:
    response = api.request(method, path, {"project_rate_limit_value": 1})
    expected = error(405, "invalid_request", "method_not_allowed", f'Method "{method}" not allowed.')
    assert (answer(response), response["Allow"]) == (expected, allow)
    assert rows(world.project) == []


@pytest.mark.parametrize("prefix", ["environments", "projects"])
@pytest.mark.parametrize("ending", ["", "/", ".json"])
def test_both_prefixes_serve_both_with_and_without_slash(world: World, prefix: str, ending: str) -> None:
    """1.1: routing."""
    api = Api(world.project, world.key("error_tracking:write"), prefix, "error_tracking/settings/")
    assert answer(api.get(f"retrieve_settings{ending}")) == (200, NOTHING_SET)
    assert answer(api.patch(f"update_settings{ending}", {})) == (200, NOTHING_SET)


def test_changing_needs_write_and_showing_read(world: World) -> None:
    """5, scopes; 1.3: missing → 403."""
    path, kind = "error_tracking/settings/", "permission_denied"
    missing = error(403, "authentication_error", kind, "API key missing required scope 'error_tracking:write'")
    assert answer(world.api("error_tracking:read").patch(path + CHANGE, {"project_rate_limit_value": 1})) == missing
    missing = error(403, "authentication_error", kind, "API key missing required scope 'error_tracking:read'")
    assert answer(world.api("health_issue:write").get(path + SHOW)) == missing
    assert world.browser().get(path + SHOW).status_code == world.browser().patch(path + CHANGE, {}).status_code == 200


def test_a_stranger_can_neither_see_nor_make_the_row(world: World, stranger: World) -> None:
    api = Api(world.project, stranger.key("*"), below="error_tracking/settings/")
    for response in (api.get(SHOW), api.patch(CHANGE, {"project_rate_limit_value": 1})):
        assert answer(response)[1]["detail"] == "You don't have access to the project."
    assert rows(world.project) == []


def test_showing_is_one_statement_beside_the_key_once_the_row_is_there(api: Api) -> None:
    for expected in (["SELECT", "INSERT", "SELECT"], ["SELECT"]):
        with statements() as sent:
            api.get(SHOW)
        ours = " ".join(statement for statement in sent if "errortracking_errortrackingsettings" in statement)
        assert re.findall(r"SELECT|UPDATE|INSERT", ours) == expected


def test_a_change_passes_the_audit_hook_and_no_change_does_not(
    world: World, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes: list[audit.Change] = []
    monkeypatch.setattr(audit, "record", changes.append)
    api.get(SHOW)
    for body in (
        {"project_rate_limit_value": 5},
        {"project_rate_limit_value": "5"},
        {},
        {"project_rate_limit_value": 0},
    ):
        api.patch(CHANGE, body)
    api.patch(CHANGE, {"project_rate_limit_value": None, "per_issue_rate_limit_value": None})
    assert [(change.before, change.after) for change in changes] == [
        ({"project_rate_limit_value": None}, {"project_rate_limit_value": 5}),
        (
            {"project_rate_limit_value": 5, "per_issue_rate_limit_value": None},
            {"project_rate_limit_value": None, "per_issue_rate_limit_value": None},
        ),
    ]
    assert {(c.action, c.resource, c.object_id) for c in changes} == {
        ("update_settings", "settings", str(world.project.pk))
    }
