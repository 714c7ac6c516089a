"""GET …/recommendations/ (contract 3, pipeline 4.2)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from errortracking.models import Issue, Recommendation
from errortracking.recommendations import claims
from tests.environments.world import Api, World, answer, statements
from tests.errortracking.recommendations.making import (
    ALL_TYPES,
    NOW,
    ago,
    at,
    jobs,
    make_issue,
    make_row,
    rows,
    started,
    work,
)

ALERTS = ["error-tracking-issue-created", "error-tracking-issue-reopened", "error-tracking-issue-spiking"]


def listed(api: Api, query: str = "") -> list[dict[str, Any]]:
    """Return the results, asked for at `NOW`."""
    with at(NOW):
        status, body = answer(api.get(query))
    assert status == 200
    results: list[dict[str, Any]] = body["results"]
    return results


def by_type(api: Api, query: str = "?poll=true") -> dict[str, dict[str, Any]]:
    return {item["type"]: item for item in listed(api, query)}


def test_the_first_call_makes_each_row_and_starts_it(world: World, recommendations: Api) -> None:
    """3, list: the first call can show `computing`, computed_at null, meta {}; ordered by type ascending."""
    with at(NOW):
        body = answer(recommendations.get(""))[1]
    ids = {name: str(row.pk) for name, row in rows(world.project).items()}
    assert body == {
        "count": 5,
        "next": None,
        "previous": None,
        "results": [
            {
                "id": ids[name],
                "type": name,
                "meta": {},
                "completed": False,
                "status": "computing",
                "computed_at": None,
                "dismissed_at": None,
                "created_at": "2026-11-22T12:00:00Z",
                "updated_at": "2026-11-22T12:00:00Z",
            }
            for name in ("alerts", "long_running_issues", "quiet_issues", "rate_limits", "source_maps")
        ],
    }
    assert sorted(started(world.project)) == ALL_TYPES


def test_the_fields_stand_in_the_order_of_the_contract(recommendations: Api) -> None:
    """3: the object."""
    assert list(listed(recommendations)[0]) == [
        *("id", "type", "meta", "completed", "status", "computed_at", "dismissed_at", "created_at", "updated_at")
    ]


def test_what_is_computing_is_not_started_again(world: World, recommendations: Api) -> None:
    first, second = listed(recommendations), listed(recommendations)
    assert first == second
    assert len(jobs(world.project)) == 5


def test_results_are_shown_when_they_are_there(world: World, recommendations: Api) -> None:
    listed(recommendations)
    with at(NOW + timedelta(seconds=2)):
        work(world.project)
    shown = by_type(recommendations)
    assert [(item["status"], item["computed_at"], item["updated_at"]) for item in shown.values()] == [
        ("ready", "2026-11-22T12:00:02Z", "2026-11-22T12:00:02Z")
    ] * 5
    assert shown["alerts"]["meta"] == {"alerts": [{"key": key, "enabled": False} for key in ALERTS]}
    assert shown["long_running_issues"]["meta"] == {"issues": []}


def test_the_next_look_starts_what_is_always_stale_and_shows_what_there_was(world: World, recommendations: Api) -> None:
    """4.1, refresh: alerts and rate_limits at every list, the others after 6 h."""
    listed(recommendations)
    with at(NOW):
        work(world.project)
    shown = by_type(recommendations, "")
    assert {name: item["status"] for name, item in shown.items()} == {
        "alerts": "computing",
        "long_running_issues": "ready",
        "quiet_issues": "ready",
        "rate_limits": "computing",
        "source_maps": "ready",
    }
    assert shown["alerts"]["meta"]["alerts"][0] == {"key": ALERTS[0], "enabled": False}
    assert shown["alerts"]["computed_at"] == "2026-11-22T12:00:00Z"
    assert sorted(started(world.project)) == sorted([*ALL_TYPES, "alerts", "rate_limits"])


@pytest.mark.parametrize("word", ["true", "TRUE", "True", "tRuE", "x&poll=true"])
def test_polling_makes_nothing_and_starts_nothing(world: World, recommendations: Api, word: str) -> None:
    """3, list: `?poll=true` (case-insensitive) skips the side effect and creates nothing."""
    assert listed(recommendations, f"?poll={word}") == []
    make_row(world.project, "alerts")
    assert [item["status"] for item in listed(recommendations, f"?poll={word}")] == ["ready"]
    assert jobs(world.project) == []


@pytest.mark.parametrize(
    "word", ["", "1", "yes", "on", "false", "true%20", "tru", "%00", "true&poll=0", "%F0%9F%92%A5"]
)
def test_any_other_word_is_an_ordinary_look(world: World, recommendations: Api, word: str) -> None:
    assert len(listed(recommendations, f"?poll={word}")) == 5
    assert len(jobs(world.project)) == 5


def test_a_row_that_seems_stuck_is_started_again(world: World, recommendations: Api) -> None:
    """4.2, claim: or computing stuck > 5 min."""
    make_row(world.project, "source_maps", status="computing", status_changed_at=ago(minutes=5, seconds=1))
    make_row(world.project, "long_running_issues", status="computing", status_changed_at=ago(minutes=5))
    listed(recommendations)
    assert "source_maps" in started(world.project)
    assert "long_running_issues" not in started(world.project)


CHECKED = {"key": "project", "enabled": True}
OPEN = {"key": "project", "enabled": False}
FRAMES = {"total_frames": 20, "unresolved_frames": 7, "unresolved_pct": 0.35}


@pytest.mark.parametrize(
    ("name", "meta", "completed"),
    [
        ("alerts", {"alerts": [CHECKED, CHECKED, CHECKED]}, True),
        ("alerts", {"alerts": [CHECKED, OPEN, CHECKED]}, False),
        ("alerts", {"alerts": []}, False),
        ("rate_limits", {"rate_limits": [CHECKED, CHECKED]}, True),
        ("rate_limits", {"rate_limits": [CHECKED, OPEN]}, False),
        ("rate_limits", {"rate_limits": []}, False),
        ("source_maps", FRAMES, False),
        ("source_maps", FRAMES | {"unresolved_frames": 6, "unresolved_pct": 0.3}, True),
        ("source_maps", FRAMES | {"total_frames": 19}, True),
        ("long_running_issues", {"issues": []}, True),
        ("quiet_issues", {"quiet_days": 30, "total": 0, "issues": []}, True),
        ("weekly_digest", {"enabled": True}, False),
    ],
)
def test_completed_is_computed_from_what_is_shown(
    world: World, recommendations: Api, name: str, meta: dict[str, Any], completed: bool
) -> None:
    """3, completed: per type, false for unknown types and while computed_at is null; 4.2: never stored."""
    row = make_row(world.project, name, meta=meta, computed_at=ago(hours=1))
    shown = by_type(recommendations)[name]
    assert (shown["completed"], shown["meta"]) == (completed, meta)
    Recommendation.objects.filter(environment=world.project, pk=row.pk).update(computed_at=None)
    shown = by_type(recommendations)[name]
    assert (shown["completed"], shown["meta"], shown["computed_at"]) == (False, meta, None)


@pytest.mark.parametrize("name", ALL_TYPES)
def test_a_result_of_another_version_is_no_error(world: World, recommendations: Api, name: str) -> None:
    make_row(world.project, name, meta={"of": "another version"}, computed_at=ago(hours=1))
    assert by_type(recommendations)[name]["meta"]["of"] == "another version"


def test_the_status_of_issues_is_the_live_one(world: World, recommendations: Api) -> None:
    """3, meta: `status` is replaced by the live value on read. 4.1: issues that are gone are skipped."""
    issue, gone = make_issue(world.project, "KeyError"), make_issue(world.project, "OSError")
    entries = [{"id": str(one.pk), "name": one.name, "status": "active", "occurrences": 3} for one in (issue, gone)]
    row = make_row(world.project, "long_running_issues", meta={"issues": entries}, computed_at=ago(hours=1))
    Issue.objects.filter(environment=world.project, pk=issue.pk).update(status="suppressed")
    gone.delete()
    shown = by_type(recommendations)["long_running_issues"]
    assert shown["meta"] == {"issues": [{**entries[0], "status": "suppressed"}]}
    assert shown["completed"] is False
    issue.delete()
    shown = by_type(recommendations)["long_running_issues"]
    assert (shown["meta"], shown["completed"]) == ({"issues": []}, True)
    row.refresh_from_db()
    assert row.meta == {"issues": entries}


def test_texts_of_events_pass_unchanged(world: World, recommendations: Api) -> None:
    name = '<script>alert(1)</script> \u2028 \\ " 💥'
    issue = make_issue(world.project, name)
    entry = {"id": str(issue.pk), "name": name, "status": "active", "n": [1, -2.5, 1e20, None, 2**62]}
    make_row(world.project, "long_running_issues", meta={"issues": [entry]}, computed_at=ago(hours=1))
    assert by_type(recommendations)["long_running_issues"]["meta"] == {"issues": [entry]}


def test_a_row_of_an_unknown_type_is_listed_and_left_alone(world: World, recommendations: Api) -> None:
    make_row(world.project, "weekly_digest", meta={"enabled": True}, dismissed_at=ago(days=2))
    shown = by_type(recommendations, "")
    assert list(shown) == [
        "alerts",
        "long_running_issues",
        "quiet_issues",
        "rate_limits",
        "source_maps",
        "weekly_digest",
    ]
    assert (shown["weekly_digest"]["status"], shown["weekly_digest"]["dismissed_at"]) == (
        "ready",
        "2026-11-20T12:00:00Z",
    )
    assert len(jobs(world.project)) == 5


def test_pages_are_100_recommendations(world: World, recommendations: Api) -> None:
    """3, list: paginated 100."""
    for number in range(101):
        make_row(world.project, f"type_{number:03}")
    with at(NOW):
        body = answer(recommendations.get("?poll=true"))[1]
    assert (body["count"], len(body["results"])) == (101, 100)
    assert body["next"] == f"http://testserver{recommendations.root}?limit=100&offset=100&poll=true"
    assert [item["type"] for item in listed(recommendations, "?poll=true&limit=2&offset=99")] == [
        "type_099",
        "type_100",
    ]


def test_rows_of_others_are_neither_listed_nor_started(world: World, stranger: World, recommendations: Api) -> None:
    foreign = make_row(stranger.project, "alerts")
    assert str(foreign.pk) not in {item["id"] for item in listed(recommendations)}
    foreign.refresh_from_db()
    assert (foreign.status, list(rows(stranger.project)), jobs(stranger.project)) == ("ready", ["alerts"], [])


def test_that_nothing_can_be_started_does_not_fail_the_list(
    world: World, recommendations: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """4.2: a failing kick is logged and does not fail the list."""
    make_row(world.project, "alerts")

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(claims, "_defer", fail)
    with capture_logs() as logs:
        assert [(item["type"], item["status"]) for item in listed(recommendations)] == [("alerts", "ready")]
    assert [(entry["project"], entry["event"]) for entry in logs if entry["log_level"] == "error"] == [
        (world.project.pk, "recommendations were not started")
    ]


def test_the_statements_of_a_list(world: World, recommendations: Api) -> None:
    """The key; claim and jobs in one transaction; count and page at once; the statuses of the issues that are shown."""
    entries = [{"id": str(make_issue(world.project).pk), "status": "active"} for _ in range(5)]
    make_row(world.project, "long_running_issues", meta={"issues": entries}, computed_at=NOW)
    expected = {
        "": ["personalapikey", "SAVEPOINT", "WITH kind", "defer_jobs", "RELEASE", "dismissed_at", "_issue"],
        "?poll=true": ["personalapikey", "dismissed_at", "_issue"],
    }
    listed(recommendations)
    for query, parts in expected.items():
        Recommendation.objects.filter(environment=world.project).update(status="ready")
        listed(recommendations, query)  # the first request prepares the statements
        Recommendation.objects.filter(environment=world.project).update(status="ready")
        with statements() as sent:
            listed(recommendations, query)
        assert len(sent) == len(parts), sent
        assert all(part in statement for part, statement in zip(parts, sent, strict=True)), sent


def test_a_key_needs_the_scope_to_read(world: World) -> None:
    """3: error_tracking:read; 1.3: write includes read."""
    path = "error_tracking/recommendations/"
    assert world.api("error_tracking:read").get(path).status_code == 200
    assert world.api("error_tracking:write").get(path).status_code == 200
    status, body = answer(world.api("health_issue:write").get(path))
    assert (status, body["detail"]) == (403, "API key missing required scope 'error_tracking:read'")
    assert world.anonymous().get(path).status_code == 401
    assert world.browser().get(path).status_code == 200


def test_who_is_refused_makes_nothing(world: World, stranger: World) -> None:
    path = f"/api/environments/{world.project.pk}/error_tracking/recommendations/"
    assert stranger.api().get(path).status_code == 403
    assert world.api("health_issue:read").get(path).status_code == 403
    assert world.anonymous().get(path).status_code == 401
    assert (rows(world.project), jobs(world.project)) == ({}, [])


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_other_methods_are_a_405(world: World, recommendations: Api, method: str) -> None:
    """3, other: no create route."""
    response = recommendations.request(method, "", {"type": "alerts"})
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert rows(world.project) == {}
