"""GET …/spike_detection_config/ and PATCH …/spike_detection_config/update_config/ (contract 6)."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from environments.api import audit
from environments.models import Project
from errortracking.api.spike_detection_config import SpikeDetectionConfigViewSet
from errortracking.models import SpikeDetectionConfig
from tests.environments.same import JSON, assert_same
from tests.environments.world import Api, World, answer, error, statements

FORM = "application/x-www-form-urlencoded"
DEFAULTS = {"snooze_duration_minutes": 10, "multiplier": 10, "threshold": 500}
CHANGE = "update_config/"
every_field = pytest.mark.parametrize("field", DEFAULTS)


@pytest.fixture
def api(world: World) -> Api:
    """A client of the project's configuration."""
    return Api(world.project, world.key("*"), below="error_tracking/spike_detection_config/")


def rows(project: Project) -> list[dict[str, Any]]:
    return list(SpikeDetectionConfig.objects.filter(environment_id=project.pk).values(*DEFAULTS))


def invalid(detail: str, attr: str | None, code: str = "invalid_input") -> tuple[int, Any]:
    return error(400, "validation_error", code, detail, attr)


# ---- GET


def test_the_first_look_makes_the_row_with_the_defaults_and_shows_one_object(world: World, api: Api) -> None:
    """6, fields and GET: defaults 10, 10, 500; one object, not a list; created lazily; 11.4."""
    assert rows(world.project) == []
    response = api.get("")
    assert answer(response) == (200, {"snooze_duration_minutes": 10, "multiplier": 10, "threshold": 500})
    assert list(json.loads(response.content)) == ["snooze_duration_minutes", "multiplier", "threshold"]
    assert rows(world.project) == [DEFAULTS]
    assert answer(api.get("?limit=1&offset=5")) == (200, DEFAULTS)
    assert rows(world.project) == [DEFAULTS]


def test_what_is_set_is_shown(world: World, api: Api) -> None:
    """6, GET."""
    values = {"snooze_duration_minutes": 1, "multiplier": 2, "threshold": 2_147_483_647}
    SpikeDetectionConfig.objects.create(environment=world.project, **values)
    assert answer(api.get("")) == (200, values)


def test_each_project_has_its_own(world: World, stranger: World, api: Api) -> None:
    SpikeDetectionConfig.objects.create(environment=stranger.project, threshold=7)
    assert answer(api.get("")) == (200, DEFAULTS)
    assert answer(api.patch(CHANGE, {"threshold": 8})) == (200, DEFAULTS | {"threshold": 8})
    assert rows(stranger.project) == [DEFAULTS | {"threshold": 7}]


# ---- update_config


def test_a_change_is_partial_and_answers_all(world: World, api: Api) -> None:
    """6, PATCH: partial; 200 object; the row is made by the first PATCH too."""
    assert answer(api.patch(CHANGE, {"threshold": 50})) == (200, DEFAULTS | {"threshold": 50})
    second = {"multiplier": 3, "snooze_duration_minutes": 60}
    assert answer(api.patch(CHANGE, second)) == (200, second | {"threshold": 50})
    assert rows(world.project) == [second | {"threshold": 50}]
    assert answer(api.get("")) == (200, second | {"threshold": 50})


@every_field
def test_null_is_a_400_with_its_own_code(world: World, api: Api, field: str) -> None:
    """6, PATCH: null → code `null`."""
    expected = invalid("This field may not be null.", field, "null")
    assert answer(api.patch(CHANGE, {field: None})) == expected
    assert rows(world.project) == []


@pytest.mark.parametrize("body", [{}, None, {"nonsense": None, "id": [], "environment": 5, "enabled": True}])
def test_unknown_keys_are_ignored(world: World, api: Api, body: Any) -> None:
    """6, PATCH: unknown keys ignored."""
    assert answer(api.patch(CHANGE, body)) == (200, DEFAULTS)
    assert answer(api.patch(CHANGE, {"threshold": 4, **(body or {})})) == (200, DEFAULTS | {"threshold": 4})


@every_field
@pytest.mark.parametrize(
    ("value", "number"), [(1, 1), (2**31 - 1, 2**31 - 1), ("7", 7), (" 7 ", 7), (1.0, 1), ("1.0", 1)]
)
def test_integers_are_taken_and_texts_and_floats_that_are_some(api: Api, field: str, value: Any, number: int) -> None:
    """6, PATCH: the same integers as settings."""
    assert answer(api.patch(CHANGE, {field: value})) == (200, DEFAULTS | {field: number})


@every_field
@pytest.mark.parametrize("value", [0, -1, "0", -(2**31), -(2**63), -(10**100), 0.0])
def test_below_1_is_a_min_value(world: World, api: Api, field: str, value: Any) -> None:
    """6, fields: integer ≥ 1."""
    expected = invalid("Ensure this value is greater than or equal to 1.", field, "min_value")
    assert answer(api.patch(CHANGE, {field: value})) == expected
    assert rows(world.project) == []


@every_field
@pytest.mark.parametrize("value", [2**31, 2**63, 2**64, 10**100, str(2**31)])
def test_above_31_bits_is_a_max_value(world: World, api: Api, field: str, value: Any) -> None:
    """Decision table: integer above 2147483647 → 400 max_value."""
    expected = invalid("Ensure this value is less than or equal to 2147483647.", field, "max_value")
    assert answer(api.patch(CHANGE, {field: value})) == expected
    assert rows(world.project) == []


@every_field
@pytest.mark.parametrize(
    "value", [True, False, 1.5, 1e20, "many", "", "NaN", "null", [], [1], {}, {"a": 1}, "\0", "7\0", "\ud800", "💥"]
)
def test_what_is_no_integer_is_invalid(world: World, api: Api, field: str, value: Any) -> None:
    """6, PATCH: same integer errors as settings."""
    assert answer(api.patch(CHANGE, {field: value})) == invalid("A valid integer is required.", field)
    assert rows(world.project) == []


def test_one_wrong_value_changes_nothing(world: World, api: Api) -> None:
    SpikeDetectionConfig.objects.create(environment=world.project, threshold=5)
    assert answer(api.patch(CHANGE, {"threshold": 6, "multiplier": 0}))[1]["attr"] == "multiplier"
    assert rows(world.project) == [DEFAULTS | {"threshold": 5}]


@pytest.mark.parametrize(("body", "kind"), [([], "list"), ([{}], "list"), ("text", "str"), (1.5, "float")])
def test_a_body_that_is_no_object_is_a_400(world: World, api: Api, body: Any, kind: str) -> None:
    """1.4, 400 non-object body."""
    expected = invalid(f"Invalid data. Expected a dictionary, but got {kind}.", None)
    assert answer(api.patch(CHANGE, body)) == expected
    assert rows(world.project) == []


def test_a_form_is_read_and_its_empty_field_is_no_integer(api: Api) -> None:
    response = api.patch(CHANGE, b"threshold=5&threshold=6&x=y", content_type=FORM)
    assert answer(response) == (200, DEFAULTS | {"threshold": 6})
    response = api.patch(CHANGE, b"threshold=", content_type=FORM)
    assert answer(response) == invalid("A valid integer is required.", "threshold")


# ---- routes, scopes, statements


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        *((method, "", "GET, HEAD, OPTIONS") for method in ("POST", "PUT", "PATCH", "DELETE")),
        *((method, CHANGE, "PATCH, OPTIONS") for method in ("GET", "POST", "PUT", "DELETE")),
    ],
)
def test_other_methods_are_a_405(world: World, api: Api, method: str, path: str, allow: str) -> None:
    response = api.request(method, path, {"threshold": 1})
    expected = error(405, "invalid_request", "method_not_allowed", f'Method "{method}" not allowed.')
    assert (answer(response), response["Allow"]) == (expected, allow)
    assert rows(world.project) == []


@pytest.mark.parametrize("path", ["enable/", "1/", "update_config/x/"])
def test_there_are_no_other_routes(api: Api, path: str) -> None:
    """6, earlier: `enable` was removed."""
    expected = error(404, "invalid_request", "not_found", "Endpoint not found.")
    assert answer(api.post(path, {})) == expected


@pytest.mark.parametrize("prefix", ["environments", "projects"])
@pytest.mark.parametrize("ending", ["", "/", ".json"])
def test_both_prefixes_serve_both_with_and_without_slash(world: World, prefix: str, ending: str) -> None:
    """1.1: routing."""
    api = Api(world.project, world.key("error_tracking:write"), prefix, "error_tracking/")
    assert answer(api.get(f"spike_detection_config{ending}")) == (200, DEFAULTS)
    assert answer(api.patch(f"spike_detection_config/update_config{ending}", {})) == (200, DEFAULTS)


def test_changing_needs_write_and_showing_read(world: World) -> None:
    """Decision table: update_config needs error_tracking:write."""
    path, kind = "error_tracking/spike_detection_config/", "permission_denied"
    missing = error(403, "authentication_error", kind, "API key missing required scope 'error_tracking:write'")
    assert answer(world.api("error_tracking:read").patch(path + CHANGE, {"threshold": 1})) == missing
    assert world.api("error_tracking:read").get(path).status_code == 200
    assert world.api("error_tracking:write").patch(path + CHANGE, {}).status_code == 200
    missing = error(403, "authentication_error", kind, "API key missing required scope 'error_tracking:read'")
    assert answer(world.api("health_issue:write").get(path)) == missing
    assert world.browser().get(path).status_code == world.browser().patch(path + CHANGE, {}).status_code == 200


def test_a_stranger_can_neither_see_nor_make_the_row(world: World, stranger: World) -> None:
    api = Api(world.project, stranger.key("*"), below="error_tracking/spike_detection_config/")
    for response in (api.get(""), api.patch(CHANGE, {"threshold": 1})):
        assert answer(response)[1]["detail"] == "You don't have access to the project."
    assert rows(world.project) == []


def test_showing_is_one_statement_beside_the_key_once_the_row_is_there(api: Api) -> None:
    for expected in (["SELECT", "INSERT", "SELECT"], ["SELECT"]):
        with statements() as sent:
            api.get("")
        ours = " ".join(statement for statement in sent if "errortracking_spikedetectionconfig" in statement)
        assert re.findall(r"SELECT|UPDATE|INSERT", ours) == expected


def test_a_change_passes_the_audit_hook_and_no_change_does_not(
    world: World, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes: list[audit.Change] = []
    monkeypatch.setattr(audit, "record", changes.append)
    api.get("")
    for body in ({"threshold": 5, "multiplier": 10}, {"threshold": 5}, {}, {"threshold": None}):
        api.patch(CHANGE, body)
    [change] = changes
    assert change.before == {"threshold": 500, "multiplier": 10}
    assert change.after == {"threshold": 5, "multiplier": 10}
    assert change.changed == ["threshold"]
    assert (change.action, change.resource) == ("update_config", "spike_detection_config")
    assert change.object_id == str(world.project.pk)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.fixed_dictionaries(dict.fromkeys(DEFAULTS, st.integers(1, 2**31 - 1))))
def test_the_fast_path_shows_what_the_serializer_says(world: World, values: dict[str, int]) -> None:
    SpikeDetectionConfig.objects.filter(environment_id=world.project.pk).delete()
    SpikeDetectionConfig.objects.create(environment=world.project, **values)
    assert_same(SpikeDetectionConfigViewSet, world.project)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=JSON | st.fixed_dictionaries({}, optional=dict.fromkeys(DEFAULTS, JSON)))
def test_any_json_is_stored_or_refused(world: World, api: Api, body: Any) -> None:
    status, shown = answer(api.patch(CHANGE, json.dumps(body).encode()))
    assert status in {200, 400}
    if status == 200:
        assert rows(world.project) == [shown]
