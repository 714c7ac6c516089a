"""Between HTTP and the wire: bodies with a bound, CORS on every answer, refusals as plain text."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import wraps
from typing import Any, Final, Protocol

import structlog
from django.core.handlers.exception import response_for_exception
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt

from errortracking.ingest import limits, metrics, refusal, unknown, wire
from errortracking.ingest.answers import Answer, Environ, for_origin, not_allowed, ok, refuse

log = structlog.get_logger("healthtrack.ingest")

DEFECT: Final = "errortracking.ingest.defect"
"""Where in a WSGI environment the exception is that a view raised when it was called directly."""

View = Callable[..., Answer]


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def edge(route: str, methods: Iterable[str]) -> Callable[[View], Callable[..., HttpResponseBase]]:
    """Make a view of the edge: only ``methods`` (and OPTIONS), no CSRF, CORS, counted; never an exception.

    The view gets the WSGI environment and may raise ``Refused``, which becomes the documented plain text, and the
    database's errors, which become 503. ``route`` is the counter's label; where it is empty the URL's ``route``
    argument is.

    The attribute ``direct`` of the result is the same without Django's request and response, for `runtime.direct`: it
    takes the environment and returns an `Answer`, and raises what is a defect. Who catches that leaves it in the
    environment as `DEFECT` and lets Django answer, which has a page for it and a place in the log.
    """
    allowed = ("OPTIONS", *methods)

    def decorate(view: View) -> Callable[..., HttpResponseBase]:
        def direct(environ: Environ, **arguments: str) -> Answer:
            answer = _answer(view, allowed, environ, arguments)
            metrics.answered(route or arguments.get("route", ""), answer.status)
            return answer._replace(headers=answer.headers + for_origin(environ))

        @csrf_exempt
        @wraps(view)
        def within_django(request: HttpRequest, **arguments: str) -> HttpResponseBase:
            response: HttpResponseBase
            try:
                if DEFECT in request.META:
                    raise request.META[DEFECT]
                return _response(direct(request.META, **arguments))
            except Exception as error:
                response = response_for_exception(request, error)  # Django's 500, for CORS to be added to it
            metrics.answered(route or arguments.get("route", ""), response.status_code)
            return _with(response, for_origin(request.META))

        within_django.direct = direct  # type: ignore[attr-defined]
        return within_django

    return decorate


def bad_request(request: HttpRequest) -> HttpResponseBase | None:
    """Return the answer to a request that Django refused before a view of the edge saw it; None where no such view is.

    That is one for a host that is not ours. An SDK, and the console of a browser's page, can make sense of this one.
    """
    try:
        view = resolve(request.path_info).func
    except Resolver404:
        return None
    if not hasattr(view, "direct"):
        return None
    body = b"Bad Request: the request cannot be read"
    return _with(_response(Answer(400, body, "text/plain; charset=utf-8")), for_origin(request.META))


def _answer(view: View, allowed: Collection[str], environ: Environ, arguments: dict[str, str]) -> Answer:
    """Return what the view answers, or what becomes of its exception."""
    try:
        asked = method(environ)
        if asked not in allowed:
            return not_allowed(allowed)
        return ok() if asked == "OPTIONS" else view(environ, **arguments)
    except refusal.Refused as refused:
        if refused.reason == refusal.NO_PROJECT:
            unknown.flush()
        return refuse(refused)
    except (DatabaseError, InterfaceError) as error:
        # Of any kind: whatever keeps the row from being stored, the client must keep the events and try again.
        # Only the first line: the next may quote the row, and with it what the client sent.
        log.warning("database unavailable", error=str(error).partition("\n")[0])
        return refuse(refusal.unavailable())


def _response(answer: Answer) -> HttpResponseBase:
    response = HttpResponse(answer.body, status=answer.status, content_type=answer.content_type)
    return _with(response, answer.headers)


def _with(response: HttpResponseBase, headers: Iterable[tuple[str, str]]) -> HttpResponseBase:
    for name, value in headers:
        if name == "Vary":
            patch_vary_headers(response, [value])
        else:
            response[name] = value
    return response


def method(environ: Environ) -> str:
    """Return a request's method, in capitals as Django has it."""
    asked: str = environ["REQUEST_METHOD"]
    return asked.upper()


def read_body(environ: Environ, limit: int) -> bytes:
    """Return the body, of which never more than ``limit`` bytes and one are read.

    Raises ``Refused``: 413 beyond the limit, at once where the client declares it, 400 where the body ends early.
    """
    length = environ.get("CONTENT_LENGTH") or ""
    if length.isdecimal():
        if len(length) > 12 or int(length) > limit:  # Python refuses to read numbers of thousands of digits
            raise refusal.too_large("the body", limit)
        body = _read(environ["wsgi.input"], int(length))
        if len(body) < int(length):
            raise refusal.undecodable("the body ends early")
        return body
    if environ.get("wsgi.input_terminated"):
        # Sent in chunks. By WSGI nothing is read where no length is given; a server that sets this ends the stream.
        body = _read(environ["wsgi.input"], limit + 1)
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
    except OSError as error:  # what servers raise for a broken chunk or a client that went away
        raise refusal.undecodable("the body ends early") from error
    return parts[0] if len(parts) == 1 else b"".join(parts)


def wire_request(environ: Environ, route: str, limit: int = limits.SINGLE_BODY) -> wire.Request:
    """Return what decides about the events of a request, its body read up to ``limit`` bytes. Raises ``Refused``."""
    get: Any = environ.get
    asked = method(environ)
    return wire.Request(
        method=asked,
        route=route,
        query=get("QUERY_STRING", "").encode("latin-1", "replace"),
        body=b"" if asked == "GET" else read_body(environ, limit),
        content_type=get("CONTENT_TYPE", ""),
        content_encoding=get("HTTP_CONTENT_ENCODING", ""),
        authorization=get("HTTP_AUTHORIZATION", ""),
        sdk_info=get("HTTP_POSTHOG_SDK_INFO", ""),
        request_timestamp=get("HTTP_POSTHOG_REQUEST_TIMESTAMP", ""),
    )
