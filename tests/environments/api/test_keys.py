"""`/api/personal_api_keys/`: people make, change, roll and revoke their keys; a key only looks at itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from environments import clock
from environments.models import AuditEntry, PersonalAPIKey
from environments.secrets import hash_key
from tests.environments.world import NOT_FOUND, Api, World, answer, error

LIST = "/api/personal_api_keys/"
CURRENT = LIST + "@current/"
UNSUPPORTED = error(
    403, "authentication_error", "permission_denied", "This action does not support personal API key access"
)


def make(world: World, **fields: Any) -> tuple[int, Any]:
    body = {"label": "CI", "scopes": ["error_tracking:read"], **fields}
    return answer(world.browser().post(LIST, body))


def test_a_new_key_shows_its_value_once_and_works(world: World) -> None:
    status, made = make(world, scopes=["user:read", "error_tracking:write", "user:read"])
    assert status == 201
    row = PersonalAPIKey.objects.get(pk=made["id"])
    assert row.secure_value == hash_key(made["value"])
    assert made == {
        "id": row.pk,
        "label": "CI",
        "value": made["value"],
        "mask_value": f"phx_...{made['value'][-4:]}",
        "created_at": row.created_at.isoformat().replace("+00:00", "Z"),
        "last_used_at": None,
        "last_rolled_at": None,
        "expires_at": None,
        "user_id": str(world.user.pk),
        "scopes": ["user:read", "error_tracking:write"],
        "scoped_teams": [],
        "scoped_organizations": [],
    }
    assert Api(world.project, made["value"]).get("error_tracking/releases/").status_code == 200
    shown = answer(world.browser().get(f"{LIST}{row.pk}/"))[1]
    assert shown["value"] is None
    assert made["value"] not in str(answer(world.browser().get(LIST)))


def test_limits_and_end_are_kept(world: World) -> None:
    end = "2031-01-01T00:00:00Z"
    limits = {"scoped_teams": [world.project.pk], "scoped_organizations": [str(world.organization.pk)]}
    _, made = make(world, **limits, expires_at=end)
    assert {name: made[name] for name in limits} == limits
    row = PersonalAPIKey.objects.get(pk=made["id"])
    assert (made["expires_at"], row.expires_at) == (end, datetime(2031, 1, 1, tzinfo=UTC))
    assert (row.scoped_teams, row.scoped_organizations) == ([world.project.pk], [str(world.organization.pk)])


def test_an_eleventh_key_is_refused(world: World) -> None:
    for _ in range(10):
        assert make(world)[0] == 201
    text = "You can only have 10 personal API keys. Remove an existing key before creating a new one."
    assert make(world) == error(400, "validation_error", "invalid_input", text)
    assert PersonalAPIKey.objects.filter(user=world.user).count() == 10


@pytest.mark.parametrize(
    ("fields", "code", "text", "attr"),
    [
        ({"scopes": ["user:read", "issue:read"]}, "invalid_input", "Invalid scope: issue:read", "scopes"),
        ({"scopes": ["error_tracking"]}, "invalid_input", "Invalid scope: error_tracking", "scopes"),
        ({"scopes": []}, "invalid_input", "A key needs at least one scope.", "scopes"),
        ({"scopes": "*"}, "not_a_list", 'Expected a list of items but got type "str".', "scopes"),
        ({"scopes": None}, "null", "This field may not be null.", "scopes"),
        ({"label": ""}, "blank", "This field may not be blank.", "label"),
        ({"label": "x" * 41}, "max_length", "Ensure this field has no more than 40 characters.", "label"),
        ({"label": "\x00"}, "null_characters_not_allowed", "Null characters are not allowed.", "label"),
        ({"scoped_teams": ["x"]}, "invalid_input", "A valid integer is required.", "scoped_teams__0"),
        (
            {"scoped_teams": [2**31]},
            "max_value",
            "Ensure this value is less than or equal to 2147483647.",
            "scoped_teams__0",
        ),
        ({"scoped_organizations": ["x"]}, "invalid_input", "Invalid organization UUID", "scoped_organizations"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "invalid_input", "Must be in the future.", "expires_at"),
    ],
)
def test_wrong_values_are_a_400_with_the_known_text(world: World, fields: Any, code: str, text: str, attr: str) -> None:
    assert make(world, **fields) == error(400, "validation_error", code, text, attr)
    key = world.key("*")
    path = f"{LIST}{world.keys[key].pk}/"
    assert answer(world.browser().patch(path, fields)) == error(400, "validation_error", code, text, attr)


def test_limits_must_be_ones_own(world: World, stranger: World) -> None:
    for teams in ([stranger.project.pk], [world.project.pk, stranger.project.pk], [2**31 - 1]):
        text = "You must be a member of all teams that you are scoping the key to."
        assert make(world, scoped_teams=teams) == error(400, "validation_error", "invalid_input", text, "scoped_teams")
    for other in (stranger.organization.pk, uuid4()):
        text = "You must be a member of all organizations that you are scoping the key to."
        expected = error(400, "validation_error", "invalid_input", text, "scoped_organizations")
        assert make(world, scoped_organizations=[str(other)]) == expected
    assert not PersonalAPIKey.objects.exists()


def test_the_list_is_ones_own_newest_first_and_no_page(world: World, stranger: World) -> None:
    stranger.key("*")
    first, second = make(world, label="first")[1], make(world, label="second")[1]
    status, found = answer(world.browser().get(LIST))
    assert (status, [row["id"] for row in found]) == (200, [second["id"], first["id"]])


def test_label_scopes_limits_and_end_are_changed_and_the_value_stays(world: World) -> None:
    _, made = make(world, scoped_teams=[world.project.pk])
    path = f"{LIST}{made['id']}/"
    body = {"label": "Other", "scopes": ["user:read"], "scoped_teams": None, "expires_at": "2031-01-01T00:00:00Z"}
    status, changed = answer(world.browser().patch(path, body))
    assert status == 200
    assert changed == made | body | {"value": None, "scoped_teams": []}
    assert Api(world.project, made["value"]).get("/api/users/@me/").status_code == 200
    assert Api(world.project, made["value"]).get("error_tracking/releases/").status_code == 403


def test_roll_gives_a_new_value_and_the_old_one_stops_at_once(world: World) -> None:
    _, made = make(world, scopes=["user:read"])
    status, rolled = answer(world.browser().post(f"{LIST}{made['id']}/roll/"))
    assert (status, rolled["id"], rolled["scopes"]) == (200, made["id"], ["user:read"])
    assert rolled["value"].startswith("phx_")
    assert rolled["last_rolled_at"] is not None
    answers = [Api(world.project, key).get("/api/users/@me/").status_code for key in (made["value"], rolled["value"])]
    assert answers == [401, 200]


def test_a_deleted_key_is_refused(world: World) -> None:
    _, made = make(world, scopes=["user:read"])
    assert answer(world.browser().delete(f"{LIST}{made['id']}/")) == (204, None)
    assert Api(world.project, made["value"]).get("/api/users/@me/").status_code == 401


def test_each_change_is_recorded_without_a_value(world: World) -> None:
    _, made = make(world)
    path = f"{LIST}{made['id']}/"
    world.browser().patch(path, {"label": "Other"})
    world.browser().patch(path, {"label": "Other"})
    _, rolled = answer(world.browser().post(path + "roll/"))
    world.browser().delete(path)
    entries = list(AuditEntry.objects.filter(environment_id=0, object_id=made["id"]).order_by("created_at", "id"))
    assert [entry.action for entry in entries] == ["create", "partial_update", "roll", "destroy"]
    assert {entry.resource for entry in entries} == {"personal_api_keys"}
    for value in (made["value"], rolled["value"]):
        assert value not in str([(entry.before, entry.after) for entry in entries])


def test_another_persons_key_is_unknown(world: World, stranger: World) -> None:
    key = stranger.keys[stranger.key("*")]
    browser = world.browser()
    for identifier in (key.pk, "x", "%00", "é", "@current"):
        path = f"{LIST}{identifier}/"
        found = [browser.get(path), browser.patch(path, {"label": "mine"}), browser.delete(path)]
        found.append(browser.post(path + "roll/"))
        assert [answer(response) for response in found] == [(404, NOT_FOUND)] * 4
    assert PersonalAPIKey.objects.get(pk=key.pk).label == key.label


def test_a_key_is_told_its_own_scopes_limits_and_end(world: World) -> None:
    """Whatever they are: that is what it asks for."""
    end = clock.now() + timedelta(days=1)
    cases: list[tuple[list[str], dict[str, Any]]] = [
        (["health_issue:read"], {}),
        (["*"], {"scoped_teams": [world.project.pk]}),
        ([], {"scoped_organizations": [str(world.organization.pk)]}),
    ]
    for scopes, limits in cases:
        key = world.key(*scopes, expires_at=end, **limits)
        status, found = answer(Api(world.project, key).get(CURRENT))
        assert (status, found["id"], found["scopes"], found["value"]) == (200, world.keys[key].pk, scopes, None)
        assert found["scoped_teams"] == limits.get("scoped_teams", [])
        assert found["scoped_organizations"] == limits.get("scoped_organizations", [])
        assert found["expires_at"] == end.isoformat().replace("+00:00", "Z")


def test_a_key_does_nothing_else_with_keys(world: World) -> None:
    """One that could make keys could give itself any scope."""
    key = world.key("*")
    api, path = Api(world.project, key), f"{LIST}{world.keys[key].pk}/"
    found = [
        *(api.get(LIST), api.post(LIST, {"label": "x", "scopes": ["*"]}), api.get(path), api.patch(path, {})),
        *(api.delete(path), api.post(path + "roll/"), api.patch(CURRENT, {}), api.delete(CURRENT)),
        *(api.post(CURRENT + "roll/"), api.request("OPTIONS", LIST)),
    ]
    assert [answer(response) for response in found] == [UNSUPPORTED] * 10
    assert PersonalAPIKey.objects.count() == 1


def test_without_credentials_it_is_a_401(world: World) -> None:
    for method, path in [("GET", LIST), ("POST", LIST), ("GET", CURRENT), ("POST", LIST + "x/roll/")]:
        assert world.anonymous().request(method, path).status_code == 401
