"""POST …/recommendations/{id}/refresh/ (contract 3, pipeline 4.2), and what all three actions have in common."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from procrastinate.contrib.django import app
from procrastinate.exceptions import ConnectorException

from environments.api import audit
from tests.environments.world import NOT_FOUND, Api, World, answer, statements
from tests.errortracking.api.making import MALFORMED_IDS, UNKNOWN
from tests.errortracking.recommendations.making import NOW, ago, at, jobs, make_row, rows, started, work

META = {"alerts": [{"key": "x", "enabled": True}]}
ACTIONS = ["dismiss", "restore", "refresh"]


def refresh(api: Api, row_id: object, query: str = "", **options: Any) -> tuple[int, Any]:
    with at(NOW):
        return answer(api.post(f"{row_id}/refresh/{query}", **options))


def test_a_ready_row_is_claimed(world: World, recommendations: Api) -> None:
    """3, refresh: claims the row when ready; then status is `computing` in the answer, and the old result stays."""
    row = make_row(world.project, meta=META, computed_at=ago(minutes=1), dismissed_at=ago(hours=2))
    assert refresh(recommendations, row.pk) == (
        200,
        {
            "id": str(row.pk),
            "type": "alerts",
            "meta": META,
            "completed": True,
            "status": "computing",
            "computed_at": "2026-11-22T11:59:00Z",
            "dismissed_at": "2026-11-22T10:00:00Z",
            "created_at": "2026-11-21T12:00:00Z",
            "updated_at": "2026-11-21T12:00:00Z",
        },
    )
    assert jobs(world.project) == [
        {"environment_id": world.project.pk, "row_id": str(row.pk), "claimed_at": "2026-11-22T12:00:00+00:00"}
    ]
    assert rows(world.project)["alerts"].status_changed_at == NOW


@pytest.mark.parametrize("name", ["source_maps", "long_running_issues"])
def test_a_fresh_result_is_computed_anew(world: World, recommendations: Api, name: str) -> None:
    """3, refresh: whether stale or not."""
    row = make_row(world.project, name, computed_at=NOW)
    assert refresh(recommendations, row.pk)[1]["status"] == "computing"
    with at(NOW + timedelta(seconds=3)):
        work(world.project)
    assert rows(world.project)[name].computed_at == NOW + timedelta(seconds=3)


def test_what_is_computing_is_answered_as_it_is(world: World, recommendations: Api) -> None:
    """3, refresh: already computing → 200 with the current row."""
    row = make_row(world.project, status="computing", status_changed_at=ago(minutes=5))
    assert refresh(recommendations, row.pk) == (
        200,
        {
            "id": str(row.pk),
            "type": "alerts",
            "meta": {},
            "completed": False,
            "status": "computing",
            "computed_at": None,
            "dismissed_at": None,
            "created_at": "2026-11-21T12:00:00Z",
            "updated_at": "2026-11-21T12:00:00Z",
        },
    )
    assert jobs(world.project) == []
    assert rows(world.project)["alerts"].status_changed_at == ago(minutes=5)


def test_what_is_computing_for_more_than_five_minutes_is_claimed(world: World, recommendations: Api) -> None:
    """3, refresh: or computing for > 5 minutes."""
    row = make_row(world.project, status="computing", status_changed_at=ago(minutes=5, microseconds=1))
    assert refresh(recommendations, row.pk)[1]["status"] == "computing"
    assert started(world.project) == ["alerts"]


@pytest.mark.parametrize(
    "query", ["?force=false", "?force=FALSE", "?force=False", "?force=fAlSe", "?force=1&force=false"]
)
def test_without_force_the_row_is_answered_as_it_is(world: World, recommendations: Api, query: str) -> None:
    """3, refresh: only the word `false` (any case) disables; 4.2: `force=false` → 200 with the row as it is."""
    row = make_row(world.project)
    status, body = refresh(recommendations, row.pk, query)
    assert (status, body["status"], body["id"]) == (200, "ready", str(row.pk))
    assert jobs(world.project) == []


@pytest.mark.parametrize(
    "query", ["", "?force=true", "?force=", "?force=0", "?force=no", "?force=off", "?force=false%20", "?force=%00"]
)
def test_any_other_word_forces(world: World, recommendations: Api, query: str) -> None:
    """3, refresh: `?force=` default true; only the word `false` disables."""
    row = make_row(world.project)
    status, body = refresh(recommendations, row.pk, query)
    assert (status, body["status"]) == (200, "computing")
    assert started(world.project) == ["alerts"]


@pytest.mark.parametrize("query", ["", "?force=false"])
@pytest.mark.parametrize("status", ["ready", "computing"])
def test_an_unknown_type_is_a_bare_400(world: World, recommendations: Api, query: str, status: str) -> None:
    """3, refresh: unknown type → 400 bare; 1.4, exceptions to the format."""
    row = make_row(world.project, "weekly_digest", status=status)
    assert refresh(recommendations, row.pk, query) == (400, {"detail": "Unknown recommendation type."})
    assert (rows(world.project)["weekly_digest"].status, jobs(world.project)) == (status, [])


@pytest.mark.parametrize("row_id", [UNKNOWN, *MALFORMED_IDS])
@pytest.mark.parametrize("query", ["", "?force=false"])
def test_an_unknown_or_malformed_id_is_not_found(recommendations: Api, row_id: str, query: str) -> None:
    """3, all three: unknown id → 404 `Not found.`; decision table: malformed uuid in a path."""
    assert refresh(recommendations, row_id, query) == (404, NOT_FOUND)


def test_a_row_of_another_project_is_not_found(stranger: World, recommendations: Api) -> None:
    row = make_row(stranger.project)
    assert refresh(recommendations, row.pk) == (404, NOT_FOUND)
    assert (rows(stranger.project)["alerts"].status, jobs(stranger.project)) == ("ready", [])


def test_a_job_that_cannot_be_queued_is_503_and_the_row_stays_ready(
    world: World, recommendations: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """4.2, refresh: (newer) queue down → 503 and the row goes back to ready."""
    row = make_row(world.project)

    def refuse(**options: object) -> None:
        raise ConnectorException

    monkeypatch.setattr(app.connector, "execute_query_all", refuse)
    with at(NOW):
        response = recommendations.post(f"{row.pk}/refresh/")
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert rows(world.project)["alerts"].status == "ready"


def test_the_claim_passes_the_audit_hook_and_a_mere_look_does_not(
    world: World, recommendations: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes: list[audit.Change] = []
    monkeypatch.setattr(audit, "record", changes.append)
    row = make_row(world.project)
    refresh(recommendations, row.pk, "?force=false")
    refresh(recommendations, row.pk)
    refresh(recommendations, row.pk)
    [made] = changes
    assert (made.action, made.resource, made.object_id) == ("refresh", "recommendations", str(row.pk))
    assert (made.before, made.after) == ({"status": "ready"}, {"status": "computing"})


def test_the_statements_of_a_refresh(world: World, recommendations: Api) -> None:
    row = make_row(world.project)
    refresh(recommendations, row.pk)
    work(world.project)
    with statements() as sent:
        refresh(recommendations, row.pk)
    parts = ["personalapikey", "status_changed_at", "SAVEPOINT", "UPDATE", "defer_jobs", "auditentry", "RELEASE"]
    parts.append("dismissed_at")
    assert len(sent) == len(parts), sent
    assert all(part in statement for part, statement in zip(parts, sent, strict=True)), sent


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/json"),
        (b"{}", "application/json"),
        (b'{"status": "x", "dismissed_at": "y", "id": 1, "force": false}', "application/json"),
        (b"[1, [2]]", "application/json"),
        (b'"text"', "application/json"),
        (b"null", "application/json"),
        (b'{"a": 1e999, "b": "\\u0000\\ud800"}', "application/json"),
        (b"dismissed_at=x&force=false", "application/x-www-form-urlencoded"),
    ],
)
def test_the_body_is_ignored(world: World, recommendations: Api, action: str, body: bytes, content_type: str) -> None:
    """3, all three: request body ignored."""
    row = make_row(world.project, dismissed_at=ago(hours=1))
    with at(NOW):
        status, shown = answer(recommendations.post(f"{row.pk}/{action}/", body, content_type=content_type))
    assert status == 200
    assert {
        "dismiss": shown["dismissed_at"] == "2026-11-22T12:00:00Z",
        "restore": shown["dismissed_at"] is None,
        "refresh": shown["status"] == "computing",
    }[action]


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(
    ("body", "content_type", "status"), [(b"{", "application/json", 400), (b"x", "text/plain", 415)]
)
def test_a_body_that_cannot_be_read_changes_nothing(
    world: World, recommendations: Api, action: str, body: bytes, content_type: str, status: int
) -> None:
    """1.1: malformed JSON on a write is reported already during permission checks."""
    row = make_row(world.project, dismissed_at=ago(hours=1))
    before = rows(world.project)["alerts"].__dict__ | {"_state": None}
    assert recommendations.post(f"{row.pk}/{action}/", body, content_type=content_type).status_code == status
    assert rows(world.project)["alerts"].__dict__ | {"_state": None} == before
    assert jobs(world.project) == []


@pytest.mark.parametrize("action", ACTIONS)
def test_a_key_needs_the_scope_to_write(world: World, action: str) -> None:
    """3: error_tracking:write."""
    row = make_row(world.project, dismissed_at=ago(hours=1))
    path = f"error_tracking/recommendations/{row.pk}/{action}/"
    status, body = answer(world.api("error_tracking:read").post(path))
    assert (status, body["detail"]) == (403, "API key missing required scope 'error_tracking:write'")
    assert world.anonymous().post(path).status_code == 401
    unchanged = rows(world.project)["alerts"]
    assert (unchanged.status, unchanged.dismissed_at) == ("ready", ago(hours=1))
    assert world.api("error_tracking:write").post(path).status_code == 200
    assert world.browser().post(path).status_code == 200


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_other_methods_are_a_405(world: World, recommendations: Api, action: str, method: str) -> None:
    """11, row 13: GET on an action."""
    row = make_row(world.project)
    response = recommendations.request(method, f"{row.pk}/{action}/")
    assert (response.status_code, response["Allow"]) == (405, "POST, OPTIONS")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("suffix", ["/", "", ".json", "/start/"])
def test_a_single_recommendation_is_an_unknown_route(
    world: World, recommendations: Api, method: str, suffix: str
) -> None:
    """3, other: no retrieve/create/delete route: `GET …/{id}/` is an unknown route (404)."""
    row = make_row(world.project)
    status, body = answer(recommendations.request(method, f"{row.pk}{suffix}"))
    assert (status, body) == (404, {**NOT_FOUND, "detail": "Endpoint not found."})
