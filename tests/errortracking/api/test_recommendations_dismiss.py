"""POST …/recommendations/{id}/dismiss/ and …/restore/ (contract 3)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from environments.api import audit
from errortracking.models import Recommendation
from tests.environments.world import NOT_FOUND, Api, World, answer
from tests.errortracking.api.making import MALFORMED_IDS, UNKNOWN
from tests.errortracking.recommendations.making import NOW, ago, at, jobs, make_row

CHANGES = ["dismiss", "restore"]


def shown(row: Recommendation, **fields: Any) -> dict[str, Any]:
    """What the API shows of a row that `make_row` made, changed at `NOW`."""
    return {
        "id": str(row.pk),
        "type": "alerts",
        "meta": {},
        "completed": False,
        "status": "ready",
        "computed_at": None,
        "dismissed_at": None,
        "created_at": "2026-11-21T12:00:00Z",
        "updated_at": "2026-11-22T12:00:00Z",
    } | fields


def test_dismiss_sets_the_time(world: World, recommendations: Api) -> None:
    """3, dismiss: sets dismissed_at = now, 200 object."""
    row = make_row(world.project)
    with at(NOW):
        response = recommendations.post(f"{row.pk}/dismiss/")
    assert answer(response) == (200, shown(row, dismissed_at="2026-11-22T12:00:00Z"))


def test_dismiss_sets_the_time_again_on_every_call(world: World, recommendations: Api) -> None:
    """3, dismiss: not idempotent in the value."""
    row = make_row(world.project)
    for minutes in (0, 7):
        with at(NOW + timedelta(minutes=minutes)):
            body = answer(recommendations.post(f"{row.pk}/dismiss/"))[1]
        assert body["dismissed_at"] == body["updated_at"] == f"2026-11-22T12:{minutes:02}:00Z"


def test_a_dismissed_recommendation_is_still_listed(world: World, recommendations: Api) -> None:
    """3, dismiss: still listed afterwards."""
    row = make_row(world.project)
    recommendations.post(f"{row.pk}/dismiss/")
    [item] = answer(recommendations.get("?poll=true"))[1]["results"]
    assert (item["id"], item["dismissed_at"] is None) == (str(row.pk), False)


@pytest.mark.parametrize("dismissed_at", [None, ago(hours=3)])
def test_restore_clears_the_time(world: World, recommendations: Api, dismissed_at: Any) -> None:
    """3, restore: dismissed_at = null, also when it already was; bumps updated_at."""
    row = make_row(world.project, dismissed_at=dismissed_at)
    with at(NOW):
        response = recommendations.post(f"{row.pk}/restore/")
    assert answer(response) == (200, shown(row))


@pytest.mark.parametrize("change", CHANGES)
def test_the_rest_of_the_row_stays(world: World, recommendations: Api, change: str) -> None:
    meta = {"alerts": [{"key": "x", "enabled": True}]}
    row = make_row(world.project, meta=meta, computed_at=ago(hours=1), status="computing")
    body = answer(recommendations.post(f"{row.pk}/{change}/"))[1]
    assert (body["meta"], body["completed"], body["status"]) == (meta, True, "computing")
    assert body["computed_at"] == "2026-11-22T11:00:00Z"
    row.refresh_from_db()
    assert row.status_changed_at == ago(days=1)
    assert jobs(world.project) == []


@pytest.mark.parametrize("change", CHANGES)
def test_a_row_of_an_unknown_type_can_be_changed_too(world: World, recommendations: Api, change: str) -> None:
    row = make_row(world.project, "weekly_digest")
    status, body = answer(recommendations.post(f"{row.pk}/{change}/"))
    assert (status, body["type"], body["completed"]) == (200, "weekly_digest", False)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("row_id", [UNKNOWN, *MALFORMED_IDS])
def test_an_unknown_or_malformed_id_is_not_found(recommendations: Api, change: str, row_id: str) -> None:
    """3, all three: unknown id → 404 `Not found.`; decision table: malformed uuid in a path."""
    assert answer(recommendations.post(f"{row_id}/{change}/")) == (404, NOT_FOUND)


@pytest.mark.parametrize("change", CHANGES)
def test_a_row_of_another_project_is_not_found(stranger: World, recommendations: Api, change: str) -> None:
    row = make_row(stranger.project, dismissed_at=ago(hours=1))
    assert answer(recommendations.post(f"{row.pk}/{change}/")) == (404, NOT_FOUND)
    row.refresh_from_db()
    assert row.dismissed_at == ago(hours=1)


@pytest.mark.parametrize("spelling", ["upper", "hex"])
def test_an_id_may_be_spelled_otherwise(world: World, recommendations: Api, spelling: str) -> None:
    row = make_row(world.project)
    text = str(row.pk).upper() if spelling == "upper" else row.pk.hex
    assert answer(recommendations.post(f"{text}/dismiss"))[1]["id"] == str(row.pk)


@pytest.mark.parametrize("change", CHANGES)
def test_the_change_passes_the_audit_hook(
    world: World, recommendations: Api, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    changes: list[audit.Change] = []
    monkeypatch.setattr(audit, "record", changes.append)
    row = make_row(world.project, dismissed_at=ago(hours=1))
    with at(NOW):
        recommendations.post(f"{row.pk}/{change}/")
    [made] = changes
    assert (made.action, made.resource, made.object_id) == (change, "recommendations", str(row.pk))
    assert (made.environment_id, made.actor.user_id) == (world.project.pk, str(world.user.pk))
    assert made.before == {"dismissed_at": ago(hours=1)}
    assert made.after == {"dismissed_at": NOW if change == "dismiss" else None}


def test_a_change_that_cannot_be_audited_is_not_made(
    world: World, recommendations: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = make_row(world.project)

    def fail(change: audit.Change) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(audit, "record", fail)
    with pytest.raises(ZeroDivisionError):
        recommendations.post(f"{row.pk}/dismiss/")
    row.refresh_from_db()
    assert row.dismissed_at is None
