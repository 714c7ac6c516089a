"""The outermost middleware: a request id, one log line per request, and 503 where the database is away."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import structlog
from django.core.exceptions import ValidationError
from django.db import DataError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse

from errortracking.symbols.storage import Unavailable
from runtime import metrics, request_ids

log = structlog.get_logger("healthtrack.request")

RETRY_AFTER_SECONDS = 5
UNKNOWABLE = "The request holds a value that cannot be looked up."
_PROBES = frozenset({"livez", "readyz", "metrics"})  # asked every few seconds, and of no interest afterwards
_TOKEN_IN_PATH = re.compile(r"^/array/[^/]+")


class RequestMiddleware:
    """Gives each request an id (the caller's ``X-Request-ID`` or a new one), echoes it, and logs one line.

    The path is logged without the query string, where keys may stand. Nothing here touches the database.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer ``request`` through the inner middleware and the view."""
        request_id = request_ids.choose(request.META.get(request_ids.META_NAME, ""))
        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
            match = request.resolver_match
            route = match.route if match is not None else "unmatched"
            report(request.method or "", request.path, route, response.status_code, time.perf_counter() - started)
        response[request_ids.HEADER] = request_id
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer 503 where database or object store are down, or gave up; leave other exceptions to Django.

        The admin looks up whatever stands in an address or a form, and Django does so without a check: a text with a
        NUL, a number that is none. The API checks by itself, and events are not to be refused for it.
        """
        if isinstance(exception, OperationalError | InterfaceError):
            log.warning("database unavailable", error=str(exception))
            return unavailable(request)
        if isinstance(exception, Unavailable):
            log.warning("object store unavailable", error=str(exception))
            return unavailable(request)
        if request.path.startswith("/admin/") and _is_about_what_cannot_be(exception):
            log.warning("looked up what cannot be", error=str(exception))
            return HttpResponseBadRequest(UNKNOWABLE, content_type="text/plain")
        return None


def _is_about_what_cannot_be(exception: Exception) -> bool:
    """Return whether Django or PostgreSQL could not compare a value with a column: a key that is none, a NUL."""
    if isinstance(exception, ValueError):
        return "expected a number but got" in str(exception)  # Django has no exception of its own for it
    return isinstance(exception, DataError | ValidationError)


def report(method: str, path: str, route: str, status: int, seconds: float) -> None:
    """Count an answered request, and log its line; ``route`` is the pattern that led to its view."""
    metrics.observe(method, route, status, seconds)
    write = log.debug if path.strip("/") in _PROBES else log.info
    write(
        "request",
        method=method,
        path=_TOKEN_IN_PATH.sub("/array/-", path),
        status=status,
        ms=round(seconds * 1000, 1),
    )


def unavailable(request: HttpRequest) -> HttpResponse:
    """Return the 503 of a server without its database: JSON under ``/api/``, elsewhere what SDKs know."""
    response: HttpResponse
    if request.path.startswith("/api/"):
        response = JsonResponse(
            {
                "type": "server_error",
                "code": "service_unavailable",
                "detail": "The service is temporarily unavailable. Please retry.",
                "attr": None,
            },
            status=503,
        )
    else:
        response = HttpResponse("transient error, please retry", status=503, content_type="text/plain")
    response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response
