"""The table of the isolation matrix, and the routes that it must cover. Bodies and filters: ``isolation_named``."""

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
ACTIVITY: Final = "activity_log:read"

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
    """With the names of what `furnish` made in braces."""


FILTERS: Final = {"type": "AND", "values": [{"key": "$exception_types", "operator": "is_set"}]}
DESTINATION: Final = {
    "name": "Team",
    "kind": "webhook",
    "target": "https://hooks.acme.test/a",
    "events": ["issue_created"],
}
RULES: Final[dict[str, dict[str, Any]]] = {
    "assignment_rules": {"filters": FILTERS, "assignee": {"type": "role", "id": "{role}"}},
    "grouping_rules": {"filters": FILTERS},
    "suppression_rules": {"filters": FILTERS},
    "bypass_rules": {"filters": FILTERS},
}


def _rules() -> Iterator[tuple[tuple[str, str], Row]]:
    for kind, body in RULES.items():
        place = f"error_tracking/{kind}/"
        yield ("GET", place), Row(READ, 200)
        yield ("POST", place), Row(WRITE, 201, body=body)
        yield ("GET", place + "{id}/"), Row(READ, 200, UNKNOWN_OBJECT)
        yield ("PUT", place + "{id}/"), Row(WRITE, 204, UNKNOWN_OBJECT, {"filters": FILTERS})
        yield ("PATCH", place + "{id}/"), Row(WRITE, 204, UNKNOWN_OBJECT, {"order_key": 9})
        yield ("DELETE", place + "{id}/"), Row(WRITE, 204, UNKNOWN_OBJECT)
        yield ("PATCH", place + "reorder/"), Row(WRITE, 204, body={"orders": {}})
        yield ("POST", place + "preview/"), Row(READ, 200, body={"filters": FILTERS})


TABLE: Final[dict[tuple[str, str], Row]] = {
    **dict(_rules()),
    ("GET", "error_tracking/issues/"): Row(READ, 200),
    ("GET", "error_tracking/issues/{id}/"): Row(READ, 200, UNKNOWN_OBJECT),
    ("DELETE", "error_tracking/issues/{id}/"): Row(WRITE, 405, NEVER_DELETED),
    ("PUT", "error_tracking/issues/{id}/"): Row(WRITE, 200, UNKNOWN_OBJECT, {"status": "resolved"}),
    ("PATCH", "error_tracking/issues/{id}/"): Row(WRITE, 200, UNKNOWN_OBJECT, {"name": "Cart"}),
    ("POST", "error_tracking/issues/{id}/merge/"): Row(WRITE, 200, UNKNOWN_OBJECT, {"ids": ["{merging}"]}),
    ("POST", "error_tracking/issues/{id}/split/"): Row(
        WRITE, 200, UNKNOWN_OBJECT, {"fingerprints": [{"fingerprint": "{text}"}]}
    ),
    ("POST", "error_tracking/issues/{id}/undo/"): Row(WRITE, 200, UNKNOWN_OBJECT),
    ("PATCH", "error_tracking/issues/{id}/assign/"): Row(
        WRITE, 200, UNKNOWN_OBJECT, {"assignee": {"type": "role", "id": "{role}"}}
    ),
    ("PUT", "error_tracking/issues/{id}/cohort/"): Row(WRITE, 200, UNKNOWN_OBJECT, {"cohortId": 7}),
    ("POST", "error_tracking/issues/bulk/"): Row(
        WRITE, 200, body={"action": "set_status", "status": "resolved", "ids": ["{issue}"]}
    ),
    ("GET", "error_tracking/issues/activity/"): Row(ACTIVITY, 200),
    ("GET", "error_tracking/issues/{id}/activity/"): Row(ACTIVITY, 200, UNKNOWN_OBJECT),
    ("GET", "error_tracking/external_references/"): Row(READ, 200),
    ("POST", "error_tracking/external_references/"): Row(
        WRITE, 201, body={"issue": "{issue}", "external_url": "https://github.com/acme/shop/issues/1"}
    ),
    ("GET", "error_tracking/external_references/{id}/"): Row(READ, 200, UNKNOWN_OBJECT),
    ("DELETE", "error_tracking/external_references/{id}/"): Row(WRITE, 204, UNKNOWN_OBJECT),
    ("GET", "error_tracking/fingerprints/"): Row(READ, 200),
    ("GET", "error_tracking/fingerprints/{id}/"): Row(READ, 200, UNKNOWN_OBJECT),
    ("DELETE", "error_tracking/fingerprints/{id}/"): Row(WRITE, 405, NEVER_DELETED),
    ("GET", "error_tracking/fingerprints/resolve/"): Row(READ, 400),  # without the text; with it: see `isolation_named`
    ("GET", "error_tracking/issues/exists/"): Row(READ, 200),
    ("GET", "error_tracking/issues/values/"): Row(READ, 200),
    ("GET", "error_tracking/issues/{id}/events/"): Row(READ, 200, UNKNOWN_OBJECT),
    ("GET", "error_tracking/issues/{id}/events/{uuid}/"): Row(READ, 200, UNKNOWN_OBJECT),
    ("GET", "error_tracking/alerts/"): Row(READ, 200),
    ("POST", "error_tracking/alerts/"): Row(WRITE, 201, body=DESTINATION),
    ("GET", "error_tracking/alerts/{id}/"): Row(READ, 200, UNKNOWN_OBJECT),
    ("PUT", "error_tracking/alerts/{id}/"): Row(WRITE, 200, UNKNOWN_OBJECT, {"name": "Pager"}),
    ("PATCH", "error_tracking/alerts/{id}/"): Row(WRITE, 200, UNKNOWN_OBJECT, {"enabled": False}),
    ("DELETE", "error_tracking/alerts/{id}/"): Row(WRITE, 204, UNKNOWN_OBJECT),
    ("POST", "error_tracking/alerts/{id}/test/"): Row(WRITE, 202, UNKNOWN_OBJECT),
    ("GET", "error_tracking/alerts/deliveries/"): Row(READ, 200),
    ("GET", "error_tracking/alerts/deliveries/{id}/"): Row(READ, 200, UNKNOWN_OBJECT),
    ("POST", "error_tracking/alerts/deliveries/{id}/replay/"): Row(WRITE, 202, UNKNOWN_OBJECT),
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
    ("POST", "error_tracking/spike_detection_config/preview/"): Row(READ, 200, body={"threshold": 9}),
    ("GET", "error_tracking/spike_events/"): Row(READ, 200),
    ("GET", "error_tracking/stack_frames/"): Row(READ, 200),
    ("GET", "error_tracking/stack_frames/{id}/"): Row(READ, 200, UNKNOWN_OBJECT),
    ("DELETE", "error_tracking/stack_frames/{id}/"): Row(WRITE, 405, NEVER_DELETED),
    ("POST", "error_tracking/stack_frames/batch_get/"): Row(READ, 200, body={}),
    ("GET", "error_tracking/symbol_sets/"): Row(READ, 200),
    ("POST", "error_tracking/symbol_sets/"): Row(WRITE, 400),  # without a file; with it: `test_symbol_sets_old_clients`
    ("GET", "error_tracking/symbol_sets/{id}/"): Row(READ, 200, UNKNOWN_OBJECT),
    ("PUT", "error_tracking/symbol_sets/{id}/"): Row(WRITE, 200, UNKNOWN_OBJECT),
    ("PATCH", "error_tracking/symbol_sets/{id}/"): Row(WRITE, 200, UNKNOWN_OBJECT),
    ("DELETE", "error_tracking/symbol_sets/{id}/"): Row(WRITE, 204, UNKNOWN_OBJECT),
    ("GET", "error_tracking/symbol_sets/{id}/download/"): Row(READ, 200, UNKNOWN_OBJECT),
    ("PUT", "error_tracking/symbol_sets/{id}/finish_upload/"): Row(
        WRITE, 200, UNKNOWN_OBJECT, {"content_hash": "another"}
    ),
    ("POST", "error_tracking/symbol_sets/start_upload/"): Row(WRITE, 400),  # without a chunk: `isolation_named`
    ("POST", "error_tracking/symbol_sets/bulk_check_upload/"): Row(
        WRITE, 200, body={"symbol_sets": [{"chunk_id": "{raw_id}", "release_id": "{release}", "content_hash": "x"}]}
    ),
    ("POST", "error_tracking/symbol_sets/bulk_start_upload/"): Row(
        WRITE, 201, body={"symbol_sets": [{"chunk_id": "{raw_id}", "release_id": "{release}", "content_hash": "x"}]}
    ),
    ("POST", "error_tracking/symbol_sets/bulk_finish_upload/"): Row(
        WRITE, 201, body={"content_hashes": {"{symbol_set}": "another"}}
    ),
    ("POST", "error_tracking/symbol_sets/bulk_delete/"): Row(WRITE, 200, body={"ids": ["{symbol_set}"]}),
    ("GET", "health_issues/"): Row(HEALTH_READ, 200),
    ("GET", "health_issues/{id}/"): Row(HEALTH_READ, 200, UNKNOWN_OBJECT),
    ("PATCH", "health_issues/{id}/"): Row(HEALTH_WRITE, 200, UNKNOWN_OBJECT, {"dismissed": True}),
    ("POST", "health_issues/{id}/resolve/"): Row(HEALTH_WRITE, 200, UNKNOWN_OBJECT),
    ("GET", "health_issues/summary/"): Row(HEALTH_READ, 200),
    ("POST", "health_issues/refresh/"): Row(HEALTH_WRITE, 202),
}
KINDS: Final = {
    **{f"error_tracking/{kind}/": kind.removesuffix("s") for kind in RULES},
    "error_tracking/alerts/deliveries/": "delivery",  # before what it begins with
    "error_tracking/alerts/": "destination",
    "error_tracking/external_references/": "external_reference",
    "error_tracking/fingerprints/": "fingerprint",
    "error_tracking/issues/": "issue",
    "error_tracking/recommendations/": "recommendation",
    "error_tracking/releases/": "release",
    "error_tracking/stack_frames/": "frame",
    "error_tracking/symbol_sets/": "symbol_set",
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
