"""The admin: its address works, every page opens, secrets are not shown and project tables are not changed."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Model
from django.test import Client

from environments.deletion_organizations import delete_organization
from environments.models import (
    AuditEntry,
    Invitation,
    Membership,
    Organization,
    PasswordLink,
    PersonalAPIKey,
    Project,
    RateLimit,
    Role,
    RowCount,
    User,
)
from environments.tenancy.models import ProjectRow
from errortracking.models import Issue, IssueAssignment, UnknownToken
from healthtrack.models import HealthIssue
from tests.environments.world import World, administrator, make_world, statements
from tests.errortracking.admin_rows import NOW, make_rows

pytestmark = pytest.mark.django_db
UNFILTERED = {Group, Organization, Project, UnknownToken}
"""A name says it all, or there are a thousand at most."""


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def client(world: World) -> Client:
    """A client of a person who may open the admin."""
    return administrator(world)


def registered() -> list[type[Model]]:
    # By label: the site is unfold's, which replaces Django's while the apps are loaded.
    return sorted(admin.site._registry, key=lambda model: model._meta.label)


def rows(world: World) -> dict[type[Model], Model]:
    """Make one row of every registered model of ours."""
    project = world.project
    health = HealthIssue.objects.create(environment=project, kind="sdk", severity="info", unique_hash="h")
    key = world.keys[world.key("*")]
    entry = AuditEntry.objects.create(
        environment=project,
        user_id=world.user.pk,
        action="destroy",
        resource="releases",
        object_id="x",
        before={"a": 1},
    )
    role = Role.objects.create(organization=world.organization, name="Checkout")
    invitation = Invitation.objects.create(organization=world.organization, target_email="new@example.com")
    token = UnknownToken.objects.create(digest="d" * 32, prefix="phc_4f", first_seen=NOW, last_seen=NOW, requests=1)
    made = [entry, health, key, world.user, project, world.organization, role, invitation, token]
    return {type(row): row for row in made} | make_rows(project, world.user)


def address(model: type[Model], *more: Any) -> str:
    return "/".join(["/admin", model._meta.app_label, str(model._meta.model_name), *map(str, more), ""])


def test_the_address_asks_for_the_e_mail_address_and_password() -> None:
    client = Client()
    response = client.get("/admin/", follow=True)
    assert response.status_code == 200
    assert b'name="username"' in response.content
    User.objects.create_superuser("root@example.com", "correct horse battery")
    login = {"username": "Root@Example.com", "password": "correct horse battery"}
    assert client.post("/admin/login/?next=/admin/", login)["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize("page", ["/admin", "/account"])
def test_people_who_leave_the_slash_away_are_led_on(page: str) -> None:
    response = Client().get(f"{page}?next=x")
    assert (response.status_code, response["Location"]) == (302, f"{page}/?next=x")
    assert Client().post(page).status_code == 405


def test_who_is_no_staff_stays_outside(world: World) -> None:
    client = Client()
    client.force_login(world.user)
    assert client.get("/admin/").status_code == 302


def test_every_list_and_every_form_opens(world: World, client: Client) -> None:
    made = rows(world)
    ours = {
        model for model in registered() if model._meta.app_label in {"environments", "errortracking", "healthtrack"}
    }
    assert ours <= set(made)
    for model in ours:
        assert client.get(address(model)).status_code == 200, model
        assert client.get(address(model) + "?q=a").status_code == 200, model
        assert client.get(address(model, made[model].pk, "change")).status_code == 200, model
        assert client.get(address(model, made[model].pk, "history")).status_code == 200, model


def test_every_table_is_there_searched_and_filtered() -> None:
    """But for bookkeeping, links by which passwords are set, and memberships, which stand with their organization."""
    models = set(apps.get_app_config("environments").get_models())
    assert models - set(registered()) == {Membership, PasswordLink, RateLimit, RowCount}
    for model in registered():
        page = admin.site._registry[model]
        assert page.search_fields, model
        assert page.list_filter or model in UNFILTERED, model


def test_rows_of_projects_are_only_shown(world: World, client: Client) -> None:
    for model, row in rows(world).items():
        if issubclass(model, ProjectRow):
            assert client.get(address(model, "add")).status_code == 403, model
            assert client.post(address(model, row.pk, "change"), {}).status_code == 403, model
            assert client.post(address(model, row.pk, "delete"), {"post": "yes"}).status_code == 403, model
            assert model._default_manager.filter(environment_id=world.project.pk).exists()


def test_the_record_of_changes_is_found_by_object_and_person(world: World, client: Client) -> None:
    fields = {"environment": world.project, "user_id": world.user.pk, "action": "update", "resource": "releases"}
    for name in ("first", "second"):
        AuditEntry.objects.create(object_id=f"{name}-object", user_email=f"{name}@example.com", **fields)
    for query in ("first-object", "FIRST@example.com"):
        page = client.get(address(AuditEntry) + f"?q={query}").content.decode()
        assert "first-object" in page
        assert "second-object" not in page


def test_the_record_of_changes_is_read_a_page_at_a_time_by_its_index(world: World, client: Client) -> None:
    """It holds a year of changes: counting them, or sorting by any other column, reads them all."""
    for query in ("", "?o=2", f"?environment__id__exact={world.project.pk}"):
        with statements() as sent:
            assert client.get(address(AuditEntry) + query).status_code == 200
        read = [text for text in sent if 'FROM "environments_auditentry"' in text]
        assert len(read) == 1, query
        assert '"created_at" DESC, "environments_auditentry"."id" DESC LIMIT 50' in read[0], query


def test_texts_of_events_are_escaped(world: World, client: Client) -> None:
    rows(world)
    page = client.get(address(Issue)).content
    assert b"<script>alert(1)" not in page
    assert b"&lt;script&gt;alert(1)" in page


def test_neither_keys_nor_hashes_nor_passwords_are_shown(world: World, client: Client) -> None:
    value = world.key("*")
    row = world.keys[value]
    world.user.set_password("correct horse battery")
    world.user.save()
    client.force_login(world.user)
    for path in (
        address(PersonalAPIKey),
        address(PersonalAPIKey, row.pk, "change"),
        address(User),
        address(User, world.user.pk, "change"),
    ):
        page = client.get(path).content.decode()
        assert value not in page
        assert row.secure_value not in page
        assert row.secure_value.removeprefix("sha256$") not in page
        assert world.user.password not in page
    assert row.mask_value in client.get(address(PersonalAPIKey)).content.decode()


def test_a_user_an_organization_and_a_project_can_be_made(client: Client) -> None:
    password = "a long enough passphrase"
    form = {"email": "new@example.com", "usable_password": "true", "password1": password, "password2": password}
    assert client.post(address(User, "add"), form).status_code == 302
    user = User.objects.get(email="new@example.com")
    assert user.check_password(password)
    inline = {
        "memberships-TOTAL_FORMS": 1,
        "memberships-INITIAL_FORMS": 0,
        "memberships-0-user": str(user.pk),
        "memberships-0-level": 1,
    }
    assert client.post(address(Organization, "add"), {"name": "New"} | inline).status_code == 302
    organization = Organization.objects.get(name="New")
    assert Membership.objects.filter(user=user, organization=organization).exists()
    project = {"name": "Shop", "organization": str(organization.pk), "timezone": "UTC"}
    assert client.post(address(Project, "add"), project).status_code == 302
    assert Project.objects.get(organization=organization).api_token.startswith("phc_")


def assigned(world: World) -> User:
    """Return a person to whom an issue is assigned."""
    person = User.objects.create_user("bob@example.com")
    issue = Issue.objects.create(environment=world.project)
    IssueAssignment.objects.create(environment=world.project, issue=issue, user=person)
    return person


def test_a_user_who_has_assignments_can_be_deleted_in_the_admin(world: World, client: Client) -> None:
    person = assigned(world)
    address = f"/admin/environments/user/{person.pk}/delete/"
    assert client.get(address).status_code == 200
    assert client.post(address, {"post": "yes"}).status_code == 302
    assert not User.objects.filter(email="bob@example.com").exists()
    assert not IssueAssignment.objects.filter(environment_id=world.project.pk).exists()


def test_a_user_who_has_assignments_can_be_deleted_from_the_shell(world: World) -> None:
    assigned(world).delete()
    assert not IssueAssignment.objects.filter(environment_id=world.project.pk).exists()


def test_an_organization_is_deleted_with_its_projects_in_the_admin(world: World, client: Client) -> None:
    assigned(world)
    address = f"/admin/environments/organization/{world.project.organization_id}/delete/"
    assert client.post(address, {"post": "yes"}).status_code == 302
    assert not Project.objects.filter(pk=world.project.pk).exists()
    delete_organization(str(world.project.organization_id))  # as the task does
    assert not Issue.objects.filter(environment_id=world.project.pk).exists()
    assert not Organization.objects.filter(pk=world.project.organization_id).exists()


def test_no_filter_reads_a_table_for_its_choices(client: Client) -> None:
    for model in registered():
        with statements() as sent:
            assert client.get(address(model)).status_code == 200
        assert [text for text in sent if "DISTINCT" in text] == [], model
