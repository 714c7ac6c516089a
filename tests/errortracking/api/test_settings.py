"""GET …/settings/retrieve_settings/ and PATCH …/settings/update_settings/ (contract 5)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from environments.models import Project
from errortracking.api.settings import SettingsViewSet
from errortracking.models import ErrorTrackingSettings
from tests.environments.same import JSON, assert_same
from tests.environments.world import Api, World, answer, error

FORM = "application/x-www-form-urlencoded"
FIELDS = [
    "project_rate_limit_value",
    "project_rate_limit_bucket_size_minutes",
    "per_issue_rate_limit_value",
    "per_issue_rate_limit_bucket_size_minutes",
]
NOTHING_SET = dict.fromkeys(FIELDS)
SHOW, CHANGE = "retrieve_settings/", "update_settings/"
every_field = pytest.mark.parametrize("field", FIELDS)


@pytest.fixture
def api(world: World) -> Api:
    """A client of the project's settings."""
    return Api(world.project, world.key("*"), below="error_tracking/settings/")


def rows(project: Project) -> list[dict[str, Any]]:
    return list(ErrorTrackingSettings.objects.filter(environment_id=project.pk).values(*FIELDS))


def invalid(detail: str, attr: str | None, code: str = "invalid_input") -> tuple[int, Any]:
    return error(400, "validation_error", code, detail, attr)


# ---- retrieve_settings


def test_the_first_look_makes_the_row_and_shows_four_nulls(world: World, api: Api) -> None:
    """5: four fields, default null, row created lazily by the first GET; 11.14: four."""
    assert rows(world.project) == []
    response = api.get(SHOW)
    assert answer(response) == (200, NOTHING_SET)
    assert list(json.loads(response.content)) == FIELDS
    assert rows(world.project) == [NOTHING_SET]
    assert answer(api.get(SHOW)) == (200, NOTHING_SET)
    assert rows(world.project) == [NOTHING_SET]


def test_what_is_set_is_shown(world: World, api: Api) -> None:
    """5, GET: 200 with the 4 fields."""
    values = dict(zip(FIELDS, [1, None, 2_147_483_647, 60], strict=True))
    ErrorTrackingSettings.objects.create(environment=world.project, **values)
    assert answer(api.get(SHOW)) == (200, values)


def test_a_read_key_may_make_the_row(world: World) -> None:
    api = world.api("error_tracking:read")
    assert answer(api.get("error_tracking/settings/retrieve_settings/")) == (200, NOTHING_SET)
    assert rows(world.project) == [NOTHING_SET]


def test_each_project_has_its_own(world: World, stranger: World, api: Api) -> None:
    """5: primary key = team."""
    ErrorTrackingSettings.objects.create(environment=stranger.project, project_rate_limit_value=7)
    assert answer(api.get(SHOW)) == (200, NOTHING_SET)
    assert answer(api.patch(CHANGE, {"project_rate_limit_value": 8}))[0] == 200
    assert rows(stranger.project) == [NOTHING_SET | {"project_rate_limit_value": 7}]


# ---- update_settings


def test_a_change_is_partial_and_answers_all_four(world: World, api: Api) -> None:
    """5, PATCH: partial; 200 with all 4; the row is made by the first PATCH too."""
    first = {"project_rate_limit_value": 1000, "per_issue_rate_limit_bucket_size_minutes": 5}
    assert answer(api.patch(CHANGE, first)) == (200, NOTHING_SET | first)
    second = {"per_issue_rate_limit_value": 3}
    assert answer(api.patch(CHANGE, second)) == (200, NOTHING_SET | first | second)
    assert rows(world.project) == [NOTHING_SET | first | second]
    assert answer(api.get(SHOW)) == (200, NOTHING_SET | first | second)


@every_field
def test_null_clears(world: World, api: Api, field: str) -> None:
    """5, PATCH: null clears."""
    values = dict.fromkeys(FIELDS, 9)
    ErrorTrackingSettings.objects.create(environment=world.project, **values)
    assert answer(api.patch(CHANGE, {field: None})) == (200, values | {field: None})
    assert answer(api.patch(CHANGE, dict.fromkeys(FIELDS))) == (200, NOTHING_SET)


def test_no_rule_ties_one_field_to_another(api: Api) -> None:
    """5, PATCH: no cross-field rule (bucket without value is fine)."""
    body = {"project_rate_limit_bucket_size_minutes": 1}
    assert answer(api.patch(CHANGE, body)) == (200, NOTHING_SET | body)


@pytest.mark.parametrize("body", [{}, None, {"nonsense": 1, "id": "x", "environment": 5, "team": [], "\ud800": "\0"}])
def test_unknown_keys_are_ignored(world: World, api: Api, body: Any) -> None:
    """5, PATCH: unknown keys ignored; 11.14: autocapture_exceptions_opt_in too."""
    assert answer(api.patch(CHANGE, body)) == (200, NOTHING_SET)
    known = {"autocapture_exceptions_opt_in": True, "project_rate_limit_value": 4, **(body or {})}
    assert answer(api.patch(CHANGE, known)) == (200, NOTHING_SET | {"project_rate_limit_value": 4})
    assert rows(world.project) == [NOTHING_SET | {"project_rate_limit_value": 4}]


@every_field
@pytest.mark.parametrize(
    ("value", "number"),
    [(1, 1), (2**31 - 1, 2**31 - 1), ("7", 7), (" 7 ", 7), ("007", 7), (1.0, 1), (1e3, 1000), ("1.0", 1), ("+7", 7)],
)
def test_integers_are_taken_and_texts_and_floats_that_are_some(api: Api, field: str, value: Any, number: int) -> None:
    """5, PATCH: `"7"` and `1.0` accepted."""
    assert answer(api.patch(CHANGE, {field: value})) == (200, NOTHING_SET | {field: number})


@every_field
@pytest.mark.parametrize("value", [0, -1, "0", -(2**31), -(2**63), -(10**100), 0.0, -0.0])
def test_below_1_is_a_min_value(world: World, api: Api, field: str, value: Any) -> None:
    """5, PATCH: 0 or negative."""
    expected = invalid("Ensure this value is greater than or equal to 1.", field, "min_value")
    assert answer(api.patch(CHANGE, {field: value})) == expected
    assert rows(world.project) == []


@every_field
@pytest.mark.parametrize("value", [2**31, 2**32, 2**63, 2**64, 10**100, 10**4000, str(2**31), "9" * 1000])
def test_above_31_bits_is_a_max_value(world: World, api: Api, field: str, value: Any) -> None:
    """Decision table: integer above 2147483647 → 400 max_value."""
    expected = invalid("Ensure this value is less than or equal to 2147483647.", field, "max_value")
    assert answer(api.patch(CHANGE, {field: value})) == expected
    assert rows(world.project) == []


@every_field
@pytest.mark.parametrize(
    "value",
    [
        *(True, False, 1.5, 1e20, 1e400, "1.5", "many", "", " ", "1e3", "0x10", "NaN", "null"),
        *([], [1], {}, {"a": 1}, "\0", "7\0", "\ud800", "💥", "١a"),
    ],
)
def test_what_is_no_integer_is_invalid(world: World, api: Api, field: str, value: Any) -> None:
    """5, PATCH: text or 1.5 or true."""
    body = json.dumps({field: value}).replace("Infinity", "1e400").encode()
    assert answer(api.patch(CHANGE, body)) == invalid("A valid integer is required.", field)
    assert rows(world.project) == []


@every_field
def test_a_text_of_more_than_a_thousand_digits_is_too_large(api: Api, field: str) -> None:
    """1.4, 400 field: max_string_length."""
    expected = invalid("String value too large.", field, "max_string_length")
    assert answer(api.patch(CHANGE, {field: "9" * 1001})) == expected


def test_one_wrong_value_changes_nothing(world: World, api: Api) -> None:
    ErrorTrackingSettings.objects.create(environment=world.project, project_rate_limit_value=5)
    body = {"project_rate_limit_value": 6, "per_issue_rate_limit_value": 0, "nonsense": 1}
    assert answer(api.patch(CHANGE, body))[1]["attr"] == "per_issue_rate_limit_value"
    assert rows(world.project) == [NOTHING_SET | {"project_rate_limit_value": 5}]


@pytest.mark.parametrize(("body", "kind"), [([], "list"), ([1], "list"), ("text", "str"), (1, "int"), (True, "bool")])
def test_a_body_that_is_no_object_is_a_400(world: World, api: Api, body: Any, kind: str) -> None:
    """1.4, 400 non-object body."""
    expected = invalid(f"Invalid data. Expected a dictionary, but got {kind}.", None)
    assert answer(api.patch(CHANGE, body)) == expected
    assert rows(world.project) == []


def test_a_body_of_json_null_is_a_400(api: Api) -> None:
    assert answer(api.patch(CHANGE, b"null")) == invalid("No data provided", None, "null")


def test_a_form_is_read_and_its_empty_field_is_null(api: Api) -> None:
    """1.4, 415: forms are accepted; a form has no other way to say null."""
    set_two = b"project_rate_limit_value=5&per_issue_rate_limit_value=6&per_issue_rate_limit_value=7"
    expected = NOTHING_SET | {"project_rate_limit_value": 5, "per_issue_rate_limit_value": 7}
    assert answer(api.patch(CHANGE, set_two, content_type=FORM)) == (200, expected)
    cleared = answer(api.patch(CHANGE, b"project_rate_limit_value=", content_type=FORM))
    assert cleared == (200, expected | {"project_rate_limit_value": None})


def test_a_zero_that_an_operator_wrote_is_shown_and_stays_until_it_is_replaced(world: World, api: Api) -> None:
    """Pipeline 2.11 knows a per-issue 0 (opted out), which no PATCH can set; one of another field leaves it."""
    ErrorTrackingSettings.objects.create(environment=world.project, per_issue_rate_limit_value=0)
    expected = NOTHING_SET | {"per_issue_rate_limit_value": 0}
    assert answer(api.get(SHOW)) == (200, expected)
    changed = answer(api.patch(CHANGE, {"project_rate_limit_value": 5}))
    assert changed == (200, expected | {"project_rate_limit_value": 5})
    assert answer(api.patch(CHANGE, {"per_issue_rate_limit_value": 1}))[1]["per_issue_rate_limit_value"] == 1


# ---- whatever is stored or sent


VALUE = st.none() | st.integers(1, 2**31 - 1)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.fixed_dictionaries(dict.fromkeys(FIELDS, VALUE)))
def test_the_fast_path_shows_what_the_serializer_says(world: World, values: dict[str, Any]) -> None:
    ErrorTrackingSettings.objects.filter(environment_id=world.project.pk).delete()
    ErrorTrackingSettings.objects.create(environment=world.project, **values)
    assert_same(SettingsViewSet, world.project)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=JSON | st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSON)))
def test_any_json_is_stored_or_refused(world: World, api: Api, body: Any) -> None:
    status, shown = answer(api.patch(CHANGE, json.dumps(body).encode()))
    assert status in {200, 400}
    if status == 200:
        assert rows(world.project) == [shown]
