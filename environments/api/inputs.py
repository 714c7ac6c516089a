"""Reading what a client sent: every function returns a value that can be used and stored, or raises a 4xx.

The texts and codes are those of DRF's fields, for the endpoints whose rules no serializer can express.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final
from uuid import UUID

from django.http import Http404, QueryDict
from rest_framework.exceptions import ValidationError

from environments.api.exceptions import FieldError, ItemError
from environments.api.requests import APIRequest

MAX_JSON: Final = 1024 * 1024
"""Bytes of one JSON value that is stored. PostgreSQL writes 1e308 out in 309 digits, so a body of 20 MB could become an
answer of a gigabyte."""

_UUID: Final = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\Z", re.IGNORECASE | re.ASCII)
_NUL_ESCAPE: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
NO_NUL: Final = ("Null characters are not allowed.", "null_characters_not_allowed")
NO_SURROGATE: Final = "surrogate_characters_not_allowed"


def body(request: APIRequest) -> dict[str, Any]:
    """Return the fields of a write: a JSON object, or a form's fields (of a repeated one the last).

    Raises ``ValidationError`` for another kind of JSON, and what is wrong with the body.
    """
    data = request.data
    if isinstance(data, QueryDict):
        return request.form().dict()  # without files
    if not isinstance(data, dict):
        raise ValidationError(f"Invalid data. Expected a dictionary, but got {type(data).__name__}.")
    return data


def uuid_in_path(text: str) -> UUID:
    """Return the id in a path; raise ``Http404`` where it is none, since no such object can exist."""
    if not _UUID.match(text):
        raise Http404
    return UUID(text)


def uuid_or_none(text: str) -> UUID | None:
    """Return the uuid in a text, ``None`` where it is none."""
    return UUID(text) if _UUID.match(text) else None


def uuid_field(name: str, value: Any) -> UUID:
    """Return the uuid in the field or query parameter ``name``; raise a 400 that names it."""
    if not isinstance(value, str) or not _UUID.match(value):
        raise FieldError(name, "Must be a valid UUID.")
    return UUID(value)


def text_problem(text: str) -> tuple[str, str] | None:
    """Return text and code of what keeps ``text`` from being stored, ``None`` where nothing does."""
    if "\x00" in text:
        return NO_NUL
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"Surrogate characters are not allowed: U+{ord(text[error.start]):X}.", NO_SURROGATE
    return None


def text_field(name: str, value: Any) -> str:
    """Return ``value`` as text that can be stored. Numbers become text; raise a 400 for other kinds of JSON."""
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value in _NOT_FINITE:
        raise FieldError(name, "Not a valid string.")
    text = str(value)
    if problem := text_problem(text):
        raise FieldError(name, *problem)
    return text


_NOT_FINITE: Final = (float("inf"), float("-inf"))


def text_item(name: str, index: int, value: Any) -> str:
    """Return item ``index`` of the list ``name``; raise a 400 where it is no text."""
    if not isinstance(value, str):
        raise ItemError(name, index, "Not a valid string.")
    if problem := text_problem(value):
        raise ItemError(name, index, *problem)
    return value


def json_field(name: str, value: Any) -> Any:
    """Return ``value`` if PostgreSQL can store it as jsonb; raise a 400 that names the field ``name``."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        size = len(text.encode())
    except UnicodeEncodeError as error:
        surrogate = ord(error.object[error.start])
        raise FieldError(name, f"Surrogate characters are not allowed: U+{surrogate:X}.", NO_SURROGATE) from error
    except ValueError as error:
        raise FieldError(name, "Value must be valid JSON.") from error  # a number beyond a float's range
    if _NUL_ESCAPE.search(text):
        raise FieldError(name, *NO_NUL)
    if size > MAX_JSON:
        raise FieldError(name, f"Ensure this field has no more than {MAX_JSON} bytes.", "max_length")
    return value
