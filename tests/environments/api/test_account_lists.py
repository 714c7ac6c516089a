"""How many queries the lists take that belong to no project, however much is in them."""

from __future__ import annotations

import pytest
from django.db import transaction

from environments.models import Invitation, Membership, Organization, Project, User
from tests.environments.world import World, answer, statements, world

__all__ = ["world"]


def fill(world: World, number: int) -> None:
    """Make more of all that is listed."""
    for place in range(number):
        user = User.objects.create_user(f"person-{place}-of-{number}@example.com")
        Membership.objects.create(organization=world.organization, user=user)
        Project.objects.create(organization=world.organization, name=f"Project {place} of {number}")
        with transaction.atomic():
            email = f"guest-{place}-of-{number}@example.com"
            Invitation.objects.issue(world.organization, email, created_by=user)
        second = Organization.objects.create(name=f"Organization {place} of {number}")
        Membership.objects.create(organization=second, user=world.user)


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("/api/organizations/", 4),  # the key, how many there are, the page, the projects of all
        ("/api/organizations/{organization}/members/", 4),  # the key, the membership, how many, the page
        ("/api/organizations/{organization}/invites/", 4),
        ("/api/organizations/{organization}/projects/", 4),
        ("/api/projects/", 3),
        ("/api/environments/", 3),
        ("/api/users/@me/", 4),
    ],
)
def test_a_list_takes_so_many_queries_however_long_it_is(world: World, path: str, number: int) -> None:
    key = world.api("*")
    address = path.format(organization=world.organization.pk)
    for more in (1, 5):
        fill(world, more)
        key.get(address)
        with statements() as sent:
            assert answer(key.get(address))[0] == 200
        assert len(sent) == number


def test_ones_own_keys_take_one_query_beside_those_of_the_session(world: World) -> None:
    browser = world.browser()
    for more in (1, 5):
        for _ in range(more):
            world.key("*")
        browser.get("/api/personal_api_keys/")
        with statements() as sent:
            assert answer(browser.get("/api/personal_api_keys/"))[0] == 200
        assert len([text for text in sent if "environments_personalapikey" in text]) == 1
        assert len(sent) == 3  # the session, its user, the keys
