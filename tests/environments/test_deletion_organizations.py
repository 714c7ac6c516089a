"""Deleting an organization: it and its projects are gone at once, their rows follow in steps, nothing else goes."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from environments import deletion, deletion_organizations
from environments.models import AuditEntry, Invitation, Membership, Organization, Project, Role, User
from errortracking.models import Issue
from tests.environments.test_deletion import rows_of
from tests.environments.world import World, answer, error, stranger, world
from tests.furnishing import furnish
from tests.matrix import stored

__all__ = ["stranger", "world"]
UNKNOWN = error(404, "invalid_request", "not_found", "Organization not found.")
LOW_LEVEL = error(403, "authentication_error", "permission_denied", "Your organization access level is insufficient.")


def owner(world: World, level: int = Membership.Level.OWNER) -> World:
    Membership.objects.filter(user=world.user).update(level=level)
    return world


def address(world: World) -> str:
    return f"/api/organizations/{world.organization.pk}/"


def jobs() -> list[dict[str, Any]]:
    return [job.args for job in ProcrastinateJob.objects.filter(task_name="environments.delete_organization")]


def delete(world: World) -> None:
    with transaction.atomic():
        deletion_organizations.request(world.organization)


def run(world: World) -> None:
    deletion_organizations.delete_organization(str(world.organization.pk))


def test_an_owner_deletes_it_and_everything_in_it(world: World, stranger: World) -> None:
    sister = Project.objects.create(organization=world.organization, name="Sister")
    for project in (world.project, stranger.project):
        furnish(project, 3)
    Issue.objects.create(environment=sister, name="KeyError")
    Invitation.objects.issue(world.organization, "ann@example.com")
    other = stored(stranger.project)
    browser = owner(world).browser()
    assert answer(browser.delete(address(world))) == (204, None)
    assert answer(browser.get(address(world))) == UNKNOWN
    assert answer(browser.get(f"/api/projects/{sister.pk}/error_tracking/issues/"))[0] == 404
    assert jobs() == [{"organization_id": str(world.organization.pk)}]
    run(world)
    for project in (world.project, sister):
        assert set(rows_of(project)) <= {"environments_auditentry"}
        assert not Project.every.filter(pk=project.pk).exists()
    assert not Organization.every.filter(pk=world.organization.pk).exists()
    assert not Role.objects.filter(organization_id=world.organization.pk).exists()
    assert stored(stranger.project) == other
    assert User.objects.filter(pk=world.user.pk).exists()
    entry = AuditEntry.objects.get(environment_id=0, object_id=str(world.organization.pk))
    assert (entry.action, entry.resource, entry.before) == (
        "destroy",
        "organizations",
        {"name": world.organization.name},
    )


def test_only_owners_may(world: World, stranger: World) -> None:
    for level in (Membership.Level.MEMBER, Membership.Level.ADMIN):
        assert answer(owner(world, level).browser().delete(address(world))) == LOW_LEVEL
    assert answer(owner(stranger).browser().delete(address(world))) == UNKNOWN
    assert answer(owner(world).api("organization:read").delete(address(world))) == error(
        403, "authentication_error", "permission_denied", "API key missing required scope 'organization:write'"
    )
    assert jobs() == []
    assert owner(world).api("organization:write").delete(address(world)).status_code == 204


def test_its_projects_go_in_steps_and_never_by_one_statement(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion, "STEP", 2)
    furnish(world.project, 5)
    delete(world)
    real, steps, rest = deletion._delete, list[int](), list[int]()

    def step(table: str, project_id: int, most: int | None) -> int:
        count = real(table, project_id, most)
        (steps if most else rest).append(count)
        return count

    monkeypatch.setattr(deletion, "_delete", step)
    run(world)
    assert max(steps) == 2
    assert sum(rest) < 10  # of the kept counts of rows, which deleting itself writes
    assert sum(steps) > 100
    assert rows_of(world.project) == {}


def test_an_organization_that_nobody_deleted_is_left_alone(world: World) -> None:
    furnish(world.project)
    before = stored(world.project)
    run(world)
    assert stored(world.project) == before
    assert Membership.objects.filter(user=world.user).exists()


def test_a_project_that_was_made_at_the_same_time_goes_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    delete(world)
    deletes = deletion.delete_project
    made: list[Project] = []

    def late(project_id: int) -> None:
        deletes(project_id)
        if not made:  # its request had found the organization before that was marked
            made.append(Project.objects.create(organization_id=world.organization.pk, name="late"))

    monkeypatch.setattr(deletion, "delete_project", late)
    run(world)
    assert not Project.every.filter(pk=made[0].pk).exists()
    assert not Organization.every.filter(pk=world.organization.pk).exists()


def test_it_may_be_deleted_twice_and_what_a_task_left_is_deleted_by_the_daily_one(world: World) -> None:
    furnish(world.project)
    delete(world)
    delete(world)
    assert deletion_organizations.finish() == 1
    assert rows_of(world.project) == {}
    run(world)
    assert deletion_organizations.finish() == 0


def test_a_key_that_was_limited_to_it_reaches_nothing(world: World, stranger: World) -> None:
    Membership.objects.create(organization=stranger.organization, user=world.user)
    key = world.api("*", scoped_organizations=[str(world.organization.pk)])
    delete(world)
    run(world)
    assert answer(key.get(address(stranger)))[0] == 403
    assert answer(key.get("/api/organizations/"))[1]["results"] == []


def test_the_admin_marks_it_too(world: World) -> None:
    world.user.is_staff = world.user.is_superuser = True
    world.user.save()
    furnish(world.project)
    client = world.browser().client
    where = "/admin/environments/organization/"
    assert client.post(f"{where}{world.organization.pk}/delete/", {"post": "yes"}).status_code == 302
    assert Organization.every.get(pk=world.organization.pk).deleted_at is not None
    assert Project.every.get(pk=world.project.pk).deleted_at is not None
    assert len(rows_of(world.project)) > 10
    assert str(world.organization.pk) not in client.get(where).content.decode()
    assert len(jobs()) == 1


def test_the_admin_marks_several(world: World, stranger: World) -> None:
    world.user.is_staff = world.user.is_superuser = True
    world.user.save()
    chosen = {
        "action": "delete_selected",
        "_selected_action": [str(place.organization.pk) for place in (world, stranger)],
        "post": "yes",
    }
    assert world.browser().client.post("/admin/environments/organization/", chosen).status_code == 302
    assert len(jobs()) == 2
    assert Organization.objects.count() == 0
