"""What SDKs talk to. A request is decoded, its token looked up, one row committed, and only then answered with 200."""

from __future__ import annotations

import orjson
from django.db import connection
from django.http import HttpRequest, HttpResponse

from environments import clock
from errortracking.ingest import capture_v1, limits, metrics, privacy, project_token, queue, room, startup, tokens, wire
from errortracking.ingest.http import edge, ok, wire_request

_BODY_LIMITS = {"batch": limits.BATCH_BODY, "i/v0/ai/batch": limits.BATCH_BODY, "s": limits.RECORDING_BODY}


def _capture(request: HttpRequest, route: str) -> HttpResponse:
    """Take events of any v0 shape."""
    if request.method != "HEAD":  # which asks whether the address is right, and stores nothing
        _store(request, wire.decode(wire_request(request, route, _BODY_LIMITS.get(route, limits.SINGLE_BODY))))
    return ok()


capture = edge("", ["GET", "HEAD", "POST"])(_capture)
capture_posted = edge("", ["POST"])(_capture)  # recordings (counted only) and events of LLMs: routes without GET


@edge("i/v1/analytics/events", ["POST"])
def capture_events(request: HttpRequest) -> HttpResponse:
    """Take events of capture V1 and answer with a verdict for each."""
    accepted = capture_v1.decode(wire_request(request, "i/v1/analytics/events", limits.BATCH_BODY))
    _store(request, accepted)
    return HttpResponse(orjson.dumps({"results": accepted.results}), content_type="application/json")


def _store(request: HttpRequest, accepted: wire.Accepted) -> None:
    received_at = clock.now()
    environment_id = tokens.environment_of(accepted.token)
    if not accepted.events:
        return
    room.check(environment_id)
    privacy.apply(accepted.events)
    user_agent = request.headers.get("User-Agent", "")[: limits.USER_AGENT] or None
    size = queue.enqueue(
        environment_id,
        accepted,
        received_at=received_at,
        ip=privacy.address(request.META.get("REMOTE_ADDR")),
        user_agent=user_agent,
    )
    room.taken(environment_id, size)
    metrics.EVENTS.inc(len(accepted.events))


@edge("array", ["GET", "HEAD"])
def config(request: HttpRequest, token: str) -> HttpResponse:
    """Return the configuration for browsers. An unknown token gets the same 401 as its events would."""
    tokens.environment_of(project_token.checked(token))
    return HttpResponse(orjson.dumps(startup.CONFIG), content_type="application/json")


@edge("array", ["GET", "HEAD"])
def config_script(request: HttpRequest, token: str) -> HttpResponse:
    """Return the configuration as a script."""
    token = project_token.checked(token)
    tokens.environment_of(token)
    return HttpResponse(startup.config_script(token), content_type="application/javascript")


@edge("", ["POST"])
def flags(request: HttpRequest, route: str) -> HttpResponse:
    """Answer ``/flags`` and ``/decide``: no flags. Reads the body for its token only."""
    tokens.environment_of(project_token.of_document(wire_request(request, route).json()))
    answer = startup.decide() if route == "decide" else startup.flags()
    return HttpResponse(orjson.dumps(answer), content_type="application/json")


@edge("status", ["GET", "HEAD"])
def alive(request: HttpRequest) -> HttpResponse:
    """Say that the server runs."""
    return HttpResponse("healthtrack", content_type="text/plain")


@edge("status", ["GET", "HEAD"])
def ready(request: HttpRequest) -> HttpResponse:
    """Say whether events can be taken now: 503 while the database is away."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("healthtrack", content_type="text/plain")
