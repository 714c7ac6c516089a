"""Deleting an organization while others use it: who had found it just before is told that it is gone."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from django.db import transaction

from environments import clock, deletion_organizations
from environments.api.invites import InviteViewSet
from environments.api.organizations import OrganizationDetailViewSet
from environments.api.organizations_members import MemberViewSet
from environments.ids import uuid7
from environments.models import Invitation, Membership, Organization, User
from tests.environments.racing import PATIENCE, Rival, meet, rival, settled
from tests.environments.world import World, answer, error, world

__all__ = ["rival", "settled", "world"]
UNKNOWN = error(404, "invalid_request", "not_found", "Organization not found.")


def address(world: World, below: str = "") -> str:
    return f"/api/organizations/{world.organization.pk}/{below}"


@pytest.mark.parametrize(
    ("view", "method", "below", "body"),
    [
        (OrganizationDetailViewSet, "get", "", None),
        (OrganizationDetailViewSet, "delete", "", None),
        (InviteViewSet, "post", "invites/", {"target_email": "ann@example.com"}),
        (MemberViewSet, "patch", "members/@me/", {"level": 8}),
        (MemberViewSet, "delete", "members/@me/", None),
    ],
)
def test_a_request_that_had_found_it_is_told_that_it_is_gone(
    world: World, monkeypatch: pytest.MonkeyPatch, view: Any, method: str, below: str, body: Any
) -> None:
    Membership.objects.filter(user=world.user).update(level=Membership.Level.OWNER)
    real = view.check_permissions

    def and_then_deleted(self: Any, request: Any) -> None:
        real(self, request)
        with transaction.atomic():
            deletion_organizations.request(world.organization)

    monkeypatch.setattr(view, "check_permissions", and_then_deleted)
    assert answer(getattr(world.browser(), method)(address(world, below), *([body] if body else []))) == UNKNOWN
    assert not Invitation.objects.exists()


def test_a_membership_that_is_left_of_it_reaches_nothing(world: World) -> None:
    Organization.every.filter(pk=world.organization.pk).update(deleted_at=clock.now())
    for below in ("", "members/", "projects/"):
        assert answer(world.browser().get(address(world, below))) == UNKNOWN
    assert answer(world.browser().get("/api/organizations/@current/")) == UNKNOWN


def test_who_accepts_an_invitation_meanwhile_is_no_member_of_what_is_gone(
    live_server: Any, settled: World, rival: Rival
) -> None:
    Membership.objects.filter(user=settled.user).update(level=Membership.Level.OWNER)
    with transaction.atomic():
        Invitation.objects.issue(settled.organization, "ann@example.com")
    ann = User.objects.create_user("ann@example.com", "a long and good one")
    rival.execute("SELECT 1 FROM environments_invitation FOR UPDATE")  # as `accept` does
    rival.execute(
        "INSERT INTO environments_membership (id, organization_id, user_id, level, joined_at)"
        " VALUES (%s, %s, %s, 1, %s)",
        [uuid7(), settled.organization.pk, ann.pk, clock.now()],
    )
    key = settled.key("*")
    where = f"{live_server.url}{address(settled)}"
    headers = {"Authorization": f"Bearer {key}"}
    [deleted] = meet(rival, [lambda: requests.delete(where, headers=headers, timeout=PATIENCE)])
    assert deleted.status_code == 204
    assert not Membership.objects.filter(organization_id=settled.organization.pk).exists()
    assert User.objects.filter(pk=ann.pk).exists()
