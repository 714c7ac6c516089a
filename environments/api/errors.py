"""Every error of the API as one body: ``type``, ``code``, ``detail``, ``attr`` (contract 1.4).

The shape is that of drf-exceptions-hog: only the first error of a field is reported. That package is not maintained
and would be most of a dependency for these lines.
"""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import DataError, IntegrityError
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404, UnreadablePostError
from rest_framework import exceptions, status
from rest_framework.response import Response

from environments.api.exceptions import (
    BareDetail,
    Conflict,
    MalformedRequest,
    ProtectedObject,
    RequestTooLarge,
)

SEPARATOR: Final = "__"
_NO_FIELD: Final = "non_field_errors"

# A request may break a rule of the database that no check of ours foresaw: still the client's fault, and still no 500.
# Whoever finds one of these in a log adds the check that names the field.
UNSTORABLE: Final = "The request holds a value that cannot be stored."


def body(kind: str, code: str, detail: str, attr: str | None = None) -> dict[str, str | None]:
    """Return the body of an error."""
    return {"type": kind, "code": code, "detail": detail, "attr": attr}


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return the answer to an exception; ``None`` for a defect or a database that is away.

    Those two are left to Django: ``RequestMiddleware`` answers 503, ``handler500`` 500, and both are logged.
    """
    known = _translate(error)
    if known is None:
        return None
    if isinstance(known, BareDetail):
        return Response({"detail": str(known.detail)}, status=known.status_code)
    path, leaf = _first(known.detail)
    code = "invalid_input" if leaf.code == "invalid" else str(leaf.code)
    attr = SEPARATOR.join(path) or None
    return Response(body(_kind(known), code, str(leaf), attr), status=known.status_code, headers=_headers(known))


def _translate(error: Exception) -> exceptions.APIException | None:
    """Return the API's exception for whatever a view raised, or ``None`` where it is not the request's fault."""
    if isinstance(error, exceptions.APIException):
        return error
    # Django's texts are dropped: they name models and paths.
    for kinds, make in _TRANSLATIONS:
        if isinstance(error, kinds):
            made: exceptions.APIException = make()
            return made
    return None


def _unstorable() -> exceptions.APIException:
    return exceptions.ValidationError(UNSTORABLE)


_TRANSLATIONS: Final[list[tuple[Any, Any]]] = [
    (Http404, exceptions.NotFound),
    (DjangoPermissionDenied, exceptions.PermissionDenied),
    ((ProtectedError, RestrictedError), ProtectedObject),
    (RequestDataTooBig, RequestTooLarge),  # before its base class
    ((SuspiciousOperation, UnreadablePostError), MalformedRequest),
    (DataError, _unstorable),
    (IntegrityError, Conflict),
]


def _first(detail: Any, path: tuple[str, ...] = ()) -> tuple[tuple[str, ...], exceptions.ErrorDetail]:
    """Return the first error of DRF's nested details and the names and indexes that lead to it."""
    if isinstance(detail, dict):
        key, value = next((key, value) for key, value in detail.items() if value)
        return _first(value, path if key == _NO_FIELD else (*path, str(key)))
    if isinstance(detail, list):
        index, value = next((index, value) for index, value in enumerate(detail) if value or value == "")
        # The errors of one field are a list of texts; a list of dicts or lists is one entry for each item.
        return _first(value, (*path, str(index)) if isinstance(value, dict | list) else path)
    return path, detail


def _kind(error: exceptions.APIException) -> str:
    if isinstance(error, exceptions.ValidationError):
        return "validation_error"
    if isinstance(error, exceptions.Throttled):
        return "throttled_error"
    if error.status_code in {status.HTTP_401_UNAUTHORIZED, status.HTTP_403_FORBIDDEN}:
        return "authentication_error"
    return "invalid_request" if error.status_code < 500 else "server_error"


def _headers(error: exceptions.APIException) -> dict[str, str]:
    if error.status_code == status.HTTP_401_UNAUTHORIZED:
        return {"WWW-Authenticate": challenge()}
    if wait := getattr(error, "wait", None):  # of a Throttled: whole seconds
        return {"Retry-After": str(wait)}
    return {}


def challenge() -> str:
    """Return the ``WWW-Authenticate`` of every 401 (contract 1.2)."""
    return f'Bearer resource_metadata="{settings.SITE_URL}/.well-known/oauth-protected-resource"'
