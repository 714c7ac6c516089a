"""Where a personal API key and a project token may stand in a request (contract 1.1 and 1.2)."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import NamedTuple

from rest_framework.permissions import SAFE_METHODS

from environments.api.requests import APIRequest

FIELD = "personal_api_key"
# `Bearer` in exactly this case, at least one blank, at least two characters.
_BEARER = re.compile(r"Bearer\s+(\S.*\S)\s*\Z", re.DOTALL)
_OAUTH_PREFIX = "pha_"


class FoundKey(NamedTuple):
    """A key as the client sent it, and the word for its place that the error text uses."""

    value: str
    source: str


def bearer(request: APIRequest) -> str | None:
    """Return the bearer token of the ``Authorization`` header, if there is one."""
    match = _BEARER.match(request.META.get("HTTP_AUTHORIZATION", ""))
    return match[1] if match else None


def find_key(request: APIRequest) -> FoundKey | None:
    """Return the first key of header, body and query string; later ones are not looked at.

    An OAuth token in the header is no key and also ends the search: it is another way to authenticate.
    """
    if (token := bearer(request)) is not None:
        return None if token.startswith(_OAUTH_PREFIX) else FoundKey(token, "Authorization header")
    body = request.peek()
    if isinstance(body, Mapping) and (value := body.get(FIELD)) is not None:
        # What is no text was meant as a key and is none: it is refused as one, under its JSON.
        return FoundKey(value if isinstance(value, str) else repr(value), "body")
    if FIELD in request.query_params:
        return FoundKey(request.query_params[FIELD], "query string")
    return None


def looks_like_jwt(token: str) -> bool:
    """Return whether ``token`` has the form of a JSON web token: two JSON objects in base64url and a signature."""
    parts = token.split(".")
    if len(parts) != 3:
        return False
    try:
        header, claims = (json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in parts[:2])
    except (ValueError, RecursionError):
        return False
    return isinstance(header, dict) and "alg" in header and isinstance(claims, dict)


def find_project_token(request: APIRequest) -> str | None:
    """Return the project token that overrides the project of the path; a JSON body is not searched.

    Raises what is wrong with the body of a write: that is noticed here, before the key's scopes are compared.
    """
    if request.method in {"GET", "HEAD"} and (token := _either(request.query_params, "token", "api_key")):
        return token
    if not request.has_body() or (request.method in SAFE_METHODS and request.peek() is None):
        return None
    return _either(request.form(), "api_key", "token")


def _either(fields: Mapping[str, object], first: str, second: str) -> str | None:
    for name in (first, second):
        if (value := fields.get(name)) and isinstance(value, str):
            return value
    return None
