"""What a load balancer, an orchestrator and Prometheus ask: ``/livez``, ``/readyz``, ``/metrics``.

None of them answers 500, whatever is down: a probe that fails tells nothing about what failed.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, re_path
from django.views.decorators.http import require_safe
from prometheus_client.exposition import choose_encoder

from config import logs
from errortracking.models import backlog
from runtime import metrics, schema
from runtime.requests import RETRY_AFTER_SECONDS

log = structlog.get_logger("healthtrack.probes")

_migrated = False


@require_safe
def livez(_request: HttpRequest) -> HttpResponse:
    """Say that this process answers. No I/O: a database that is down is no reason to restart this."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    """Say whether events and requests are served: 200, or 503 with what is wrong, by check."""
    checks: dict[str, dict[str, object]] = {}
    for name, check in _CHECKS.items():
        try:
            checks[name] = check()
        except Error as error:
            checks[name] = {"ok": False, "error": logs.redact(str(error)).strip()}
            break  # the others ask the database too; waiting for it again tells nothing more
    ready = len(checks) == len(_CHECKS) and all(check["ok"] for check in checks.values())
    answer = JsonResponse({"status": "ready" if ready else "not ready", "checks": checks}, status=200 if ready else 503)
    if not ready:
        answer["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return answer


@require_safe
def prometheus(request: HttpRequest) -> HttpResponse:
    """Answer a scrape, in the format that the scraper accepts."""
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    try:
        return HttpResponse(encode(metrics.registry()), content_type=content_type)
    except Exception:  # a file of counters that a killed process left half-written, for example
        log.exception("metrics cannot be read")
        return HttpResponse("metrics cannot be read\n", status=503, content_type="text/plain")


def _database() -> dict[str, object]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return {"ok": True}


def _migrations() -> dict[str, object]:
    # Once true it stays true for this process: migrations of this version are not taken back while it runs.
    global _migrated
    _migrated = _migrated or not schema.pending()
    return {"ok": True} if _migrated else {"ok": False, "error": "migrations are pending"}


def _backlog() -> dict[str, object]:
    waiting = backlog.read()
    return {
        "ok": waiting.within_bounds,
        "requests": waiting.rows,
        "bytes": waiting.bytes,
        "oldest_seconds": round(waiting.oldest_age.total_seconds(), 1),
        "most_requests": settings.MAX_BACKLOG_REQUESTS,
        "most_bytes": settings.MAX_BACKLOG_MB * backlog.MEGABYTE,
    }


# Not the disk: where it is nearly full events are refused, and whatever only reads is still welcome.
_CHECKS: dict[str, Callable[[], dict[str, object]]] = {
    "database": _database,
    "migrations": _migrations,
    "backlog": _backlog,
}

urlpatterns: list[URLPattern] = [
    re_path(r"^livez/?$", livez),
    re_path(r"^readyz/?$", readyz),
    re_path(r"^metrics/?$", prometheus),
]
