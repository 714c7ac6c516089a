"""A user is changed, or deleted, while others change the same user or the project that is to be the current one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from environments import clock
from environments.api.keys import PersonalAPIKeyViewSet
from environments.api.users import UserViewSet
from environments.models import PersonalAPIKey, Project, User
from tests.environments.racing import PATIENCE, Rival, meet, rival, settled
from tests.environments.world import World, answer, error, world

__all__ = ["rival", "settled", "world"]
ME = "/api/users/@me/"
NO_KEY = error(401, "authentication_error", "authentication_failed", "Incorrect authentication credentials.")
NOBODY = error(
    401, "authentication_error", "not_authenticated", "Authentication credentials were not provided."
)  # a session or key whose user is gone is nobody's


def patching(server: Any, world: World) -> Callable[[dict[str, Any]], Callable[[], requests.Response]]:
    headers = {"Authorization": f"Bearer {world.key('*')}"}
    return lambda body: lambda: requests.patch(f"{server.url}{ME}", json=body, headers=headers, timeout=PATIENCE)


def test_of_two_changes_at_once_both_are_made(live_server: Any, settled: World, rival: Rival) -> None:
    other = Project.objects.create(organization=settled.organization, name="Other")
    change = patching(live_server, settled)
    rival.execute("SELECT 1 FROM environments_user WHERE id = %s FOR UPDATE", [settled.user.pk])
    answers = meet(
        rival, [change({"first_name": "Ann"}), change({"last_name": "Lee"}), change({"set_current_team": other.pk})]
    )
    assert [response.status_code for response in answers] == [200, 200, 200]
    user = User.objects.get(pk=settled.user.pk)
    assert (user.first_name, user.last_name, user.current_project_id) == ("Ann", "Lee", other.pk)


def test_a_project_that_is_being_deleted_does_not_become_the_current_one(
    live_server: Any, settled: World, rival: Rival
) -> None:
    User.objects.filter(pk=settled.user.pk).update(current_project=None)
    rival.execute("UPDATE environments_project SET deleted_at = %s WHERE id = %s", [clock.now(), settled.project.pk])
    change = patching(live_server, settled)
    by_id = change({"set_current_team": settled.project.pk})
    by_organization = change({"set_current_organization": str(settled.organization.pk)})
    found = [(response.status_code, response.json()["detail"]) for response in meet(rival, [by_id, by_organization])]
    assert found == [(400, "Project not found."), (400, "The organization has no project.")]
    assert User.objects.get(pk=settled.user.pk).current_project_id is None


def test_a_key_that_is_revoked_while_it_asks_for_itself_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = world.api("*")
    real = PersonalAPIKeyViewSet.check_permissions

    def and_then_revoked(self: Any, request: Any) -> None:
        real(self, request)
        PersonalAPIKey.objects.all().delete()

    monkeypatch.setattr(PersonalAPIKeyViewSet, "check_permissions", and_then_revoked)
    assert answer(key.get("/api/personal_api_keys/@current/")) == NO_KEY


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_who_is_deleted_meanwhile_is_nobody(world: World, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    key = world.api("*")
    real = UserViewSet.check_permissions

    def and_then_deleted(self: Any, request: Any) -> None:
        real(self, request)
        User.objects.get(pk=world.user.pk).delete()

    monkeypatch.setattr(UserViewSet, "check_permissions", and_then_deleted)
    assert answer(key.request(method, ME, {"first_name": "Ann"} if method == "PATCH" else None)) == NOBODY
