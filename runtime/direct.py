"""Requests that are answered without Django's request, middleware and response, which cost more than what they are for.

A view that needs none of these has an attribute ``direct``, which takes the WSGI environment and returns an answer
(`errortracking.ingest.http`). Here that gets what the middleware of ``config.settings`` gives to every request: a
request id, the headers of all answers, a line in the log, its place in the metrics. The tests hold the two ways equal.

Only plain POSTs go this way. Whatever middleware would look at closely is Django's: a cookie, a host that may not be
ours, another method.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache, lru_cache
from http.client import responses
from typing import Any, Final

import structlog
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpRequest
from django.urls import ResolverMatch

from errortracking.ingest.http import DEFECT
from runtime import request_ids
from runtime.requests import report

StartResponse = Callable[..., Any]

_LONGEST_HOST: Final = 255  # characters, of a name in DNS; what is longer is not remembered
# What Django's middleware adds, by the defaults of its settings.
_BEFORE_LENGTH: Final = (("X-Frame-Options", "DENY"),)
_AFTER_LENGTH: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)


def is_plain(environ: dict[str, Any]) -> bool:
    """Return whether middleware has nothing to say to a request but what it says to all."""
    return (
        environ["REQUEST_METHOD"] == "POST"
        and not environ.get("HTTP_COOKIE")
        and not environ.get("SCRIPT_NAME")
        and 0 < len(host := environ.get("HTTP_HOST", "")) <= _LONGEST_HOST
        and _is_ours(host, tuple(settings.ALLOWED_HOSTS))
    )


@lru_cache(256)  # clients know a server by a few names; it keeps what it is asked
def _is_ours(host: str, _allowed: tuple[str, ...]) -> bool:
    """Return whether Django takes requests for ``host``; for any but ``_allowed`` it is asked anew."""
    request = HttpRequest()
    request.META["HTTP_HOST"] = host
    try:
        return bool(request.get_host())
    except DisallowedHost:
        return False


def serve(match: ResolverMatch, environ: dict[str, Any], start_response: StartResponse) -> list[bytes] | None:
    """Answer by the ``direct`` of the view of ``match``; return ``None`` where Django is to answer.

    That is where the view raised what is a defect: it stands in ``environ`` then, and the view will raise it again.
    """
    request_id = request_ids.choose(environ.get(request_ids.META_NAME, ""))
    started = time.perf_counter()
    bound = structlog.contextvars.bind_contextvars(request_id=request_id)
    try:
        connections[DEFAULT_DB_ALIAS].close_if_unusable_or_obsolete()  # as at the beginning of each of Django's
        answer = match.func.direct(environ, **match.kwargs)  # type: ignore[attr-defined]
        report("POST", environ["PATH_INFO"], match.route, answer.status, time.perf_counter() - started)
    except Exception as error:
        environ[DEFECT], environ[request_ids.META_NAME] = error, request_id
        return None
    finally:
        structlog.contextvars.reset_contextvars(**bound)
    status, body, content_type, headers = answer
    start_response(
        _status_line(status),
        [
            ("Content-Type", content_type),
            *headers,
            *_BEFORE_LENGTH,
            ("Content-Length", str(len(body))),
            *_AFTER_LENGTH,
            (request_ids.HEADER, request_id),
        ],
    )
    return [body]


@cache  # as many as there are statuses
def _status_line(status: int) -> str:
    return f"{status} {responses[status]}"
