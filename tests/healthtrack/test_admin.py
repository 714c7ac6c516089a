"""The admin tells of a health issue what was found and what to do, and shows what events brought as text."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.environments.world import World, world
from tests.healthtrack.api.making import make_issue

__all__ = ["world"]

pytestmark = pytest.mark.django_db
LIST = "/admin/healthtrack/healthissue/"


@pytest.fixture
def page(world: World, client: Client) -> Client:
    world.user.is_staff = world.user.is_superuser = True
    world.user.save()
    client.force_login(world.user)
    return client


def test_an_issue_is_told_in_words(world: World, page: Client) -> None:
    issue = make_issue(world.project, kind="no_live_events", payload={"reason": "<b>No</b> $pageview"})
    shown = page.get(f"{LIST}{issue.id}/change/").content.decode()
    assert "No live events" in shown
    assert "&lt;b&gt;No&lt;/b&gt; $pageview" in shown
    assert "<b>No</b>" not in shown
    assert "is the snippet loaded" in shown
    assert 'href="/admin/errortracking/eventcount/"' in shown
    assert "No live events" in page.get(LIST).content.decode()


def test_an_issue_of_an_unknown_kind_is_shown_too(world: World, page: Client) -> None:
    issue = make_issue(world.project)
    shown = page.get(f"{LIST}{issue.id}/change/").content.decode()
    assert "Some check" in shown
    assert "This server knows no check of this kind." in shown
