"""`/api/organizations/`: list, one by id or as current."""

from __future__ import annotations

from uuid import uuid4

from environments.models import Membership, Organization, Project, User
from tests.environments.world import World, answer, error, statements

LIST = "/api/organizations/"
UNKNOWN = error(404, "invalid_request", "not_found", "Organization not found.")


def refused(text: str) -> tuple[int, dict[str, str | None]]:
    return error(403, "authentication_error", "permission_denied", text)


def test_the_list_holds_ones_own_in_the_order_of_joining(world: World, stranger: World) -> None:
    second = Organization.objects.create(name="Second")
    Membership.objects.create(organization=second, user=world.user, level=Membership.Level.OWNER)
    status, body = answer(world.api("organization:read").get(LIST))
    assert (status, body["count"]) == (200, 2)
    assert [(row["id"], row["membership_level"]) for row in body["results"]] == [
        (str(world.organization.pk), 1),
        (str(second.pk), 15),
    ]
    assert [[project["id"] for project in row["projects"]] for row in body["results"]] == [[world.project.pk], []]


def test_one_is_found_by_id_and_as_current(world: World) -> None:
    key = world.api("organization:read")
    expected = answer(key.get(f"{LIST}{world.organization.pk}/"))
    assert (expected[0], expected[1]["name"]) == (200, world.organization.name)
    assert expected[1]["teams"] == expected[1]["projects"]
    for path in (f"{LIST}@current/", f"{LIST}@current", f"{LIST}{world.organization.pk}.json"):
        assert answer(key.get(path)) == expected


def test_the_current_one_is_that_of_the_current_project_else_the_first(world: World) -> None:
    second = Organization.objects.create(name="Second")
    Membership.objects.create(organization=second, user=world.user)
    browser = world.browser()
    assert answer(browser.get(f"{LIST}@current/"))[1]["id"] == str(world.organization.pk)
    there = Project.objects.create(organization=second, name="There")
    User.objects.filter(pk=world.user.pk).update(current_project=there)
    assert answer(browser.get(f"{LIST}@current/"))[1]["id"] == str(second.pk)
    User.objects.filter(pk=world.user.pk).update(current_project=None)
    assert answer(browser.get(f"{LIST}@current/"))[1]["id"] == str(world.organization.pk)
    Membership.objects.all().delete()
    assert answer(browser.get(f"{LIST}@current/")) == UNKNOWN


def test_others_and_none_are_unknown(world: World, stranger: World) -> None:
    for name in (stranger.organization.pk, uuid4(), "x", "%00"):
        assert answer(world.api("*").get(f"{LIST}{name}/")) == UNKNOWN


def test_a_deleted_project_is_not_shown(world: World) -> None:
    Project.objects.filter(pk=world.project.pk).update(deleted_at=world.project.created_at)
    assert answer(world.browser().get(f"{LIST}@current/"))[1]["projects"] == []


def test_limited_keys(world: World) -> None:
    second = Organization.objects.create(name="Second")
    Membership.objects.create(organization=second, user=world.user)
    key = world.api("*", scoped_organizations=[str(second.pk)])
    assert [row["name"] for row in answer(key.get(LIST))[1]["results"]] == ["Second"]
    assert key.get(f"{LIST}{second.pk}/").status_code == 200
    text = f"API key does not have access to the requested organization: ID {world.organization.pk}."
    assert answer(key.get(f"{LIST}{world.organization.pk}/")) == refused(text)
    key = world.api("*", scoped_teams=[world.project.pk])
    text = "API keys with scoped projects are only supported on project-based endpoints."
    for path in (LIST, f"{LIST}@current/", f"{LIST}@current/projects/", f"{LIST}@current/members/"):
        assert answer(key.get(path)) == refused(text)


def test_a_list_takes_a_pinned_number_of_queries(world: World) -> None:
    key = world.api("organization:read")
    for number in range(5):
        organization = Organization.objects.create(name=f"Organization {number}")
        Membership.objects.create(organization=organization, user=world.user)
        Project.objects.create(organization=organization, name="Shop")
    key.get(LIST)
    with statements() as sent:
        key.get(LIST)
    assert len(sent) == 4  # key, count, page, its projects
