"""What SDKs talk to. A request is decoded, its token looked up, one row committed, and only then answered with 200."""

from __future__ import annotations

import orjson
from django.db import connection

from environments import clock
from errortracking.ingest import capture_v1, limits, metrics, privacy, project_token, queue, room, startup, tokens, wire
from errortracking.ingest.answers import JSON, Answer, Environ, ok
from errortracking.ingest.http import edge, method, wire_request

_BODY_LIMITS = {"batch": limits.BATCH_BODY, "i/v0/ai/batch": limits.BATCH_BODY, "s": limits.RECORDING_BODY}


def _capture(environ: Environ, route: str) -> Answer:
    """Take events of any v0 shape."""
    if method(environ) != "HEAD":  # which asks whether the address is right, and stores nothing
        _store(environ, wire.decode(wire_request(environ, route, _BODY_LIMITS.get(route, limits.SINGLE_BODY))))
    return ok()


capture = edge("", ["GET", "HEAD", "POST"])(_capture)
capture_posted = edge("", ["POST"])(_capture)  # recordings (counted only) and events of LLMs: routes without GET


@edge("i/v1/analytics/events", ["POST"])
def capture_events(environ: Environ) -> Answer:
    """Take events of capture V1 and answer with a verdict for each."""
    accepted = capture_v1.decode(wire_request(environ, "i/v1/analytics/events", limits.BATCH_BODY))
    _store(environ, accepted)
    return Answer(200, orjson.dumps({"results": accepted.results}), JSON)


def _store(environ: Environ, accepted: wire.Accepted) -> None:
    received_at = clock.now()
    environment_id = tokens.environment_of(accepted.token)
    if not accepted.events:
        return
    room.check(environment_id)
    privacy.apply(accepted.events)
    user_agent = environ.get("HTTP_USER_AGENT", "")[: limits.USER_AGENT] or None
    size = queue.enqueue(
        environment_id,
        accepted,
        received_at=received_at,
        ip=privacy.address(environ.get("REMOTE_ADDR")),
        user_agent=user_agent,
    )
    room.taken(environment_id, size)
    metrics.EVENTS.inc(len(accepted.events))


@edge("array", ["GET", "HEAD"])
def config(environ: Environ, token: str) -> Answer:
    """Return the configuration for browsers. An unknown token gets the same 401 as its events would."""
    tokens.environment_of(project_token.checked(token))
    return Answer(200, orjson.dumps(startup.CONFIG), JSON)


@edge("array", ["GET", "HEAD"])
def config_script(environ: Environ, token: str) -> Answer:
    """Return the configuration as a script."""
    token = project_token.checked(token)
    tokens.environment_of(token)
    return Answer(200, startup.config_script(token), "application/javascript")


@edge("array", ["GET", "HEAD"])
def exception_autocapture(environ: Environ) -> Answer:
    """Return the script that posthog-js loads to report what nobody catches; the same for every project and version."""
    fresh = (("Cache-Control", "public, max-age=3600"),)  # every page asks for it
    return Answer(200, startup.EXCEPTION_AUTOCAPTURE, "application/javascript", fresh)


@edge("", ["POST"])
def flags(environ: Environ, route: str) -> Answer:
    """Answer ``/flags`` and ``/decide``: no flags. Reads the body for its token only."""
    tokens.environment_of(project_token.of_document(wire_request(environ, route).json()))
    answer = startup.decide() if route == "decide" else startup.flags()
    return Answer(200, orjson.dumps(answer), JSON)


@edge("status", ["GET", "HEAD"])
def alive(environ: Environ) -> Answer:
    """Say that the server runs."""
    return Answer(200, b"healthtrack", "text/plain")


@edge("status", ["GET", "HEAD"])
def ready(environ: Environ) -> Answer:
    """Say whether events can be taken now: 503 while the database is away."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return Answer(200, b"healthtrack", "text/plain")
