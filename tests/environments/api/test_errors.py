"""Contract 1.4: one body for every error; each row with its literal text."""

from __future__ import annotations

import json

import pytest
from django.http import HttpResponse

from tests.environments.api.endpoints import FAULTS
from tests.environments.world import Api, World, answer, error

pytestmark = pytest.mark.urls("tests.environments.api.endpoints")


@pytest.fixture
def api(world: World) -> Api:
    return world.api()


def raising(api: Api, fault: str) -> HttpResponse:
    api.client.raise_request_exception = False
    return api.get(f"faulty/raises/{fault}/")


def reading(api: Api, body: object) -> tuple[int, object]:
    return answer(api.post("faulty/reads/", body))


def invalid(detail: str, attr: str | None, code: str = "invalid_input") -> tuple[int, object]:
    return error(400, "validation_error", code, detail, attr)


@pytest.mark.parametrize("fault", sorted(set(FAULTS) - {"bare", "down", "closed"}))
def test_every_error_has_exactly_the_four_keys_and_is_json(api: Api, fault: str) -> None:
    """1.4: body has exactly type, code, detail, attr."""
    response = raising(api, fault)
    assert set(json.loads(response.content)) == {"type", "code", "detail", "attr"}
    assert response["Content-Type"] == "application/json"
    assert b"secret" not in response.content


# ---- 400


def test_a_field_error_names_the_field_and_rewrites_invalid(api: Api) -> None:
    """1.4, 400 field: `invalid` is rewritten to `invalid_input`."""
    assert reading(api, {"needed": "x", "number": "many"}) == invalid("A valid integer is required.", "number")


def test_a_missing_field_is_required(api: Api) -> None:
    assert reading(api, {}) == invalid("This field is required.", "needed", "required")


def test_null_is_null(api: Api) -> None:
    assert reading(api, {"needed": None}) == invalid("This field may not be null.", "needed", "null")


def test_blank_is_blank(api: Api) -> None:
    assert reading(api, {"needed": ""}) == invalid("This field may not be blank.", "needed", "blank")


def test_a_long_text_is_max_length(api: Api) -> None:
    expected = invalid("Ensure this field has no more than 3 characters.", "text", "max_length")
    assert reading(api, {"needed": "x", "text": "long"}) == expected


def test_a_small_number_is_min_value(api: Api) -> None:
    expected = invalid("Ensure this value is greater than or equal to 1.", "number", "min_value")
    assert reading(api, {"needed": "x", "number": 0}) == expected


@pytest.mark.parametrize("number", [2**31, 2**63, 2**64, 10**100])
def test_an_integer_above_32_bits_is_max_value(api: Api, number: int) -> None:
    """Decision table: integer above 2147483647."""
    expected = invalid("Ensure this value is less than or equal to 2147483647.", "number", "max_value")
    assert reading(api, {"needed": "x", "number": number}) == expected


def test_an_integer_text_of_a_thousand_digits_is_max_string_length(api: Api) -> None:
    expected = invalid("String value too large.", "number", "max_string_length")
    assert reading(api, {"needed": "x", "number": "9" * 1001}) == expected


def test_no_list_is_not_a_list(api: Api) -> None:
    expected = invalid('Expected a list of items but got type "str".', "raw_ids", "not_a_list")
    assert reading(api, {"needed": "x", "raw_ids": "abc"}) == expected


def test_a_nested_error_joins_the_names(api: Api) -> None:
    """1.4, 400 nested."""
    expected = invalid("A valid integer is required.", "nested__n")
    assert reading(api, {"needed": "x", "nested": {"n": "z"}}) == expected


def test_an_error_in_a_list_includes_the_index(api: Api) -> None:
    """1.4, 400 nested: `raw_ids__1`."""
    assert reading(api, {"needed": "x", "raw_ids": ["a", [], []]}) == invalid("Not a valid string.", "raw_ids__1")


def test_an_error_in_a_list_of_objects_includes_index_and_name(api: Api) -> None:
    expected = invalid("This field is required.", "many__1__n", "required")
    assert reading(api, {"needed": "x", "many": [{"n": 1}, {}]}) == expected


def test_only_the_first_error_is_reported(api: Api) -> None:
    assert answer(raising(api, "several")) == invalid("First.", "b")
    expected = invalid("Ensure this field has no more than 3 characters.", "text", "max_length")
    assert reading(api, {"text": "long", "number": "x", "needed": None}) == expected


def test_an_error_without_a_field_has_no_attr(api: Api) -> None:
    """1.4, 400 no field."""
    assert answer(raising(api, "plain")) == invalid("Version is required", None)
    assert answer(raising(api, "non-field")) == invalid("Both are set.", None)


def test_an_error_without_a_field_may_have_its_own_code(api: Api) -> None:
    assert answer(raising(api, "coded")) == invalid("Hash id 7 already in use", None, "release_hash_in_use")


def test_the_helpers_for_fields_and_items_name_them(api: Api) -> None:
    assert answer(raising(api, "field")) == invalid("Must be a valid UUID.", "symbol_set")
    assert answer(raising(api, "item")) == invalid("Not a valid string.", "raw_ids__1")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (b"nope", "Expecting value: line 1 column 1 (char 0)"),
        (b'{"a": 1} x', "Extra data: line 1 column 10 (char 9)"),
        (b'{"a": "\x01"}', "Invalid control character at: line 1 column 8 (char 7)"),
        (b'{"a": NaN}', "Out of range float values are not JSON compliant: 'NaN'"),
        (b"\xff", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    ],
)
def test_a_body_that_is_no_json_is_a_parse_error_with_pythons_message(api: Api, body: bytes, text: str) -> None:
    """1.4, 400 body not JSON."""
    expected = error(400, "invalid_request", "parse_error", f"JSON parse error - {text}")
    assert answer(api.post("faulty/reads/", body)) == expected


@pytest.mark.parametrize(("body", "kind"), [([], "list"), ("text", "str"), (1, "int"), (1.5, "float"), (True, "bool")])
def test_a_body_that_is_no_object_is_refused(api: Api, body: object, kind: str) -> None:
    """1.4, 400 non-object body."""
    expected = invalid(f"Invalid data. Expected a dictionary, but got {kind}.", None)
    assert reading(api, body) == expected


def test_a_broken_rule_of_the_database_is_a_400(api: Api) -> None:
    """The net below the checks: it must never be needed."""
    assert answer(raising(api, "data")) == invalid("The request holds a value that cannot be stored.", None)


@pytest.mark.parametrize("fault", ["suspicious", "fields"])
def test_what_django_refuses_is_a_400(api: Api, fault: str) -> None:
    assert answer(raising(api, fault)) == error(400, "invalid_request", "bad_request", "The request cannot be read.")


# ---- 403, 404, 405, 406, 409


@pytest.mark.parametrize("fault", ["permission", "drf-permission"])
def test_a_refusal_without_words_has_the_default_text(api: Api, fault: str) -> None:
    expected = error(
        403, "authentication_error", "permission_denied", "You do not have permission to perform this action."
    )
    assert answer(raising(api, fault)) == expected


def test_not_found_does_not_leak_the_models_name(api: Api) -> None:
    """1.4, 404."""
    assert answer(raising(api, "http404")) == error(404, "invalid_request", "not_found", "Not found.")


def test_a_wrong_method_is_a_405_with_allow(api: Api) -> None:
    response = api.put("faulty/reads/", {})
    assert answer(response) == error(405, "invalid_request", "method_not_allowed", 'Method "PUT" not allowed.')
    assert response["Allow"] == "POST, OPTIONS"


@pytest.mark.parametrize("accept", ["text/html", "application/xml;q=0.9", "image/*"])
def test_another_media_type_than_json_is_a_406(api: Api, accept: str) -> None:
    """1.4: only JSON is rendered."""
    response = api.get("error_tracking/releases/", headers={"Accept": accept})
    expected = error(406, "invalid_request", "not_acceptable", "Could not satisfy the request Accept header.")
    assert answer(response) == expected


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "application/*",
        "application/json",
        "text/html, application/json;q=0.1",
        "application/json;v=2",
        "text/html, */*",
    ],
)
def test_what_json_satisfies_is_answered_in_json(api: Api, accept: str) -> None:
    response = api.get("error_tracking/releases/", headers={"Accept": accept})
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"


@pytest.mark.parametrize("accept", ["application/json; a*=nonsense''%20", "x; a*=''%ff", ";" * 9000, "/", ",,,"])
def test_a_strange_accept_header_is_no_defect(api: Api, accept: str) -> None:
    assert api.get("error_tracking/releases/", headers={"Accept": accept}).status_code in {200, 406}


@pytest.mark.parametrize("fault", ["protected", "restricted"])
def test_a_protected_object_is_a_409(api: Api, fault: str) -> None:
    """1.4, 409."""
    text = "Requested operation cannot be completed because a related object is protected."
    assert answer(raising(api, fault)) == error(409, "invalid_request", "protected_error", text)


def test_a_conflict_in_the_database_is_a_409(api: Api) -> None:
    text = "The request conflicts with another change. Please retry."
    assert answer(raising(api, "integrity")) == error(409, "invalid_request", "conflict", text)


# ---- 413, 415, 429


def test_a_body_above_20_mb_is_a_413(api: Api) -> None:
    """1.5: at most 20 MB; which status the real system gives is unknown."""
    text = "Request body exceeds the maximum of 20 MB."
    expected = error(413, "invalid_request", "request_too_large", text)
    assert answer(api.post("faulty/reads/", b" " * (20 * 1024 * 1024 + 1))) == expected
    assert answer(raising(api, "large")) == expected


def test_a_multipart_body_above_20_mb_is_a_413(api: Api) -> None:
    """Django alone would count its fields and not its files."""
    response = api.post("faulty/reads/", b" " * (20 * 1024 * 1024 + 1), content_type="multipart/form-data; boundary=x")
    assert response.status_code == 413


def test_a_body_of_20_mb_is_read(api: Api) -> None:
    body = b'{"needed": "x"}'.ljust(20 * 1024 * 1024)
    assert answer(api.post("faulty/reads/", body)) == (200, {"needed": "x"})


def test_a_large_body_without_credentials_is_a_401(world: World) -> None:
    assert world.anonymous().post("faulty/reads/", b" " * (20 * 1024 * 1024 + 1)).status_code == 401


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "application/json5", "x", "a/b/c"])
def test_another_kind_of_body_is_a_415(api: Api, media_type: str) -> None:
    """1.4, 415."""
    text = f'Unsupported media type "{media_type}" in request.'
    response = api.post("faulty/reads/", b'{"needed": "x"}', content_type=media_type)
    assert answer(response) == error(415, "invalid_request", "unsupported_media_type", text)


def test_json_form_and_multipart_are_read(api: Api) -> None:
    json_answer = api.post("faulty/reads/", b'{"needed": "x"}', content_type="application/json; charset=utf-8")
    form = api.post("faulty/reads/", b"needed=x", content_type="application/x-www-form-urlencoded")
    parts = b'--b\r\nContent-Disposition: form-data; name="needed"\r\n\r\nx\r\n--b--\r\n'
    multipart = api.post("faulty/reads/", parts, content_type="multipart/form-data; boundary=b")
    assert [answer(r) for r in (json_answer, form, multipart)] == [(200, {"needed": "x"})] * 3


def test_throttling_is_a_429_with_retry_after(api: Api) -> None:
    """1.4 and 1.5, 429."""
    response = raising(api, "throttled")
    text = "Request was throttled. Expected available in 60 seconds."
    assert answer(response) == error(429, "throttled_error", "throttled", text)
    assert response["Retry-After"] == "60"
    assert not [name for name in response.headers if name.lower().startswith("x-ratelimit")]


def test_one_second_is_singular(api: Api) -> None:
    response = raising(api, "throttled-briefly")
    assert answer(response)[1]["detail"] == "Request was throttled. Expected available in 1 second."
    assert response["Retry-After"] == "1"


def test_throttling_without_a_time_says_none(api: Api) -> None:
    response = raising(api, "throttled-somehow")
    assert answer(response) == error(429, "throttled_error", "throttled", "Request was throttled.")
    assert "Retry-After" not in response


# ---- 500 and 503


def test_a_defect_is_a_500_in_the_same_shape(api: Api) -> None:
    """1.4, 500."""
    assert answer(raising(api, "defect")) == error(500, "server_error", "error", "A server error occurred.")


@pytest.mark.parametrize("fault", ["down", "closed"])
def test_a_database_that_is_away_is_a_503(api: Api, fault: str) -> None:
    response = raising(api, fault)
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0


# ---- exceptions to the format


def test_some_places_answer_a_bare_detail(api: Api) -> None:
    """1.4, exceptions to the format."""
    assert answer(raising(api, "bare")) == (400, {"detail": "Could not resolve health issue."})


@pytest.mark.parametrize("path", ["error_tracking/releases/", "faulty/raises/plain/", "faulty/raises/http404/"])
def test_every_response_has_allow(api: Api, path: str) -> None:
    """1.4, order: every DRF response has Allow."""
    assert "GET" in api.get(path)["Allow"]
    api.key = "phx_wrong"
    assert "GET" in api.get(path)["Allow"]
