"""Answers to what no view answered: unknown routes, broken requests, defects. JSON under ``/api/`` (contract 1.4)."""

from __future__ import annotations

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.views import defaults

from errortracking.ingest import http
from runtime.requests import unavailable


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer 400 to a request that Django itself refused, such as one for a host that is not ours."""
    if _is_api(request):
        return _body(400, "invalid_request", "bad_request", "The request cannot be read.")
    return http.bad_request(request) or defaults.bad_request(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404 to an unknown route."""
    if _is_api(request):
        return _body(404, "invalid_request", "not_found", "Endpoint not found.")
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500 to a defect, and 503 where it was only the database: middleware can meet that too."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return unavailable(request)
    if _is_api(request):
        return _body(500, "server_error", "error", "A server error occurred.")
    return defaults.server_error(request)


def _is_api(request: HttpRequest) -> bool:
    return request.path == "/api" or request.path.startswith("/api/")


def _body(status: int, kind: str, code: str, detail: str) -> JsonResponse:
    return JsonResponse({"type": kind, "code": code, "detail": detail, "attr": None}, status=status)
