"""The admin's page of an issue that has been merged into another."""

from __future__ import annotations

import pytest
from django.test import Client

from errortracking.issues.merging import merge
from tests.environments.world import ClientResponse, World
from tests.errortracking.admin_page import client, world
from tests.errortracking.issues.making import ACTOR, came

__all__ = ["client", "world"]

pytestmark = pytest.mark.django_db


def page(client: Client, id_: object) -> ClientResponse:
    return client.get(f"/admin/errortracking/issue/{id_}/change/")


def test_it_leads_to_the_issue_that_it_is_part_of_now(world: World, client: Client) -> None:
    first, second, third = (came(world.project, name, "ada") for name in ("KeyError", "ValueError", "OSError"))
    merge(world.project.pk, second.pk, [third.pk], ACTOR)
    merge(world.project.pk, first.pk, [second.pk], ACTOR)
    for gone in (second, third):
        response = page(client, gone.pk)
        assert (response.status_code, response["Location"]) == (302, f"/admin/errortracking/issue/{first.pk}/change/")
    assert page(client, first.pk).status_code == 200


def test_without_a_successor_it_is_unknown(world: World, client: Client) -> None:
    first, second = came(world.project, "KeyError", "ada"), came(world.project, "ValueError", "ada")
    merge(world.project.pk, first.pk, [second.pk], ACTOR)
    first.delete()
    for id_ in (second.pk, first.pk, "x", "01a201fd-0000-7000-8000-000000000000"):
        response = page(client, id_)
        assert (response.status_code, response["Location"]) == (302, "/admin/"), id_


def test_whoever_may_not_look_is_not_led_anywhere(world: World, client: Client) -> None:
    first, second = came(world.project, "KeyError", "ada"), came(world.project, "ValueError", "ada")
    merge(world.project.pk, first.pk, [second.pk], ACTOR)
    world.user.is_staff, world.user.is_superuser = True, False
    world.user.save()
    client.force_login(world.user)
    assert page(client, second.pk).status_code == 403
