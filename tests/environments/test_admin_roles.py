"""Roles and invitations in the admin: roles are made there and nowhere else, invitations looked at and taken back."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from environments.models import Invitation, Membership, Organization, Role, User
from errortracking.models import AssignmentRule, Issue, IssueAssignment
from tests.environments.world import World, administrator, answer, make_world

pytestmark = pytest.mark.django_db
ROLES = "/admin/environments/role/"
INVITATIONS = "/admin/environments/invitation/"


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def client(world: World) -> Client:
    return administrator(world)


def form(world: World, **fields: Any) -> dict[str, Any]:
    return {"name": "Checkout", "organization": str(world.organization.pk), "members": [str(world.user.pk)]} | fields


def test_a_role_is_made_and_issues_are_assigned_to_it(world: World, client: Client) -> None:
    assert client.post(ROLES + "add/", form(world)).status_code == 302
    role = Role.objects.get(organization=world.organization)
    assert (role.name, list(role.members.all())) == ("Checkout", [world.user])
    issue = Issue.objects.create(environment=world.project)
    body = {"assignee": {"type": "role", "id": str(role.pk)}}
    path = f"error_tracking/issues/{issue.pk}/assign/"
    assert answer(world.api("error_tracking:write").patch(path, body)) == (200, {"success": True})
    assert IssueAssignment.objects.get(environment_id=world.project.pk).role_id == role.pk


def test_a_role_is_renamed_and_keeps_its_organization(world: World, client: Client) -> None:
    role = Role.objects.create(organization=world.organization, name="Old")
    other = Organization.objects.create(name="Other")
    page = client.post(f"{ROLES}{role.pk}/change/", form(world, name="New", organization=str(other.pk)))
    assert page.status_code == 302
    role.refresh_from_db()
    assert (role.name, role.organization_id) == ("New", world.organization.pk)


def test_members_of_a_role_are_members_of_its_organization(world: World, client: Client) -> None:
    stranger = User.objects.create_user("stranger@example.com")
    page = client.post(ROLES + "add/", form(world, members=[str(world.user.pk), str(stranger.pk)]))
    assert page.status_code == 200
    assert "Not a member of the organization: stranger@example.com" in page.content.decode()
    assert not Role.objects.exists()
    Membership.objects.create(organization=world.organization, user=stranger)
    assert client.post(ROLES + "add/", form(world, members=[str(stranger.pk)])).status_code == 302


def test_a_name_is_taken_once_in_an_organization(world: World, client: Client) -> None:
    taken = Role.objects.create(organization=world.organization, name="Checkout")
    free = Role.objects.create(organization=world.organization, name="Search")
    for path in ("add/", f"{free.pk}/change/"):
        with transaction.atomic():
            page = client.post(ROLES + path, form(world))
        assert page.status_code == 200, path
        assert "already exists" in page.content.decode()
    assert client.post(f"{ROLES}{taken.pk}/change/", form(world)).status_code == 302


def test_a_role_is_deleted_with_what_names_it(world: World, client: Client) -> None:
    role = Role.objects.create(organization=world.organization, name="Checkout")
    issue = Issue.objects.create(environment=world.project)
    IssueAssignment.objects.create(environment=world.project, issue=issue, role=role)
    AssignmentRule.objects.create(environment=world.project, role=role, filters={}, order_key=1)
    assert client.get(f"{ROLES}{role.pk}/delete/").status_code == 200
    assert client.post(f"{ROLES}{role.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Role.objects.exists()
    assert not IssueAssignment.objects.filter(environment_id=world.project.pk).exists()
    assert not AssignmentRule.objects.filter(environment_id=world.project.pk).exists()
    assert Issue.objects.filter(environment_id=world.project.pk).exists()


def test_roles_are_found_by_their_names(world: World, client: Client) -> None:
    for name in ("Checkout", "Search"):
        Role.objects.create(organization=world.organization, name=name)
    page = client.get(ROLES + "?q=check").content.decode()
    assert "Checkout" in page
    assert ">Search</a>" not in page


def test_an_invitation_is_shown_without_its_link_and_taken_back(world: World, client: Client) -> None:
    invitation, secret = Invitation.objects.issue(world.organization, "new@example.com", created_by=world.user)
    invitation.renew_mailed()
    pages = [client.get(INVITATIONS), client.get(f"{INVITATIONS}{invitation.pk}/change/")]
    for page in pages:
        text = page.content.decode()
        assert page.status_code == 200
        assert "new@example.com" in text
        for hidden in (secret, invitation.secure_value, str(invitation.mailed_secure_value)):
            assert hidden not in text
    assert client.get(INVITATIONS + "add/").status_code == 403
    assert client.post(f"{INVITATIONS}{invitation.pk}/change/", {"level": "15"}).status_code == 403
    assert client.post(f"{INVITATIONS}{invitation.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Invitation.objects.exists()


def test_an_organization_with_roles_and_invitations_can_still_be_deleted(world: World, client: Client) -> None:
    Role.objects.create(organization=world.organization, name="Checkout").members.add(world.user)
    Invitation.objects.issue(world.organization, "new@example.com")
    address = f"/admin/environments/organization/{world.organization.pk}/delete/"
    assert client.get(address).status_code == 200
    assert client.post(address, {"post": "yes"}).status_code == 302
    assert not Organization.objects.filter(pk=world.organization.pk).exists()
