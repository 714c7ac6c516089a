"""Finding a request's project token and checking its form. Whether a project has it is asked in ``tokens``."""

from __future__ import annotations

from typing import Any, Final

from errortracking.ingest import limits
from errortracking.ingest.refusal import Refused, bad_token, unparsable

_BATCH_KEYS: Final = ("api_key", "token")
_EVENT_KEYS: Final = ("token", "$token", "api_key")


def of_request(document: Any, events: list[dict[str, Any]]) -> str:
    """Return the checked token of a request: the batch's, else the one that its events agree on.

    ``document`` is the parsed body, ``events`` the raw events in it. Events without a token are taken to belong to
    the others. Raises ``Refused`` (401) for none, for several and for a bad one.
    """
    if isinstance(document, dict) and "batch" in document:
        token = _first(document, _BATCH_KEYS)
        if token is not None:
            return checked(token)
    found = {token for event in events if (token := _of_event(event)) is not None}
    if not found:
        raise Refused(401, "event submitted without an api_key", "token")
    if len(found) > 1:
        raise Refused(401, "batch submitted with inconsistent api_key values", "token")
    return checked(found.pop())


def of_document(document: Any) -> str:
    """Return the checked token of a body that holds no events, such as a question for flags. Raises ``Refused``."""
    token = _of_event(document) if isinstance(document, dict) else None
    if token is None:
        raise Refused(401, "event submitted without an api_key", "token")
    return checked(token)


def of_header(authorization: str) -> str:
    """Return the checked token of an ``Authorization: Bearer …`` header. Raises ``Refused`` (401)."""
    scheme, _, token = authorization.strip().partition(" ")
    if not scheme:
        raise Refused(401, "event submitted without an api_key", "token")
    if scheme.lower() != "bearer":
        raise bad_token("the Authorization header must use the Bearer scheme")
    return checked(token)


def checked(token: str) -> str:
    """Return ``token`` without blanks around it. Raises ``Refused`` (401) with upstream's word for what is wrong."""
    token = token.strip(" \t\r\n")
    if not token:
        raise bad_token("empty")
    if len(token) > limits.TOKEN:
        raise bad_token("too_long")
    # The parser has made U+FFFD of every NUL, and a token has no other reason to hold that character.
    if "\0" in token or "\ufffd" in token:
        raise bad_token("null_byte")
    if not token.isascii():
        raise bad_token("not_ascii")
    if token.startswith("phx_"):
        raise bad_token("personal_api_key")
    return token


def _of_event(event: dict[str, Any]) -> str | None:
    token = _first(event, _EVENT_KEYS)
    if token is None and isinstance(properties := event.get("properties"), dict):
        token = _first(properties, ("token",))
    return token


def _first(holder: dict[str, Any], keys: tuple[str, ...]) -> str | None:
    for key in keys:
        token = holder.get(key)
        if token is not None:
            if not isinstance(token, str):
                raise unparsable(f"{key} must be a text")
            return token
    return None
