"""Set-aside events are tried again or deleted in the admin."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission
from django.db import transaction
from django.test import Client

from environments.models import AuditEntry, Project, User
from errortracking.models import QueuedRequest, SetAsideEvent
from errortracking.pipeline.batch import accepted
from errortracking.pipeline.set_aside import set_aside
from tests.errortracking.pipeline.making import NOON, entry, make_project, outcomes, request, uuid, waiting

ADDRESS = "/admin/errortracking/setasideevent/"


@pytest.fixture
def shop(db: None) -> Project:
    project = make_project()
    for number in (1, 2, 3):
        put_aside(project, number)
    return project


@pytest.fixture
def person(client: Client, db: None) -> User:
    user = User.objects.create_superuser("root@example.com", "a long password")
    client.force_login(user)
    return user


def put_aside(project: Project, number: int) -> None:
    for event in accepted(request(entry(uuid=uuid(number))), NOON):
        with transaction.atomic():
            set_aside(project.id, event, "ValueError: no")


def row(project: Project, number: int) -> UUID:
    return SetAsideEvent.objects.get(environment_id=project.id, event_uuid=uuid(number)).id


def left(project: Project) -> set[str]:
    rows = SetAsideEvent.objects.filter(environment_id=project.id)
    return {str(found) for found in rows.values_list("event_uuid", flat=True)}


def choose(client: Client, action: str, *rows: UUID) -> Any:
    return client.post(ADDRESS, {"action": action, "_selected_action": [str(id_) for id_ in rows]}, follow=True)


def test_chosen_events_are_put_back_into_the_queue(client: Client, person: User, shop: Project) -> None:
    answer = choose(client, "try_again", row(shop, 1), row(shop, 3))
    assert "Put back into the queue: 2." in answer.content.decode()
    assert left(shop) == {uuid(2)}
    assert waiting(shop) == 2
    assert outcomes(shop) == {"set_aside/ValueError": 1}


def test_events_of_several_projects_may_be_chosen(client: Client, person: User, shop: Project) -> None:
    neighbour = make_project("neighbour")
    put_aside(neighbour, 1)
    choose(client, "try_again", row(shop, 1), row(neighbour, 1))
    assert (waiting(shop), waiting(neighbour)) == (1, 1)
    assert (left(shop), left(neighbour)) == ({uuid(2), uuid(3)}, set())


def test_chosen_events_are_deleted_for_good_and_stay_counted(client: Client, person: User, shop: Project) -> None:
    answer = choose(client, "delete_for_good", row(shop, 2))
    assert "Deleted: 1." in answer.content.decode()
    assert left(shop) == {uuid(1), uuid(3)}
    assert waiting(shop) == 0
    assert outcomes(shop) == {"set_aside/ValueError": 3}


def test_an_event_that_cannot_be_read_stays(client: Client, person: User, shop: Project) -> None:
    SetAsideEvent.objects.filter(environment_id=shop.id, event_uuid=uuid(1)).update(payload=b"rubbish")
    answer = choose(client, "try_again", row(shop, 1), row(shop, 2))
    assert "Put back into the queue: 1." in answer.content.decode()
    assert "Cannot be read, and stay: 1." in answer.content.decode()
    assert left(shop) == {uuid(1), uuid(3)}


def test_who_did_it_is_recorded(client: Client, person: User, shop: Project) -> None:
    choose(client, "try_again", row(shop, 1))
    choose(client, "delete_for_good", row(shop, 2))
    written = AuditEntry.objects.filter(environment_id=shop.id).order_by("id")
    assert [(row.action, (row.before or {})["event_uuid"], str(row.user_id)) for row in written] == [
        ("replay", uuid(1), str(person.pk)),
        ("destroy", uuid(2), str(person.pk)),
    ]


def test_who_may_only_look_has_no_actions(client: Client, shop: Project) -> None:
    user = User.objects.create_user("looker@example.com", "a long password", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_setasideevent"))
    client.force_login(user)
    assert b"try_again" not in client.get(ADDRESS).content
    choose(client, "delete_for_good", row(shop, 1))
    assert left(shop) == {uuid(1), uuid(2), uuid(3)}
    assert QueuedRequest.objects.filter(environment_id=shop.id).count() == 0
