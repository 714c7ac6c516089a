"""Every operation against the record of changes: one row for each that changes something, none for the others."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import pytest

from environments import clock
from environments.models import AuditEntry
from tests.environments.world import Api, World
from tests.furnishing import furnish
from tests.isolation import KINDS, RULES, TABLE
from tests.matrix import addresses, fill

NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOON_TEXT, FURNISHED = "2026-03-01T12:00:00+00:00", "2026-03-01T12:30:00+00:00"
Values = dict[str, Any] | None

RELEASES, RECOMMENDATION = "error_tracking/releases/", "error_tracking/recommendations/{id}/"
WRITES: Final[dict[tuple[str, str], tuple[str, str, Values, Values]]] = {
    ("POST", f"{RECOMMENDATION}dismiss/"): (
        *("dismiss", "recommendations"),
        *({"dismissed_at": FURNISHED}, {"dismissed_at": NOON_TEXT}),
    ),
    ("POST", f"{RECOMMENDATION}restore/"): (
        *("restore", "recommendations"),
        *({"dismissed_at": FURNISHED}, {"dismissed_at": None}),
    ),
    ("POST", f"{RECOMMENDATION}refresh/"): (
        *("refresh", "recommendations"),
        *({"status": "ready"}, {"status": "computing"}),
    ),
    ("POST", RELEASES): ("create", "releases", None, {"version": "9", "project": "web", "hash_id": "audited"}),
    ("PUT", f"{RELEASES}{{id}}/"): ("update", "releases", {"version": "1.0"}, {"version": "9"}),
    ("PATCH", f"{RELEASES}{{id}}/"): ("partial_update", "releases", {"version": "1.0"}, {"version": "9"}),
    ("DELETE", f"{RELEASES}{{id}}/"): (
        *("destroy", "releases"),
        *({"version": "1.0", "project": "web", "hash_id": "{hash}"}, None),
    ),
    ("PATCH", "error_tracking/settings/update_settings/"): (
        *("update_settings", "settings"),
        *({"project_rate_limit_value": 77}, {"project_rate_limit_value": 9}),
    ),
    ("PATCH", "error_tracking/spike_detection_config/update_config/"): (
        *("update_config", "spike_detection_config"),
        *({"threshold": 77}, {"threshold": 9}),
    ),
    ("PATCH", "health_issues/{id}/"): ("partial_update", "health_issues", {"dismissed": False}, {"dismissed": True}),
    ("POST", "health_issues/{id}/resolve/"): (
        *("resolve", "health_issues"),
        *({"status": "active", "resolved_at": None}, {"status": "resolved", "resolved_at": NOON_TEXT}),
    ),
}
METHODS: Final = {"POST": "create", "PUT": "update", "PATCH": "partial_update", "DELETE": "destroy"}
RULE_WRITES: Final[dict[tuple[str, str], tuple[str, str]]] = {
    (method, f"error_tracking/{kind}/" + ("" if method == "POST" else "{id}/")): (action, kind)
    for kind in RULES
    for method, action in METHODS.items()
}
ISSUES, REFERENCES = "error_tracking/issues/", "error_tracking/external_references/"
ALERTS: Final = "error_tracking/alerts/"
SYMBOL_SETS: Final = "error_tracking/symbol_sets/"
DEEDS: Final[dict[tuple[str, str], tuple[str, str]]] = {
    ("POST", ALERTS): ("create", "alerts"),
    ("PUT", f"{ALERTS}{{id}}/"): ("update", "alerts"),
    ("PATCH", f"{ALERTS}{{id}}/"): ("partial_update", "alerts"),
    ("DELETE", f"{ALERTS}{{id}}/"): ("destroy", "alerts"),
    ("POST", f"{ALERTS}{{id}}/test/"): ("test", "alerts"),
    ("POST", f"{ALERTS}deliveries/{{id}}/replay/"): ("replay", "alert_deliveries"),
    ("PUT", f"{ISSUES}{{id}}/"): ("update", "issues"),
    ("PATCH", f"{ISSUES}{{id}}/"): ("partial_update", "issues"),
    ("POST", f"{ISSUES}{{id}}/merge/"): ("merge", "issues"),
    ("POST", f"{ISSUES}{{id}}/split/"): ("split", "issues"),
    ("POST", f"{ISSUES}{{id}}/undo/"): ("undo", "issues"),
    ("PATCH", f"{ISSUES}{{id}}/assign/"): ("assign", "issues"),
    ("PUT", f"{ISSUES}{{id}}/cohort/"): ("cohort", "issues"),
    ("POST", f"{ISSUES}bulk/"): ("bulk", "issues"),
    ("POST", REFERENCES): ("create", "external_references"),
    ("DELETE", f"{REFERENCES}{{id}}/"): ("destroy", "external_references"),
    ("DELETE", f"{SYMBOL_SETS}{{id}}/"): ("destroy", "symbol_sets"),
    ("PUT", f"{SYMBOL_SETS}{{id}}/finish_upload/"): ("finish_upload", "symbol_sets"),
    ("POST", f"{SYMBOL_SETS}bulk_start_upload/"): ("bulk_start_upload", "symbol_sets"),
    ("POST", f"{SYMBOL_SETS}bulk_finish_upload/"): ("bulk_finish_upload", "symbol_sets"),
    ("POST", f"{SYMBOL_SETS}bulk_delete/"): ("bulk_delete", "symbol_sets"),
}
MAKING: Final = {("POST", ALERTS), ("POST", REFERENCES), ("POST", f"{SYMBOL_SETS}bulk_start_upload/")}
"""Those of an object that was not there before."""
UNCHANGING: Final = {
    *(("POST", f"error_tracking/{kind}/preview/") for kind in RULES),
    ("DELETE", "error_tracking/fingerprints/{id}/"),
    ("DELETE", "error_tracking/issues/{id}/"),
    *(("PATCH", f"error_tracking/{kind}/reorder/") for kind in RULES),  # of no rule
    ("POST", "health_issues/refresh/"),
    ("DELETE", "error_tracking/stack_frames/{id}/"),
    ("POST", "error_tracking/stack_frames/batch_get/"),
    ("POST", "error_tracking/spike_detection_config/preview/"),
    *((method, f"{SYMBOL_SETS}{{id}}/") for method in ("PUT", "PATCH")),
    *(("POST", SYMBOL_SETS + path) for path in ("", "start_upload/")),  # of no chunk
    ("POST", f"{SYMBOL_SETS}bulk_check_upload/"),
}


def send(world: World, api: Api, method: str, path: str) -> tuple[str, str]:
    """Send the operation for a furnished project at `NOON`, and return the id and the hash that its path may name."""
    names = furnish(world.project, 4)
    kind = next((kind for place, kind in KINDS.items() if path.startswith(place)), "release")
    row = TABLE[method, path]
    body = fill(row.body, {kind: own[0] for kind, own in names.items()})
    if (method, path) == ("POST", RELEASES):
        body = {**body, "hash_id": "audited"}
    [address, *_] = addresses(method, path, world.project, names)
    with clock.stopped_at(NOON):
        assert api.request(method, address, body).status_code == row.own
    return names[kind][0], names["hash"][0]


def entries(world: World) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(environment=world.project))


def test_every_operation_either_changes_something_or_does_not() -> None:
    reads = {(method, path) for method, path in TABLE if method == "GET"}
    assert {*WRITES} | {*RULE_WRITES} | {*DEEDS} | reads | UNCHANGING == {*TABLE}
    assert not ({*WRITES} | {*RULE_WRITES} | {*DEEDS}) & (reads | UNCHANGING)


@pytest.mark.parametrize(("method", "path"), sorted(WRITES), ids=lambda value: value)
def test_a_change_leaves_one_row_that_says_who_what_before_after_and_when(world: World, method: str, path: str) -> None:
    """Whatever changes something passes the hook of the base viewset."""
    action, resource, before, after = WRITES[method, path]
    api = world.api()
    named, hash_id = send(world, api, method, path)
    key = world.keys[api.key or ""]
    [entry] = entries(world)
    assert (entry.action, entry.resource, entry.created_at) == (action, resource, NOON)
    assert (entry.user_id, entry.user_email) == (world.user.pk, world.user.email)
    assert (entry.key_id, entry.key_mask) == (key.pk, key.mask_value)
    assert entry.before == (before and {n: hash_id if v == "{hash}" else v for n, v in before.items()})
    assert entry.after == after
    if "{id}" in path:
        assert entry.object_id == named
    elif path != RELEASES:
        assert entry.object_id == str(world.project.pk)


@pytest.mark.parametrize(("method", "path"), sorted(RULE_WRITES), ids=lambda value: value)
def test_a_change_of_a_rule_leaves_one_row(world: World, method: str, path: str) -> None:
    """What it holds stands in the files of the rules."""
    named, _ = send(world, world.api(), method, path)
    [entry] = entries(world)
    assert (entry.action, entry.resource, entry.created_at) == (*RULE_WRITES[method, path], NOON)
    assert entry.object_id == named or method == "POST"
    assert (entry.before is None, entry.after is None) == (method == "POST", method == "DELETE")


@pytest.mark.parametrize(("method", "path"), sorted(DEEDS), ids=lambda value: value)
def test_what_is_done_to_an_issue_or_a_symbol_set_leaves_a_row_of_it(world: World, method: str, path: str) -> None:
    """What it holds stands in the files of the endpoints. A split leaves one of each issue that it makes, too."""
    named, _ = send(world, world.api(), method, path)
    found = entries(world)
    assert {(entry.action, entry.resource, entry.created_at) for entry in found} == {(*DEEDS[method, path], NOON)}
    assert {entry.user_email for entry in found} == {world.user.email}
    assert len(found) == (2 if path.endswith("split/") else 1)
    assert named in {entry.object_id for entry in found} or (method, path) in MAKING


@pytest.mark.parametrize(("method", "path"), sorted(WRITES), ids=lambda value: value)
def test_a_change_by_a_session_names_the_person_and_no_key(world: World, method: str, path: str) -> None:
    send(world, world.browser(), method, path)
    [entry] = entries(world)
    assert (entry.user_email, entry.key_id, entry.key_mask) == (world.user.email, "", "")


@pytest.mark.parametrize(
    ("method", "path"),
    sorted(TABLE.keys() - WRITES.keys() - RULE_WRITES.keys() - DEEDS.keys()),
    ids=lambda value: value,
)
def test_what_changes_nothing_leaves_no_row(world: World, method: str, path: str) -> None:
    """Rows that are made when they are first looked at, and recommendations that start, are nobody's decision."""
    send(world, world.api(), method, path)
    assert entries(world) == []
