"""Names of another project in a body or in a filter: what is answered to each, and the places there are for them.

The places come from the schema: a field or filter that can hold a name needs a case here, or a reason why what stands
in it names nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from tests.environments.world import error
from tests.isolation import FILTERS, RULES, UNKNOWN_OBJECT, Answer

INVALID = ("validation_error", "invalid_input")
NO_ROLE = error(400, *INVALID, "Assignee role does not belong to this organization.", "assignee__id")
NO_USER = error(400, *INVALID, "Assignee user does not belong to this organization.", "assignee__id")
ASSIGNEES: Final = (
    ({"type": "role", "id": "{role}"}, NO_ROLE),
    ({"type": "user", "id": "{user}"}, NO_USER),
)
UNKNOWN_RELEASE = error(400, "validation_error", "invalid_release_id", "Unknown release ID provided: {release}")
NO_RESULTS: Final[dict[str, Any]] = {"results": []}
NO_PAGE: Final[dict[str, Any]] = {"count": 0, "next": None, "previous": None, "results": []}
# Names of another project in a body or in a filter: as if they were nobody's.
NAMED: Final[list[tuple[str, str, dict[str, Any] | None, Answer]]] = [
    ("POST", "error_tracking/stack_frames/batch_get/", {"raw_ids": ["{raw_id}"]}, (200, NO_RESULTS)),
    (
        "POST",
        "error_tracking/stack_frames/batch_get/",
        {"raw_ids": [], "symbol_set": "{symbol_set}"},
        (200, NO_RESULTS),
    ),
    ("POST", "error_tracking/stack_frames/batch_get/", {"symbol_set": "{symbol_set}"}, (200, NO_RESULTS)),
    ("GET", "error_tracking/issues/?release={release}", None, (200, NO_PAGE)),
    ("GET", "error_tracking/issues/?assignee=role:{role}", None, (200, NO_PAGE)),
    ("GET", "error_tracking/issues/?assignee=user:{user}", None, (200, NO_PAGE)),
    ("GET", 'error_tracking/issues/?search="known {issue}"', None, (200, NO_PAGE)),
    ("GET", "error_tracking/issues/{issue}/?fingerprint=known {issue}", None, UNKNOWN_OBJECT),
    ("GET", "error_tracking/spike_events/?issue_ids={issue}", None, (200, NO_PAGE)),
    ("GET", "error_tracking/spike_events/?issue_ids={issue},{issue}&order_by=computed_baseline", None, (200, NO_PAGE)),
    *(
        (method, f"error_tracking/{kind}/{path}", {"filters": FILTERS, "assignee": assignee}, expected)
        for kind in ("assignment_rules", "grouping_rules")
        for method, path in (("POST", ""), ("PUT", f"{{own_{kind[:-1]}}}/"), ("PATCH", f"{{own_{kind[:-1]}}}/"))
        for assignee, expected in ASSIGNEES
    ),
    *(
        (
            "PATCH",
            f"error_tracking/{kind}/reorder/",
            {"orders": {f"{{own_{kind[:-1]}}}": 7, f"{{{kind[:-1]}}}": 8}},
            error(400, "validation_error", "does_not_exist", "Rule not found.", f"orders__{{{kind[:-1]}}}"),
        )
        for kind in RULES
    ),
    ("POST", "error_tracking/issues/{own_issue}/merge/", {"ids": ["{issue}"]}, UNKNOWN_OBJECT),
    ("POST", "error_tracking/issues/{own_issue}/merge/?preview=true", {"ids": ["{issue}"]}, UNKNOWN_OBJECT),
    (
        "POST",
        "error_tracking/issues/{own_issue}/merge/",
        {"ids": ["{own_merging}", "{issue}"]},
        (200, {"success": True}),
    ),
    (
        "POST",
        "error_tracking/issues/{own_issue}/split/",
        {"fingerprints": [{"fingerprint": "{own_text}"}, {"fingerprint": "{text}"}]},
        error(
            *(400, "validation_error", "does_not_exist"),
            *("The issue has no such fingerprint (any more).", "fingerprints__1__fingerprint"),
        ),
    ),
    ("GET", "error_tracking/issues/{own_issue}/events/?release={release}", None, (200, NO_PAGE)),
    (
        "POST",
        "error_tracking/issues/{own_issue}/split/",
        {"fingerprints": [{"fingerprint": "{text}"}]},
        error(
            *(400, "validation_error", "does_not_exist"),
            *("The issue has no such fingerprint (any more).", "fingerprints__0__fingerprint"),
        ),
    ),
    (
        "POST",
        "error_tracking/issues/{own_issue}/undo/",
        {"operation": "{operation}"},
        error(400, "validation_error", "does_not_exist", "The issue has no such merge or split.", "operation"),
    ),
    *(
        ("PATCH", "error_tracking/issues/{own_issue}/assign/", {"assignee": assignee}, expected)
        for assignee, expected in ASSIGNEES
    ),
    *(
        ("POST", "error_tracking/issues/bulk/", {"action": "assign", "ids": [issue], "assignee": assignee}, expected)
        for assignee, expected in ASSIGNEES
        for issue in ("{own_issue}", "{issue}")
    ),
    (
        "POST",
        "error_tracking/issues/bulk/",
        {"action": "assign", "ids": ["{issue}", "{own_issue}"], "assignee": {"type": "role", "id": "{own_role}"}},
        (200, {"success": True}),
    ),
    (
        "POST",
        "error_tracking/issues/bulk/",
        {"action": "set_status", "status": "resolved", "ids": ["{issue}"]},
        (200, {"success": True}),
    ),
    (
        "POST",
        "error_tracking/external_references/",
        {"issue": "{issue}", "external_url": "https://github.com/acme/shop/issues/1"},
        error(400, "validation_error", "does_not_exist", "Issue not found.", "issue"),
    ),
    ("GET", "error_tracking/external_references/?issue_id={issue}", None, (200, NO_PAGE)),
    ("GET", "error_tracking/fingerprints/?issue_id={issue}", None, (200, NO_PAGE)),
    ("GET", "error_tracking/alerts/deliveries/?destination_id={destination}", None, (200, NO_PAGE)),
    (
        "GET",
        "error_tracking/fingerprints/resolve/?fingerprint={text}",
        None,
        UNKNOWN_OBJECT,
    ),
    ("PATCH", "error_tracking/releases/{own_release}/", {"id": "{release}", "hash_id": "{hash}"}, (204, None)),
    ("POST", "error_tracking/symbol_sets/bulk_delete/", {"ids": ["{symbol_set}"]}, (200, {"deleted": 0})),
    (
        "POST",
        "error_tracking/symbol_sets/bulk_finish_upload/",
        {"content_hashes": {"{own_symbol_set}": "x", "{symbol_set}": "x"}},
        error(400, "validation_error", "symbol_set_not_found", "Unknown symbol set IDs: {symbol_set}"),
    ),
    *(
        (
            "POST",
            f"error_tracking/symbol_sets/{path}/",
            {"symbol_sets": [{"chunk_id": "a", "release_id": "{release}", "content_hash": "x"}]},
            UNKNOWN_RELEASE,
        )
        for path in ("bulk_check_upload", "bulk_start_upload")
    ),
    (
        "POST",
        "error_tracking/symbol_sets/bulk_start_upload/",
        {"chunk_ids": ["a"], "release_id": "{release}"},
        UNKNOWN_RELEASE,
    ),
    ("POST", "error_tracking/symbol_sets/start_upload/?chunk_id=a&release_id={release}", None, UNKNOWN_RELEASE),
    ("GET", "error_tracking/symbol_sets/?search={text}", None, (200, NO_PAGE)),
    (
        "PATCH",
        "health_issues/{own_health_issue}/",
        {"id": "{health_issue}"},
        error(400, *INVALID, "This field is read-only.", "id"),
    ),
]


# Places in bodies and filters, by their last name, in which nothing of a project is named.
NEUTRAL: Final = {
    "label": "what an editor shows beside a condition",
    "key": "a property of the project's own events",
    "value": "compared with the project's own events, or with its own values",
    "description": "a text about the object",
    "name": "a text about the object",
    "severity": "a word that is kept nowhere",
    "cohortId": "an id of another server, kept as a number",
    "title": "a text about another tracker's issue",
    "external_id": "another tracker's",
    "external_url": "another tracker's",
    "sdk": "a word of the project's own events",
    "status": "one of some words",
    "kind": "one of some words",
    "distinct_id": "a user of the project's own events; others may have one of the same name",
    "version": "a release's own; others may have the same",
    "project": "a name in a release",
    "metadata": "a text about the release",
    "timezone": "of the server",
    "content_hash": "of bytes that are compared with the object's own",
    "chunk_id": "a name that each project gives for itself; others may have the same",
    "chunk_ids": "names that each project gives for itself; others may have the same",
    "kinds": "some of some words",
    "target": "an address elsewhere",
    "ref": "a name that each project gives for itself; others may have the same",
}
ELSEWHERE: Final = {
    # each project has its own of one name: `test_a_body_cannot_name_the_project_that_is_written_to`
    ("POST", "error_tracking/releases/", "hash_id"),
    ("PUT", "error_tracking/releases/{id}/", "hash_id"),
    # needs a file: `test_symbol_sets_old_clients`
    ("POST", "error_tracking/symbol_sets/", "release_id"),
}
_NOT_FREE: Final = {"date-time", "date", "double"}


def places(schema: dict[str, Any]) -> set[tuple[str, str, str]]:
    """Return where a request of a project can name something: method, path below the project, field or filter.

    These are texts without a list of values, uuids, the keys of objects, and numbers that are called an id.
    """
    found = set()
    prefix = "/api/projects/{project_id}/"
    for path, operations in schema["paths"].items():
        if not path.startswith(prefix) or path == prefix:
            continue
        for method, operation in operations.items():
            names: list[tuple[str, ...]] = [
                (parameter["name"],)
                for parameter in operation.get("parameters", [])
                if parameter["in"] == "query" and _names(parameter["name"], _resolved(parameter["schema"], schema))
            ]
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            names += list(_leaves(body, schema, ()))
            found |= {(method.upper(), path.removeprefix(prefix), ".".join(name)) for name in names}
    return found


def _resolved(part: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in part:
        part = schema["components"]["schemas"][part["$ref"].rpartition("/")[2]]
    return part


def _leaves(
    part: dict[str, Any], schema: dict[str, Any], path: tuple[str, ...], above: frozenset[str] = frozenset()
) -> Iterator[tuple[str, ...]]:
    """Yield the paths to what can hold a name; ``above`` are the shapes that this one is part of, groups of filters."""
    reference = part.get("$ref", "")
    if reference in above:
        return
    part, above = _resolved(part, schema), above | {reference} if reference else above
    inside = [(one, path) for choice in ("allOf", "oneOf", "anyOf") for one in part.get(choice, [])]
    inside += [
        (inner, (*path, name)) for name, inner in part.get("properties", {}).items() if not inner.get("readOnly")
    ]
    inside += [(part["items"], path)] if "items" in part else []
    for inner, where in inside:
        yield from _leaves(inner, schema, where, above)
    if part.get("additionalProperties"):
        yield (*path, "*")
    if path and _names(path[-1], part):
        yield path


def _names(name: str, part: dict[str, Any]) -> bool:
    if part.get("type") == "string":
        return "enum" not in part and part.get("format") not in _NOT_FREE
    return part.get("type") == "integer" and re.search(r"(?:^|_)ids?$|I[dD]s?$", name) is not None


def covered() -> set[tuple[str, str, str]]:
    """Return the places at which the cases above name something of another project."""
    found = set()
    for method, address, body, _ in NAMED:
        path, _, query = address.partition("?")
        route = re.sub(r"\{\w+\}", "{id}", path)
        given = [(name, value) for name, _, value in (part.partition("=") for part in query.split("&"))]
        for name, value in [*given, *_said(body, ())]:
            if re.search(r"\{(?!own_)\w+\}", value):
                found.add((method, route, name))
    return found


def _said(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if "{" in name:
                yield ".".join((*path, "*")), name
            yield from _said(inner, (*path, name))
    elif isinstance(value, list):
        for inner in value:
            yield from _said(inner, path)
    elif isinstance(value, str):
        yield ".".join(path), value
