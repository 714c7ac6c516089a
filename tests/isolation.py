"""The table of the isolation matrix, and the routes that it must cover."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from django.urls import URLPattern, URLResolver, get_resolver

from tests.environments.world import NOT_FOUND, error

Answer = tuple[int, Any]
READ, WRITE, HEALTH_READ, HEALTH_WRITE = (
    "error_tracking:read",
    "error_tracking:write",
    "health_issue:read",
    "health_issue:write",
)

NO_CREDENTIALS = error(
    401, "authentication_error", "not_authenticated", "Authentication credentials were not provided."
)
UNKNOWN_KEY = error(
    401,
    "authentication_error",
    "authentication_failed",
    "Personal API key found in request Authorization header is invalid.",
)
NO_ACCESS = error(403, "authentication_error", "permission_denied", "You don't have access to the project.")
UNKNOWN_OBJECT = (404, NOT_FOUND)
NEVER_DELETED = (405, None)


class Row(NamedTuple):
    """What a route answers to one method, with names of the project or of another one in path, body or query."""

    scope: str
    """What a key needs; without it the answer is a 403 that names it."""
    own: int
    """The status for the project's own objects."""
    foreign: Answer | None = None
    """The answer where the path holds another project's object."""
    body: dict[str, Any] | None = None


TABLE: Final[dict[tuple[str, str], Row]] = {
    ("GET", "error_tracking/recommendations/"): Row(READ, 200),
    ("POST", "error_tracking/recommendations/{id}/dismiss/"): Row(WRITE, 200, UNKNOWN_OBJECT),
    ("POST", "error_tracking/recommendations/{id}/restore/"): Row(WRITE, 200, UNKNOWN_OBJECT),
    ("POST", "error_tracking/recommendations/{id}/refresh/"): Row(WRITE, 200, UNKNOWN_OBJECT),
    ("GET", "error_tracking/releases/"): Row(READ, 200),
    ("POST", "error_tracking/releases/"): Row(WRITE, 201, body={"version": "9", "project": "web"}),
    ("GET", "error_tracking/releases/{id}/"): Row(READ, 200, UNKNOWN_OBJECT),
    ("PUT", "error_tracking/releases/{id}/"): Row(WRITE, 204, UNKNOWN_OBJECT, {"version": "9"}),
    ("PATCH", "error_tracking/releases/{id}/"): Row(WRITE, 204, UNKNOWN_OBJECT, {"version": "9"}),
    ("DELETE", "error_tracking/releases/{id}/"): Row(WRITE, 204, UNKNOWN_OBJECT),
    ("GET", "error_tracking/releases/hash/{hash_id}/"): Row(READ, 200, UNKNOWN_OBJECT),
    ("GET", "error_tracking/settings/retrieve_settings/"): Row(READ, 200),
    ("PATCH", "error_tracking/settings/update_settings/"): Row(WRITE, 200, body={"project_rate_limit_value": 9}),
    ("GET", "error_tracking/spike_detection_config/"): Row(READ, 200),
    ("PATCH", "error_tracking/spike_detection_config/update_config/"): Row(WRITE, 200, body={"threshold": 9}),
    ("GET", "error_tracking/spike_events/"): Row(READ, 200),
    ("GET", "error_tracking/stack_frames/"): Row(READ, 200),
    ("GET", "error_tracking/stack_frames/{id}/"): Row(READ, 200, UNKNOWN_OBJECT),
    ("DELETE", "error_tracking/stack_frames/{id}/"): Row(WRITE, 405, NEVER_DELETED),
    ("POST", "error_tracking/stack_frames/batch_get/"): Row(READ, 200, body={}),
    ("GET", "health_issues/"): Row(HEALTH_READ, 200),
    ("GET", "health_issues/{id}/"): Row(HEALTH_READ, 200, UNKNOWN_OBJECT),
    ("PATCH", "health_issues/{id}/"): Row(HEALTH_WRITE, 200, UNKNOWN_OBJECT, {"dismissed": True}),
    ("POST", "health_issues/{id}/resolve/"): Row(HEALTH_WRITE, 200, UNKNOWN_OBJECT),
    ("GET", "health_issues/summary/"): Row(HEALTH_READ, 200),
}
KINDS: Final = {
    "error_tracking/recommendations/": "recommendation",
    "error_tracking/releases/": "release",
    "error_tracking/stack_frames/": "frame",
    "health_issues/": "health_issue",
}


def walk(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        path = before + str(pattern.pattern).removeprefix("^")
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns, path)
        else:
            yield path, pattern.callback


def routes() -> dict[tuple[str, str], list[str]]:
    """Return method and path below the project → the templates of its full paths: both prefixes, with ``.json`` too."""
    found: dict[tuple[str, str], list[str]] = {}
    for pattern, view in walk(get_resolver().url_patterns):
        match = re.match(r"(api/\w+/)\(\?P<(?:project|environment)_id>\[\^/]\+\)/(.*)\$\Z", pattern)
        if not match:
            continue
        below = re.sub(r"\(\?P<(\w+)>\[\^/\.]\+\)", r"{\1}", match[2])
        full = below.replace(r"/?\.(?P<format>json)/?", ".json").replace("/?", "/")
        for method in view.actions:
            found.setdefault((method.upper(), full.replace(".json", "/")), []).append(f"/{match[1]}{{project}}/{full}")
    return found
