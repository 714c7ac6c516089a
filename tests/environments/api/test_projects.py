"""`/api/projects/`, its twins under environments and organizations: list, make, change, delete."""

from __future__ import annotations

from typing import Any

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from environments import deletion
from environments.models import AuditEntry, Membership, Organization, Project, User
from tests.environments.world import World, answer, error, statements

LIST = "/api/projects/"
NO_RIGHTS = error(
    403, "authentication_error", "permission_denied", "You don't have sufficient permissions in the project."
)
LOW_LEVEL = error(403, "authentication_error", "permission_denied", "Your organization access level is insufficient.")
ADMIN = Membership.Level.ADMIN


def raised(world: World, level: int = ADMIN) -> World:
    Membership.objects.filter(user=world.user).update(level=level)
    return world


def one(world: World) -> str:
    return f"{LIST}{world.project.pk}/"


def test_the_list_holds_the_projects_of_all_ones_organizations_and_no_other(world: World, stranger: World) -> None:
    second = Organization.objects.create(name="Second")
    Membership.objects.create(organization=second, user=world.user)
    more = Project.objects.create(organization=second, name="Shop")
    for path in (LIST, "/api/environments/", "/api/projects", "/api/projects.json"):
        status, body = answer(world.api("project:read").get(path))
        assert (status, [row["id"] for row in body["results"]], body["count"]) == (200, [world.project.pk, more.pk], 2)


def test_a_limited_key_lists_what_it_reaches(world: World) -> None:
    second = Organization.objects.create(name="Second")
    Membership.objects.create(organization=second, user=world.user)
    more = Project.objects.create(organization=second, name="Shop")
    cases: list[tuple[dict[str, Any], list[int]]] = [
        ({"scoped_teams": [more.pk]}, [more.pk]),
        ({"scoped_organizations": [str(world.organization.pk)]}, [world.project.pk]),
    ]
    for limits, ids in cases:
        _, body = answer(world.api("*", **limits).get(LIST))
        assert [row["id"] for row in body["results"]] == ids


def test_the_list_has_pages_and_a_pinned_number_of_queries(world: World) -> None:
    for number in range(5):
        Project.objects.create(organization=world.organization, name=f"Project {number}")
    key = world.api("project:read")
    _, body = answer(key.get(LIST + "?limit=2&offset=2"))
    assert (body["count"], len(body["results"])) == (6, 2)
    assert body["next"].endswith("/api/projects/?limit=2&offset=4")
    with statements() as sent:
        key.get(LIST)
    assert len(sent) == 3  # key, count, page


def test_one_project_is_the_same_under_both_prefixes_and_as_current(world: World) -> None:
    key = world.api("project:read")
    expected = answer(key.get(one(world)))
    assert (expected[0], expected[1]["api_token"]) == (200, world.project.api_token)
    for path in ("/api/projects/@current/", f"/api/environments/{world.project.pk}/", "/api/environments/@current"):
        assert answer(key.get(path)) == expected


def test_a_member_changes_name_and_time_zone(world: World) -> None:
    status, body = answer(world.api("project:write").patch(one(world), {"name": "Store", "timezone": "Europe/Berlin"}))
    assert (status, body["name"], body["timezone"]) == (200, "Store", "Europe/Berlin")
    entry = AuditEntry.objects.get(environment_id=world.project.pk)
    assert (entry.action, entry.resource) == ("partial_update", "projects")
    assert (entry.before, entry.after) == (
        {"name": "Shop", "timezone": "UTC"},
        {"name": "Store", "timezone": "Europe/Berlin"},
    )


def test_how_long_events_are_kept_is_for_administrators(world: World) -> None:
    """It deletes events."""
    assert answer(world.api("*").patch(one(world), {"max_event_age_days": 3})) == NO_RIGHTS
    raised(world)
    for days in (3, None):
        assert answer(world.api("*").patch(one(world), {"max_event_age_days": days}))[1]["max_event_age_days"] == days


@pytest.mark.parametrize(
    ("body", "code", "attr"),
    [
        ({"name": ""}, "blank", "name"),
        ({"name": "x" * 201}, "max_length", "name"),
        ({"name": "a\ud800"}, "surrogate_characters_not_allowed", "name"),
        ({"timezone": "Mars"}, "invalid_choice", "timezone"),
        ({"timezone": "../../etc/passwd"}, "invalid_choice", "timezone"),
        ({"max_event_age_days": 0}, "min_value", "max_event_age_days"),
        ({"max_event_age_days": 2**31}, "max_value", "max_event_age_days"),
        ({"name": "Taken"}, "unique", "name"),
    ],
)
def test_wrong_values_are_a_400_that_names_the_field(world: World, body: Any, code: str, attr: str) -> None:
    raised(world)
    Project.objects.create(organization=world.organization, name="Taken")
    status, found = answer(world.api("*").patch(one(world), body))
    assert (status, found["type"], found["code"], found["attr"]) == (400, "validation_error", code, attr)
    if "max_event_age_days" not in body:
        status, found = answer(world.api("*").post(LIST, {"name": "New", **body}))
        assert (status, found["code"], found["attr"]) == (400, code, attr)


def test_an_administrator_makes_a_project_in_the_current_organization(world: World) -> None:
    status, body = answer(raised(world).api("project:write").post(LIST, {"name": "New"}))
    made = Project.objects.get(pk=body["id"])
    assert (status, made.name, made.organization_id, body["api_token"]) == (
        201,
        "New",
        world.organization.pk,
        made.api_token,
    )
    entry = AuditEntry.objects.get(environment_id=made.pk)
    assert (entry.action, entry.resource, entry.object_id) == ("create", "projects", str(made.pk))


def test_the_first_project_becomes_the_current_one(world: World) -> None:
    User.objects.filter(pk=world.user.pk).update(current_project=None)
    _, body = answer(raised(world).api("*").post(LIST, {"name": "New"}))
    assert User.objects.get(pk=world.user.pk).current_project_id == body["id"]


def test_a_member_makes_none(world: World) -> None:
    for path in (LIST, f"/api/organizations/{world.organization.pk}/projects/"):
        assert answer(world.api("*").post(path, {"name": "New"})) == LOW_LEVEL
    assert Project.objects.filter(organization=world.organization).count() == 1


def test_limited_keys_make_none_outside_their_limits(world: World) -> None:
    raised(world)
    key = world.api("*", scoped_teams=[world.project.pk])
    assert answer(key.post(LIST, {"name": "New"})) == error(
        403, "authentication_error", "permission_denied", "API keys with scoped projects cannot create projects."
    )
    other = str(Organization.objects.create(name="Other").pk)
    key = world.api("*", scoped_organizations=[other])
    assert answer(key.post(LIST, {"name": "New"})) == error(
        403,
        "authentication_error",
        "permission_denied",
        f"API key does not have access to the requested organization: ID {world.organization.pk}.",
    )


def test_who_belongs_nowhere_makes_none(world: World) -> None:
    Membership.objects.all().delete()
    assert answer(world.api("*").post(LIST, {"name": "New"})) == error(
        404, "invalid_request", "not_found", "Organization not found."
    )


def test_deleting_needs_an_administrator(world: World) -> None:
    assert answer(world.api("*").delete(one(world))) == NO_RIGHTS
    assert Project.objects.filter(pk=world.project.pk).exists()


def test_a_deleted_project_is_gone_at_once_and_its_rows_follow_by_a_task(world: World) -> None:
    raised(world)
    key = world.api("project:write")
    assert answer(key.delete(one(world))) == (204, None)
    gone = error(404, "invalid_request", "not_found", "Project not found.")
    assert answer(key.get(one(world))) == gone
    assert answer(key.delete(one(world))) == gone
    assert answer(key.get(LIST))[1]["count"] == 0
    assert answer(world.api("user:read").get("/api/users/@me/"))[1]["team"] is None
    [job] = ProcrastinateJob.objects.filter(task_name="environments.delete_project")
    deletion.delete_project(**job.args)
    assert not Project.every.filter(pk=world.project.pk).exists()
    entry = AuditEntry.objects.get(environment_id=world.project.pk)
    assert (entry.action, entry.before, entry.after) == ("destroy", {"name": "Shop", "timezone": "UTC"}, None)


def test_other_methods_are_a_405(world: World) -> None:
    for method, path in [("PUT", one(world)), ("DELETE", LIST), ("PATCH", f"/api/environments/{world.project.pk}/")]:
        text = f'Method "{method}" not allowed.'
        assert answer(world.api("*").request(method, path)) == error(405, "invalid_request", "method_not_allowed", text)


def test_the_projects_of_one_organization(world: World, stranger: World) -> None:
    raised(world)
    for name in (str(world.organization.pk), "@current"):
        path = f"/api/organizations/{name}/projects/"
        assert [row["id"] for row in answer(world.api("project:read").get(path))[1]["results"]] == [world.project.pk]
    status, body = answer(world.api("project:write").post(path, {"name": "New"}))
    assert (status, body["organization"]) == (201, str(world.organization.pk))
    path = f"/api/organizations/{stranger.organization.pk}/projects/"
    unknown = error(404, "invalid_request", "not_found", "Organization not found.")
    assert answer(world.api("*").get(path)) == answer(world.api("*").post(path, {"name": "New"})) == unknown
