"""What the edge answers, in words of HTTP alone: most requests are answered before Django makes an object of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from errortracking.ingest import metrics, refusal

# SDKs wait at least as long as this says; a restart of PostgreSQL takes about as long.
RETRY_AFTER_SECONDS: Final = 5
# How long browsers may remember a preflight; a day is the most that any of them does.
_PREFLIGHT_SECONDS: Final = 86_400

JSON: Final = "application/json"

Headers = tuple[tuple[str, str], ...]
Environ = Mapping[str, Any]
"""A WSGI environment, which is also the ``META`` of Django's request."""


class Answer(NamedTuple):
    """A response; ``headers`` are those beside ``Content-Type``."""

    status: int
    body: bytes
    content_type: str
    headers: Headers = ()


_OK: Final = Answer(200, b'{"status":"Ok"}', JSON)


def ok() -> Answer:
    """Return the answer to whatever was accepted."""
    return _OK


def not_allowed(allowed: Collection[str]) -> Answer:
    """Return the answer to a method that is not one of ``allowed``."""
    return Answer(405, b"method not allowed", "text/plain", (("Allow", ", ".join(allowed)),))


def refuse(refused: refusal.Refused) -> Answer:
    """Return the answer to a refused request, and count it."""
    metrics.REFUSALS.labels(refused.reason).inc()
    headers = (("Retry-After", str(RETRY_AFTER_SECONDS)),) if refused.status == 503 else ()
    return Answer(refused.status, refused.text.encode(), "text/plain; charset=utf-8", headers)


_VARY: Final[Headers] = (("Vary", "Origin"),)


def for_origin(environ: Environ) -> Headers:
    """Return the headers of CORS: any page may send events, with the headers it asks for."""
    origin = environ.get("HTTP_ORIGIN")
    if not origin:
        return _VARY
    headers = (
        *_VARY,
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Allow-Methods", "GET, POST, OPTIONS"),
    )
    if asked := environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS"):
        headers += (
            ("Access-Control-Allow-Headers", asked),
            ("Access-Control-Max-Age", str(_PREFLIGHT_SECONDS)),
        )
    return headers
