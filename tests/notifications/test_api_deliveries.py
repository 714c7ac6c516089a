"""``…/error_tracking/alerts/deliveries/``: the log, and sending a message again."""

from __future__ import annotations

from datetime import timedelta

from environments import clock
from tests.environments.world import World, answer, error
from tests.notifications.making import ISSUE, NOON, make_delivery, make_destination

ROOT = "error_tracking/alerts/deliveries/"


def test_a_message_is_shown_with_how_it_went(world: World) -> None:
    destination = make_destination(world.project)
    message = make_delivery(destination, status="failed", http_status=500, error="it answered 500", excerpt="oh")
    assert answer(world.api("error_tracking:read").get(f"{ROOT}{message.pk}/")) == (
        200,
        {
            "id": str(message.pk),
            "destination_id": str(destination.pk),
            "event": "issue_created",
            "subject_id": str(ISSUE),
            "title": "KeyError",
            "status": "failed",
            "attempts": 1,
            "created_at": "2026-11-22T12:00:00Z",
            "next_attempt_at": None,
            "finished_at": "2026-11-22T12:00:00Z",
            "http_status": 500,
            "duration_ms": 12,
            "error": "it answered 500",
            "excerpt": "oh",
            "tries": [{"at": "2026-11-22T12:00:00Z", "http_status": 200, "duration_ms": 12, "error": ""}],
        },
    )


def test_the_log_is_listed_newest_first_and_filtered(world: World) -> None:
    first, second = make_destination(world.project), make_destination(world.project)
    old, failed = make_delivery(first), make_delivery(first, status="failed")
    other = make_delivery(second)
    api = world.api("error_tracking:read")

    def listed(query: str) -> list[str]:
        return [row["id"] for row in answer(api.get(ROOT + query))[1]["results"]]

    assert listed("") == [str(other.pk), str(failed.pk), str(old.pk)]
    assert listed(f"?destination_id={first.pk}") == [str(failed.pk), str(old.pk)]
    assert listed(f"?destination_id={first.pk}&status=failed") == [str(failed.pk)]
    assert listed("?status=pending") == []


def test_wrong_filters_are_named(world: World) -> None:
    api = world.api("error_tracking:read")
    assert answer(api.get(f"{ROOT}?status=lost")) == error(
        400, "validation_error", "invalid_input", "Must be one of: pending, delivered, failed.", "status"
    )
    assert answer(api.get(f"{ROOT}?destination_id=7")) == error(
        400, "validation_error", "invalid_input", "Must be a valid UUID.", "destination_id"
    )


def test_a_message_is_sent_again(world: World) -> None:
    message = make_delivery(make_destination(world.project), status="failed", attempts=11)
    later = NOON + timedelta(days=9)
    with clock.stopped_at(later):
        status, told = answer(world.api("error_tracking:write").post(f"{ROOT}{message.pk}/replay/"))
    assert (status, told["id"], told["status"], told["attempts"]) == (202, str(message.pk), "pending", 0)
    assert (told["next_attempt_at"], told["finished_at"]) == ("2026-12-01T12:00:00Z", None)
    message.refresh_from_db()
    assert message.expires_at == later + timedelta(days=1)


def test_who_may_only_read_sends_nothing_again(world: World) -> None:
    message = make_delivery(make_destination(world.project))
    assert world.api("error_tracking:read").post(f"{ROOT}{message.pk}/replay/").status_code == 403
    message.refresh_from_db()
    assert message.status == "delivered"
