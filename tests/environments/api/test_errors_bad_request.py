"""Contract 1.4: what is wrong with a request's fields and body, each row with its literal text."""

from __future__ import annotations

import pytest

from tests.environments.api.test_errors import api, raising
from tests.environments.world import Api, answer, error

__all__ = ["api"]

pytestmark = pytest.mark.urls("tests.environments.api.endpoints")


def reading(api: Api, body: object) -> tuple[int, object]:
    return answer(api.post("faulty/reads/", body))


def invalid(detail: str, attr: str | None, code: str = "invalid_input") -> tuple[int, object]:
    return error(400, "validation_error", code, detail, attr)


def test_a_field_error_names_the_field_and_rewrites_invalid(api: Api) -> None:
    """1.4, 400 field: `invalid` is rewritten to `invalid_input`."""
    assert reading(api, {"needed": "x", "number": "many"}) == invalid("A valid integer is required.", "number")


def test_a_missing_field_is_required(api: Api) -> None:
    """1.4, 400 field: `required`."""
    assert reading(api, {}) == invalid("This field is required.", "needed", "required")


def test_null_is_null(api: Api) -> None:
    """1.4, 400 field: `null`."""
    assert reading(api, {"needed": None}) == invalid("This field may not be null.", "needed", "null")


def test_blank_is_blank(api: Api) -> None:
    """1.4, 400 field: `blank`."""
    assert reading(api, {"needed": ""}) == invalid("This field may not be blank.", "needed", "blank")


def test_a_long_text_is_max_length(api: Api) -> None:
    """1.4, 400 field: `max_length`."""
    expected = invalid("Ensure this field has no more than 3 characters.", "text", "max_length")
    assert reading(api, {"needed": "x", "text": "long"}) == expected


def test_a_small_number_is_min_value(api: Api) -> None:
    """1.4, 400 field: `min_value`."""
    expected = invalid("Ensure this value is greater than or equal to 1.", "number", "min_value")
    assert reading(api, {"needed": "x", "number": 0}) == expected


@pytest.mark.parametrize("number", [2**31, 2**63, 2**64, 10**100])
def test_an_integer_above_32_bits_is_max_value(api: Api, number: int) -> None:
    """Decision table: integer above 2147483647."""
    expected = invalid("Ensure this value is less than or equal to 2147483647.", "number", "max_value")
    assert reading(api, {"needed": "x", "number": number}) == expected


def test_an_integer_text_of_a_thousand_digits_is_max_string_length(api: Api) -> None:
    """1.4, 400 field: `max_string_length`."""
    expected = invalid("String value too large.", "number", "max_string_length")
    assert reading(api, {"needed": "x", "number": "9" * 1001}) == expected


def test_no_list_is_not_a_list(api: Api) -> None:
    """1.4, 400 field: `not_a_list`."""
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
    """1.4, 400 nested: list index included."""
    expected = invalid("This field is required.", "many__1__n", "required")
    assert reading(api, {"needed": "x", "many": [{"n": 1}, {}]}) == expected


def test_only_the_first_error_is_reported(api: Api) -> None:
    """1.4: only the **first** field error is reported."""
    assert answer(raising(api, "several")) == invalid("First.", "b")
    expected = invalid("Ensure this field has no more than 3 characters.", "text", "max_length")
    assert reading(api, {"text": "long", "number": "x", "needed": None}) == expected


def test_an_error_without_a_field_has_no_attr(api: Api) -> None:
    """1.4, 400 no field."""
    assert answer(raising(api, "plain")) == invalid("Version is required", None)
    assert answer(raising(api, "non-field")) == invalid("Both are set.", None)


def test_an_error_without_a_field_may_have_its_own_code(api: Api) -> None:
    """1.4, 400 no field: or custom code."""
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
