"""What a person decides on an issue's page in the admin."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from environments import clock
from environments.models import AuditEntry
from errortracking.models import Issue
from tests.environments.world import ClientResponse, World
from tests.errortracking.admin_page import address, client, page, world
from tests.errortracking.pipeline.making import NOON

__all__ = ["client", "world"]

pytestmark = pytest.mark.django_db


def decide(client: Client, issue: Issue, decision: str, seen: str) -> ClientResponse:
    response = client.post(
        f"/admin/errortracking/issue/{issue.pk}/decide/", {"decision": decision, "seen": seen}, follow=True
    )
    issue.refresh_from_db()
    return response


@pytest.mark.parametrize(
    ("before", "decision", "after"),
    [
        ("active", "resolve", "resolved"),
        ("active", "suppress", "suppressed"),
        ("resolved", "reopen", "active"),
        ("suppressed", "reopen", "active"),
        ("archived", "resolve", "resolved"),
    ],
)
def test_a_person_decides_and_it_is_recorded(
    world: World, client: Client, before: str, decision: str, after: str
) -> None:
    issue = Issue.objects.create(environment=world.project, status=before)
    with clock.stopped_at(NOON):
        client.force_login(world.user)
        response = decide(client, issue, decision, before)
    assert f"The issue is {after} now." in response.content.decode()
    assert (issue.status, issue.state_updated_at) == (after, NOON)
    recorded = AuditEntry.objects.get(environment_id=world.project.pk)
    assert (recorded.user_id, recorded.user_email, recorded.key_id) == (world.user.pk, world.user.email, "")
    assert (recorded.action, recorded.resource, recorded.object_id) == (decision, "issues", str(issue.pk))
    assert (recorded.before, recorded.after) == ({"status": before}, {"status": after})


def test_who_saw_another_status_changes_nothing(world: World, client: Client) -> None:
    """Somebody else suppressed it meanwhile; to resolve it would let it come back."""
    issue = Issue.objects.create(environment=world.project, status="suppressed")
    changed_at = issue.state_updated_at
    response = decide(client, issue, "resolve", "active")
    assert "Nothing was done" in response.content.decode()
    assert (issue.status, issue.state_updated_at) == ("suppressed", changed_at)
    decide(client, issue, "suppress", "suppressed")
    assert issue.state_updated_at == changed_at
    assert not AuditEntry.objects.filter(environment_id=world.project.pk).exists()


def test_only_the_decisions_that_change_something_are_offered(world: World, client: Client) -> None:
    offered = {}
    for status in ("active", "resolved", "suppressed"):
        issue = Issue.objects.create(environment=world.project, status=status)
        offered[status] = re.findall(r'name="decision" value="(\w+)"', page(client, issue))
    assert offered == {
        "active": ["resolve", "suppress"],
        "resolved": ["suppress", "reopen"],
        "suppressed": ["resolve", "reopen"],
    }


def test_decisions_need_a_post_a_csrf_token_and_known_words(world: World, client: Client) -> None:
    issue = Issue.objects.create(environment=world.project)
    path = f"/admin/errortracking/issue/{issue.pk}/decide/"
    form = {"decision": "resolve", "seen": "active"}
    assert client.get(path).status_code == 405
    assert client.post(path, {**form, "decision": "delete"}).status_code == 400
    assert client.post(path, {**form, "seen": "nonsense"}).status_code == 400
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(world.user)
    assert strict.post(path, form).status_code == 403
    gone = path.replace(str(issue.pk), "01a201fd-0000-7000-8000-000000000000")
    assert client.post(gone, form).status_code == 404
    issue.refresh_from_db()
    assert issue.status == "active"


def test_who_may_only_look_is_offered_nothing_and_may_not_decide(world: World) -> None:
    world.user.is_staff = True
    world.user.save()
    client = Client()
    client.force_login(world.user)
    issue = Issue.objects.create(environment=world.project)
    assert client.get(address(issue)).status_code == 403
    world.user.user_permissions.add(Permission.objects.get(codename="view_issue"))
    assert 'name="decision"' not in page(client, issue)
    assert decide(client, issue, "resolve", "active").status_code == 403
    assert issue.status == "active"
    world.user.user_permissions.add(Permission.objects.get(codename="change_issue"))
    assert decide(client, issue, "resolve", "active").status_code == 200
    assert issue.status == "resolved"
