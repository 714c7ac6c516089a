"""Reading single values of a request."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from django.http import Http404
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError

from environments.api import inputs

ID = UUID("01a201fd-d3d2-7c81-8137-68167722af82")
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda children: st.lists(children) | st.dictionaries(st.text(st.characters()), children),
    max_leaves=10,
)


@pytest.mark.parametrize("text", [str(ID), str(ID).upper(), ID.hex, ID.hex.upper()])
def test_a_uuid_is_read_in_any_case_with_and_without_dashes(text: str) -> None:
    assert inputs.uuid_in_path(text) == ID
    assert inputs.uuid_field("id", text) == ID


@pytest.mark.parametrize(
    "text", ["", "x", str(ID)[:-1], f"{ID}0", f"{{{ID}}}", f"urn:uuid:{ID}", f" {ID}", f"{ID}\n", "٠" * 32, "-" * 36]
)
def test_other_spellings_are_no_uuid(text: str) -> None:
    with pytest.raises(Http404):
        inputs.uuid_in_path(text)
    with pytest.raises(ValidationError) as refusal:
        inputs.uuid_field("symbol_set", text)
    assert refusal.value.detail == {"symbol_set": ["Must be a valid UUID."]}


@given(st.text())
def test_any_text_in_a_path_is_a_uuid_or_not_found(text: str) -> None:
    with suppress(Http404):
        assert str(inputs.uuid_in_path(text)).replace("-", "") == text.replace("-", "").lower()


@given(ANY_JSON)
def test_what_is_accepted_as_text_can_be_stored(value: Any) -> None:
    try:
        text = inputs.text_field("name", value)
    except ValidationError:
        return
    assert "\0" not in text
    text.encode()


@given(ANY_JSON)
def test_what_is_accepted_as_json_can_be_stored(value: Any) -> None:
    import json

    try:
        inputs.json_field("name", value)
    except ValidationError:
        return
    text = json.dumps(value, ensure_ascii=False)
    text.encode()
    assert "NaN" not in text.replace('"NaN"', "")
    for piece in pieces(value):
        assert "\0" not in piece


def pieces(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [*value, *(piece for item in value.values() for piece in pieces(item))]
    return [piece for item in value for piece in pieces(item)] if isinstance(value, list) else []


@pytest.mark.parametrize(("value", "text"), [(1, "1"), (1.0, "1.0"), (-0.5, "-0.5"), ("", ""), (" a ", " a ")])
def test_numbers_become_text(value: Any, text: str) -> None:
    assert inputs.text_field("name", value) == text


@pytest.mark.parametrize("value", [None, True, False, [], {}, b"x", float("inf"), float("-inf")])
def test_other_kinds_are_no_text(value: Any) -> None:
    with pytest.raises(ValidationError):
        inputs.text_field("name", value)
