"""The API's own exceptions; what each answers is written in ``environments.api.errors``."""

from __future__ import annotations

from typing import Any

from rest_framework import status
from rest_framework.exceptions import APIException, NotFound, ValidationError


class ProjectNotFound(NotFound):
    """The path names no project: not a number, unknown, or ``@current`` of a user who has none (contract 1.1)."""

    default_detail = "Project not found."


class Conflict(APIException):
    """Another change got in between, such as the deletion of the project that is written to."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "The request conflicts with another change. Please retry."
    default_code = "conflict"


class ProtectedObject(APIException):
    """Something that still refers to the object forbids the operation (contract 1.4)."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "Requested operation cannot be completed because a related object is protected."
    default_code = "protected_error"


class RequestTooLarge(APIException):
    """The body is larger than the server reads: in bytes (contract 1.5: 20 MB), or in values (`parsers.MAX_VALUES`).

    The real system's answer is unknown.
    """

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "Request body exceeds the maximum of 20 MB."
    default_code = "request_too_large"


class MalformedRequest(APIException):
    """The request breaks a rule of HTTP or a limit of Django's, before anything in it has a meaning."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_detail = "The request cannot be read."
    default_code = "bad_request"


class BareDetail(APIException):
    """An error whose body is only ``{"detail": …}``: a few places answer so (contract 1.4, the exceptions)."""

    status_code = status.HTTP_400_BAD_REQUEST


class FieldError(ValidationError):
    """A 400 that names one field, with a text and a code of its own."""

    def __init__(self, field: str | int, text: str, code: str = "invalid") -> None:
        detail: dict[Any, Any] = {field: [text]}
        super().__init__(detail, code)


class ItemError(ValidationError):
    """A 400 about one item of a list: its ``attr`` is ``field__index``."""

    def __init__(self, field: str, index: int, text: str, code: str = "invalid") -> None:
        detail: dict[Any, Any] = {index: [text]}
        super().__init__({field: detail}, code)
