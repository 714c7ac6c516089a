"""Keys that are narrower than their user, or at their end, against every route: each refusal has its literal body.

The table and the routes are those of the isolation matrix.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import pytest

from environments import clock
from environments.models import Membership, Project
from tests.environments.world import Api, World, answer, error, stranger, world
from tests.furnishing import furnish
from tests.isolation import TABLE, UNKNOWN_KEY, Answer
from tests.matrix import addresses, stored

__all__ = ["stranger", "world"]  # fixtures

every_row = pytest.mark.parametrize(("method", "path"), sorted(TABLE), ids=lambda value: value)
KIND: Final = "permission_denied"


def refused(world: World, key: str, method: str, path: str) -> list[Answer]:
    """Send the request by each path of the route; see that nothing has changed."""
    names = furnish(world.project, 4)
    before = stored(world.project)
    api = Api(world.project, key)
    found = [
        answer(api.request(method, address, TABLE[method, path].body))
        for address in addresses(method, path, world.project, names)
    ]
    assert stored(world.project) == before
    return found


@every_row
def test_a_key_limited_to_another_project_of_the_same_organization(world: World, method: str, path: str) -> None:
    """1.3: `scoped_teams` set and project not in it."""
    sister = Project.objects.create(organization=world.organization, name="Sister")
    text = f"API key does not have access to the requested project: ID {world.project.pk}."
    expected = error(403, "authentication_error", KIND, text)
    assert refused(world, world.key("*", scoped_teams=[sister.pk]), method, path) == [expected] * 4


@every_row
def test_a_key_limited_to_another_organization_of_the_same_user(
    world: World, stranger: World, method: str, path: str
) -> None:
    """1.3: `scoped_organizations` likewise."""
    Membership.objects.create(organization=stranger.organization, user=world.user)
    text = f"API key does not have access to the requested organization: ID {world.organization.pk}."
    expected = error(403, "authentication_error", KIND, text)
    key = world.key("*", scoped_organizations=[str(stranger.organization.pk)])
    assert refused(world, key, method, path) == [expected] * 4


@every_row
def test_a_key_whose_scopes_were_emptied(world: World, method: str, path: str) -> None:
    """1.3: null or empty scopes are no scopes."""
    text = f"API key missing required scope '{TABLE[method, path].scope}'"
    expected = error(403, "authentication_error", KIND, text)
    assert refused(world, world.key(), method, path) == [expected] * 4


@every_row
def test_a_key_that_has_expired(world: World, method: str, path: str) -> None:
    """1.2: an invalid key."""
    key = world.key("*", expires_at=clock.now() - timedelta(seconds=1))
    assert refused(world, key, method, path) == [UNKNOWN_KEY] * 4


@every_row
def test_the_old_value_of_a_rolled_key(world: World, method: str, path: str) -> None:
    """1.2: an invalid key."""
    key = world.key("*")
    world.keys[key].roll()
    assert refused(world, key, method, path) == [UNKNOWN_KEY] * 4


@every_row
def test_a_key_of_an_inactive_user(world: World, method: str, path: str) -> None:
    """1.2: only keys of users with is_active = true match; inactive user → 401."""
    key = world.key("*")
    world.user.is_active = False
    world.user.save()
    assert refused(world, key, method, path) == [UNKNOWN_KEY] * 4
