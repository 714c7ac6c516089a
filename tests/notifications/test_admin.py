"""Alerts in the admin: destinations are made, changed and tested, the log is read and messages are sent again."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from environments.models import AuditEntry, User
from notifications.events import NoticeEvent
from notifications.models import Delivery, Destination
from tests.environments.world import World, statements
from tests.notifications.making import NOON, SECRET, make_delivery, make_destination

HOOK = "https://hooks.acme.test/services/T000/B000/XXXXXXXXwxyz"
PLACE = "/admin/notifications/destination/"
LOG = "/admin/notifications/delivery/"


def person(world: World, *permissions: str) -> Client:
    """Return the client of a person of the admin with these permissions; with all, where none is named."""
    world.user.is_staff, world.user.is_superuser = True, not permissions
    world.user.save()
    world.user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(User.objects.get(pk=world.user.pk))
    return client


def form(world: World, **changes: Any) -> dict[str, Any]:
    sent = {
        "environment": world.project.pk,
        "name": "Team",
        "kind": "webhook",
        "target": HOOK,
        "events": ["issue_created", "issue_spiking"],
        "severities": ["critical"],
        "kinds": "sdk_outdated,web_vitals",
        "hourly_limit": 30,
        "enabled": "on",
        **changes,
    }
    return {name: value for name, value in sent.items() if value is not ...}


def only(world: World) -> Destination:
    return Destination.objects.get(environment_id=world.project.pk)


def audited(world: World) -> list[tuple[str, str]]:
    entries = AuditEntry.objects.filter(environment=world.project).order_by("created_at", "id")
    return [(entry.action, entry.resource) for entry in entries]


def test_every_page_opens(world: World) -> None:
    client = person(world)
    destination = make_destination(world.project, failures=7, paused_until=NOON)
    message = make_delivery(destination, title="<script>alert(1)</script>", excerpt="<b>no</b>")
    for path in (PLACE, f"{PLACE}?q=Team", f"{PLACE}add/", LOG, f"{LOG}?destination__id__exact={destination.pk}"):
        assert client.get(path).status_code == 200, path
    for path in (f"{PLACE}{destination.pk}/", f"{LOG}{message.pk}/"):
        for page in ("change/", "history/"):
            response = client.get(path + page)
            assert response.status_code == 200, path
            assert b"<script>alert(1)" not in response.content
            assert b"<b>no</b>" not in response.content
    assert client.get(f"{PLACE}{destination.pk}/delete/").status_code == 200


def test_a_destination_is_made(world: World) -> None:
    assert person(world).post(f"{PLACE}add/", form(world)).status_code == 302
    made = only(world)
    assert (made.name, made.kind, made.target, made.enabled) == ("Team", "webhook", HOOK, True)
    assert (made.events, made.severities) == (["issue_created", "issue_spiking"], ["critical"])
    assert (made.kinds, made.hourly_limit) == (["sdk_outdated", "web_vitals"], 30)
    assert made.secret.startswith("whsec_")
    assert audited(world) == [("create", "alerts")]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"target": "javascript:alert(1)"}, "Enter an http or https address: only http and https are asked."),
        ({"events": ...}, "This field is required."),
        ({"kind": "email", "target": "team@example.com"}, "This server sends no mail."),
        ({"hourly_limit": 0}, "Ensure this value is greater than or equal to 1."),
    ],
)
def test_what_is_wrong_is_said(world: World, changes: dict[str, Any], text: str) -> None:
    page = person(world).post(f"{PLACE}add/", form(world, **changes))
    assert page.status_code == 200
    assert text in page.content.decode()
    assert not Destination.objects.filter(environment_id=world.project.pk).exists()


def test_a_change_with_the_target_as_it_is_shown_keeps_it_and_the_secret(world: World) -> None:
    destination = make_destination(world.project)
    client = person(world)
    page = client.get(f"{PLACE}{destination.pk}/change/").content.decode()
    assert "https://hooks.acme.test/…wxyz" in page
    assert HOOK not in page
    assert SECRET in page
    change = form(world, name="Night", target="https://hooks.acme.test/…wxyz", enabled=...)
    assert client.post(f"{PLACE}{destination.pk}/change/", change).status_code == 302
    found = only(world)
    assert (found.name, found.target, found.secret, found.enabled) == ("Night", HOOK, SECRET, False)
    assert found.events == ["issue_created", "issue_spiking"]
    assert audited(world) == [("update", "alerts")]


def test_another_target_is_taken_and_ends_a_pause(world: World) -> None:
    destination = make_destination(world.project, failures=7, paused_until=NOON)
    change = form(world, target="https://chat.example.com/hook")
    assert person(world).post(f"{PLACE}{destination.pk}/change/", change).status_code == 302
    found = only(world)
    assert (found.target, found.target_shown) == ("https://chat.example.com/hook", "https://chat.example.com/hook")
    assert (found.failures, found.paused_until) == (0, None)


def test_project_and_kind_stay(world: World, stranger: World) -> None:
    destination = make_destination(world.project)
    change = form(world, environment=stranger.project.pk, kind="slack")
    person(world).post(f"{PLACE}{destination.pk}/change/", change)
    found = only(world)
    assert (found.kind, found.environment_id) == ("webhook", world.project.pk)


def test_a_destination_is_deleted_with_its_log(world: World) -> None:
    destination = make_destination(world.project)
    make_delivery(destination)
    assert person(world).post(f"{PLACE}{destination.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Destination.objects.filter(environment_id=world.project.pk).exists()
    assert not Delivery.objects.filter(environment_id=world.project.pk).exists()
    assert audited(world) == [("destroy", "alerts")]


def test_a_test_is_asked_for_and_then_sent(world: World) -> None:
    destination = make_destination(world.project)
    client = person(world)
    page = client.get(f"{PLACE}{destination.pk}/change/").content.decode()
    address = f"{PLACE}{destination.pk}/test/"
    assert address in page
    assert "Send a test" in client.get(address).content.decode()
    assert not Delivery.objects.filter(environment_id=world.project.pk).exists()
    response = client.post(address)
    [message] = Delivery.objects.filter(environment_id=world.project.pk)
    assert response["Location"] == f"{LOG}{message.pk}/change/"
    assert (message.event, message.status) == ("test", "pending")
    assert audited(world) == [("test", "alerts")]


def test_messages_are_sent_again(world: World) -> None:
    destination = make_destination(world.project)
    first, second = make_delivery(destination, status="failed"), make_delivery(destination)
    sent = {"action": "send_again", "_selected_action": [str(first.pk)]}
    assert person(world).post(LOG, sent).status_code == 302
    states = {row.pk: row.status for row in Delivery.objects.filter(environment_id=world.project.pk)}
    assert states == {first.pk: "pending", second.pk: "delivered"}
    assert audited(world) == [("replay", "alert_deliveries")]


def test_who_may_only_look_sees_no_secret_changes_nothing_and_sends_nothing(world: World) -> None:
    destination = make_destination(world.project)
    message = make_delivery(destination)
    client = person(world, "view_destination", "view_delivery")
    page = client.get(f"{PLACE}{destination.pk}/change/").content.decode()
    assert "https://hooks.acme.test/…wxyz" in page
    assert SECRET not in page
    assert HOOK not in page
    assert client.post(f"{PLACE}{destination.pk}/change/", form(world)).status_code == 403
    assert client.post(f"{PLACE}{destination.pk}/test/").status_code == 403
    client.post(LOG, {"action": "send_again", "_selected_action": [str(message.pk)]})
    assert Delivery.objects.get(environment_id=world.project.pk).status == "delivered"
    assert only(world).events == list(NoticeEvent.values)


def test_messages_are_found_by_their_destination_and_by_ids(world: World) -> None:
    client, subject = person(world), uuid4()
    one = make_delivery(make_destination(world.project, name="Shop team"), subject_id=subject)
    other = make_delivery(make_destination(world.project, name="Night shift"))

    def found(query: str) -> set[Any]:
        return {row.pk for row in client.get(LOG, {"q": query}).context["cl"].result_list}

    assert found("") == {one.pk, other.pk}
    assert found("shop") == {one.pk}
    assert found(str(other.pk)) == {other.pk}
    assert found(str(subject)) == {one.pk}
    assert found("nobody") == found(str(uuid4())) == set()
    page = client.get(LOG + "?event=digest").context["cl"]
    assert [row.pk for row in page.result_list] == []


def test_the_log_is_in_one_order_whatever_is_asked(world: World) -> None:
    """There is an index for no other, and the log is kept for weeks."""
    make_delivery(make_destination(world.project))
    with statements() as sent:
        assert person(world).get(LOG + "?o=4").status_code == 200
    (read,) = (text for text in sent if 'FROM "notifications_delivery"' in text)
    assert '"environment_id" DESC, "notifications_delivery"."id" DESC LIMIT 50' in read
