"""Between HTTP and the wire: bodies with a bound, CORS on every answer, refusals as plain text."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import wraps
from typing import Final, Protocol

import structlog
from django.core.handlers.exception import response_for_exception
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt

from errortracking.ingest import limits, metrics, refusal, wire

log = structlog.get_logger("healthtrack.ingest")

# SDKs wait at least as long as this says; a restart of PostgreSQL takes about as long.
RETRY_AFTER_SECONDS: Final = 5
# How long browsers may remember a preflight; a day is the most that any of them does.
_PREFLIGHT_SECONDS: Final = 86_400

View = Callable[..., HttpResponse]


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def edge(route: str, methods: Iterable[str]) -> Callable[[View], View]:
    """Make a view of the edge: only ``methods`` (and OPTIONS), no CSRF, CORS, counted; never an exception.

    The view may raise ``Refused``, which becomes the documented plain text, and the database's errors, which become
    503. ``route`` is the counter's label; where it is empty the URL's ``route`` argument is.
    """
    allowed = ("OPTIONS", *methods)

    def decorate(view: View) -> View:
        @csrf_exempt
        @wraps(view)
        def answer(request: HttpRequest, **arguments: str) -> HttpResponseBase:
            response = _answer(view, allowed, request, arguments)
            metrics.REQUESTS.labels(route or arguments.get("route", ""), str(response.status_code)).inc()
            return allow_origin(request, response)

        return answer  # type: ignore[return-value]

    return decorate


def _answer(view: View, allowed: Collection[str], request: HttpRequest, arguments: dict[str, str]) -> HttpResponseBase:
    """Return what the view answers, or what becomes of its exception."""
    try:
        if request.method not in allowed:
            return not_allowed(allowed)
        return ok() if request.method == "OPTIONS" else view(request, **arguments)
    except refusal.Refused as refused:
        return refuse(refused)
    except (DatabaseError, InterfaceError) as error:
        # Of any kind: whatever keeps the row from being stored, the client must keep the events and try again.
        # Only the first line: the next may quote the row, and with it what the client sent.
        log.warning("database unavailable", error=str(error).partition("\n")[0])
        return refuse(refusal.unavailable())
    except Exception as error:
        response: HttpResponseBase = response_for_exception(request, error)  # Django's 500, for CORS to be added to it
        return response


def not_allowed(allowed: Collection[str]) -> HttpResponse:
    """Return the answer to a method that is not one of ``allowed``."""
    response = HttpResponse("method not allowed", status=405, content_type="text/plain")
    response["Allow"] = ", ".join(allowed)
    return response


def ok() -> HttpResponse:
    """Return the answer to whatever was accepted."""
    return HttpResponse(b'{"status":"Ok"}', content_type="application/json")


def refuse(refused: refusal.Refused) -> HttpResponse:
    """Return the answer to a refused request, and count it."""
    metrics.REFUSALS.labels(refused.reason).inc()
    response = HttpResponse(refused.text, status=refused.status, content_type="text/plain; charset=utf-8")
    if refused.status == 503:
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def allow_origin(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Add CORS headers: any page may send events, with the headers it asks for."""
    patch_vary_headers(response, ["Origin"])
    if origin := request.headers.get("Origin"):
        response["Access-Control-Allow-Origin"] = origin
        response["Access-Control-Allow-Credentials"] = "true"
        response["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
        if asked := request.headers.get("Access-Control-Request-Headers"):
            response["Access-Control-Allow-Headers"] = asked
            response["Access-Control-Max-Age"] = str(_PREFLIGHT_SECONDS)
    return response


def read_body(request: HttpRequest, limit: int) -> bytes:
    """Return the body, of which never more than ``limit`` bytes and one are read.

    Raises ``Refused``: 413 beyond the limit, at once where the client declares it, 400 where the body ends early.
    """
    length = request.META.get("CONTENT_LENGTH") or ""
    if length.isdecimal():
        if len(length) > 12 or int(length) > limit:  # Python refuses to read numbers of thousands of digits
            raise refusal.too_large("the body", limit)
        body = _read(request, int(length))
        if len(body) < int(length):
            raise refusal.undecodable("the body ends early")
        return body
    if request.META.get("wsgi.input_terminated"):
        # Sent in chunks. Django reads nothing where no length is given; a server that sets this ends the stream itself.
        body = _read(request.META["wsgi.input"], limit + 1)
        if len(body) > limit:
            raise refusal.too_large("the body", limit)
        return body
    return b""


def _read(stream: _Readable, size: int) -> bytes:
    """Return ``size`` bytes, or all there are."""
    parts: list[bytes] = []
    missing = size
    try:
        while missing and (part := stream.read(missing)):
            parts.append(part)
            missing -= len(part)
    except OSError as error:  # Django's UnreadablePostError, and what servers raise for a broken chunk
        raise refusal.undecodable("the body ends early") from error
    return parts[0] if len(parts) == 1 else b"".join(parts)


def wire_request(request: HttpRequest, route: str, limit: int = limits.SINGLE_BODY) -> wire.Request:
    """Return what decides about the events of ``request``, its body read up to ``limit`` bytes. Raises ``Refused``."""
    headers = request.headers
    return wire.Request(
        method=request.method or "GET",
        route=route,
        query=request.META.get("QUERY_STRING", "").encode("latin-1", "replace"),
        body=b"" if request.method == "GET" else read_body(request, limit),
        content_type=headers.get("Content-Type", ""),
        content_encoding=headers.get("Content-Encoding", ""),
        authorization=headers.get("Authorization", ""),
        sdk_info=headers.get("PostHog-Sdk-Info", ""),
        request_timestamp=headers.get("PostHog-Request-Timestamp", ""),
    )
