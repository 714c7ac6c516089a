"""``…/error_tracking/alerts/``: destinations are listed, made, changed, deleted and tested."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings

from environments import clock
from environments.models import AuditEntry
from notifications.models import Delivery, Destination
from tests.environments.world import Api, World, answer, error
from tests.notifications.making import NOON, make_destination

HOOK = "https://hooks.acme.test/services/T000/B000/XXXXXXXXwxyz"
NEW = {"name": "Team", "kind": "webhook", "target": HOOK, "events": ["issue_created", "health_issue_firing"]}
ROOT = "error_tracking/alerts/"


@pytest.fixture
def api(world: World) -> Api:
    return world.api("error_tracking:write")


def only(world: World) -> Destination:
    return Destination.objects.get(environment_id=world.project.pk)


def invalid(field: str, text: str, code: str = "invalid_input") -> tuple[int, dict[str, Any]]:
    return error(400, "validation_error", code, text, field)


def test_a_new_destination_is_answered_with_its_secret_this_once(world: World, api: Api) -> None:
    with clock.stopped_at(NOON):
        status, made = answer(api.post(ROOT, NEW))

    row = only(world)
    assert status == 201
    assert made == {
        "id": str(row.pk),
        "name": "Team",
        "kind": "webhook",
        "target": "https://hooks.acme.test/…wxyz",
        "events": ["issue_created", "health_issue_firing"],
        "severities": [],
        "kinds": [],
        "hourly_limit": 60,
        "enabled": True,
        "failures": 0,
        "paused_until": None,
        "created_at": "2026-11-22T12:00:00Z",
        "updated_at": "2026-11-22T12:00:00Z",
        "secret": row.secret,
    }
    assert len(base64.b64decode(row.secret.removeprefix("whsec_"))) == 32
    assert row.target == HOOK
    shown = {name: value for name, value in made.items() if name != "secret"}
    assert answer(api.get(f"{ROOT}{row.pk}/")) == (200, shown)
    assert answer(api.get(ROOT)) == (200, {"count": 1, "next": None, "previous": None, "results": [shown]})


def test_two_webhooks_have_two_secrets_and_a_chat_has_none(world: World, api: Api) -> None:
    secrets = [answer(api.post(ROOT, NEW | {"kind": kind}))[1]["secret"] for kind in ("webhook", "webhook", "slack")]
    assert secrets[0] != secrets[1]
    assert secrets[2] == ""


def test_filters_are_kept_once_each(world: World, api: Api) -> None:
    chosen = {"severities": ["critical", "critical", "high"], "kinds": ["sdk_outdated", "sdk_outdated"]}
    status, made = answer(api.post(ROOT, NEW | chosen | {"hourly_limit": 5, "enabled": False}))
    assert (status, made["severities"], made["kinds"]) == (201, ["critical", "high"], ["sdk_outdated"])
    assert (made["hourly_limit"], made["enabled"]) == (5, False)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"name": ...}, invalid("name", "This field is required.", "required")),
        ({"kind": "pager"}, invalid("kind", '"pager" is not a valid choice.', "invalid_choice")),
        ({"events": []}, invalid("events", "This list may not be empty.", "empty")),
        ({"events": ["lunch"]}, invalid("events__0", '"lunch" is not a valid choice.', "invalid_choice")),
        ({"severities": ["bad"]}, invalid("severities__0", '"bad" is not a valid choice.', "invalid_choice")),
        (
            {"hourly_limit": 0},
            invalid("hourly_limit", "Ensure this value is greater than or equal to 1.", "min_value"),
        ),
        (
            {"hourly_limit": 1001},
            invalid("hourly_limit", "Ensure this value is less than or equal to 1000.", "max_value"),
        ),
        (
            {"target": "ftp://example.com/"},
            invalid("target", "Enter an http or https address: only http and https are asked."),
        ),
        (
            {"target": "https://ann:pw@example.com/"},
            invalid("target", "Enter an http or https address: addresses with a user name are not asked."),
        ),
    ],
)
def test_what_is_wrong_with_a_new_destination_is_named(
    world: World, api: Api, change: dict[str, Any], expected: tuple[int, Any]
) -> None:
    body = {name: value for name, value in (NEW | change).items() if value is not ...}
    assert answer(api.post(ROOT, body)) == expected
    assert not Destination.objects.filter(environment_id=world.project.pk).exists()


def test_mail_goes_to_an_address_of_mail_where_this_server_sends_any(
    world: World, api: Api, settings: Settings
) -> None:
    settings.EMAIL_AVAILABLE = True
    body = NEW | {"kind": "email", "target": "team"}
    assert answer(api.post(ROOT, body)) == invalid("target", "Enter a valid email address.")
    assert answer(api.post(ROOT, body | {"target": "team@example.com"}))[1]["target"] == "team@example.com"
    settings.EMAIL_AVAILABLE = False
    assert answer(api.post(ROOT, body | {"target": "team@example.com"})) == invalid(
        "kind", "This server sends no mail: its operator has named no mail server.", "no_mail"
    )


def test_a_project_has_at_most_twenty(world: World, api: Api) -> None:
    for _ in range(19):
        make_destination(world.project)
    assert api.post(ROOT, NEW).status_code == 201
    text = "A project has at most 20 destinations."
    assert answer(api.post(ROOT, NEW)) == error(400, "validation_error", "too_many_destinations", text)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_change_leaves_what_it_does_not_name(world: World, api: Api, method: str) -> None:
    row = make_destination(world.project)
    change = {"name": "Night shift", "events": ["issue_spiking"], "severities": ["critical"], "kind": "slack"}
    status, changed = answer(api.request(method, f"{ROOT}{row.pk}/", change))
    assert (status, changed["name"], changed["events"]) == (200, "Night shift", ["issue_spiking"])
    assert (changed["severities"], changed["kind"], changed["enabled"]) == (["critical"], "webhook", True)
    row.refresh_from_db()
    assert (row.target, row.name, row.secret) == (HOOK, "Night shift", row.secret)


def test_the_target_as_it_is_shown_changes_nothing(world: World, api: Api) -> None:
    row = make_destination(world.project, failures=7, paused_until=NOON)
    shown = answer(api.get(f"{ROOT}{row.pk}/"))[1]
    assert answer(api.patch(f"{ROOT}{row.pk}/", {"target": shown["target"]})) == (200, shown)
    row.refresh_from_db()
    assert (row.target, row.failures) == (HOOK, 7)


@pytest.mark.parametrize(("off", "change"), [(False, {"target": "https://x.test/"}), (True, {"enabled": True})])
def test_another_target_or_switching_it_on_ends_a_pause(
    world: World, api: Api, off: bool, change: dict[str, Any]
) -> None:
    row = make_destination(world.project, failures=7, paused_until=NOON, enabled=not off)
    status, changed = answer(api.patch(f"{ROOT}{row.pk}/", change))
    assert (status, changed["failures"], changed["paused_until"]) == (200, 0, None)


def test_a_changed_target_must_fit_the_kind(world: World, api: Api) -> None:
    row = make_destination(world.project)
    status, found = answer(api.patch(f"{ROOT}{row.pk}/", {"target": "team@example.com"}))
    assert (status, found["attr"]) == (400, "target")
    row.refresh_from_db()
    assert row.target == HOOK


def test_a_deleted_destination_takes_its_log_along(world: World, api: Api) -> None:
    row = make_destination(world.project)
    api.post(f"{ROOT}{row.pk}/test/")
    assert answer(api.delete(f"{ROOT}{row.pk}/")) == (204, None)
    assert not Delivery.objects.filter(environment_id=world.project.pk).exists()
    assert api.delete(f"{ROOT}{row.pk}/").status_code == 404


def test_a_test_is_answered_with_its_delivery(world: World, api: Api) -> None:
    row = make_destination(world.project)
    with clock.stopped_at(NOON):
        response = api.post(f"{ROOT}{row.pk}/test/")
    status, told = answer(response)
    assert (status, told["event"], told["status"], told["destination_id"]) == (202, "test", "pending", str(row.pk))
    assert answer(api.get(f"{ROOT}deliveries/{told['id']}/")) == (200, told)
    assert answer(api.post(f"{ROOT}{row.pk}/test/"))[1]["id"] == told["id"]


def test_the_record_of_changes_holds_neither_the_secret_nor_the_whole_target(world: World, api: Api) -> None:
    with clock.stopped_at(NOON + timedelta(seconds=1)):
        api.post(ROOT, NEW)
    row = only(world)
    api.patch(f"{ROOT}{row.pk}/", {"target": "https://hooks.acme.test/services/T000/other", "enabled": False})
    created, changed = AuditEntry.objects.filter(environment=world.project).order_by("created_at", "id")
    assert created.after == {
        "name": "Team",
        "kind": "webhook",
        "target": "https://hooks.acme.test/…wxyz",
        "events": ["issue_created", "health_issue_firing"],
        "severities": [],
        "kinds": [],
        "hourly_limit": 60,
        "enabled": True,
    }
    assert changed.before == {"target": "https://hooks.acme.test/…wxyz", "enabled": True}
    assert changed.after == {"target": "https://hooks.acme.test/…ther", "enabled": False}
