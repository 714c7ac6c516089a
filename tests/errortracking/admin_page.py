"""An issue's page in the admin, as a superuser gets it, and an issue to look at."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.test import Client

from errortracking.models import Event, Issue
from tests.environments.world import World, administrator, make_world
from tests.errortracking.pipeline.making import entry, send


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def client(world: World) -> Client:
    return administrator(world)


def sent(world: World, *exceptions: dict[str, Any], **changes: Any) -> tuple[Issue, str]:
    """Let one event be processed; return its issue and its id."""
    event = entry(*exceptions, **changes)
    send(world.project, event)
    stored = Event.objects.select_related("fingerprint__issue").get(environment_id=world.project.pk, pk=event["uuid"])
    assert stored.fingerprint is not None
    return stored.fingerprint.issue, str(event["uuid"])


def address(issue: Issue) -> str:
    return f"/admin/errortracking/issue/{issue.pk}/change/"


def page(client: Client, issue: Issue, query: str = "") -> str:
    response = client.get(address(issue) + query)
    assert response.status_code == 200
    return response.content.decode()


def words(markup: str) -> str:
    """Return the text of a page without its marks, words apart by one space."""
    return " ".join(html.unescape(re.sub(r"<style>.*?</style>|<[^>]*>", " ", markup, flags=re.S)).split())
