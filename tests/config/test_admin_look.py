"""The admin's start and sidebar, its empty lists, its times."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client, RequestFactory

from config import admin_look
from environments.models import User
from errortracking.models import Issue
from tests.environments.world import World, make_world, statements

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    world = make_world()
    world.user.is_staff = world.user.is_superuser = True
    world.user.save()
    return world


@pytest.fixture
def client(world: World) -> Client:
    client = Client()
    client.force_login(world.user)
    return client


def test_the_name_of_a_thing_is_not_changed_in_the_line_of_links(world: World, client: Client) -> None:
    issue = Issue.objects.create(environment=world.project, name="https://shop.example is away")
    page = client.get(f"/admin/errortracking/issue/{issue.pk}/change/").content.decode()
    line = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page[page.index("<body") :])).split("Overview")[-1]
    assert "Https://" not in page
    assert " Issues " in line
    assert " https://shop.example is away " in line


def groups(user: User) -> dict[str, list[str]]:
    """Return the links of each group that ``user`` is shown."""
    request = RequestFactory().get("/admin/")
    request.user = user
    return {group["title"]: [item["link"] for item in group["items"]] for group in admin_look.navigation(request)}


def test_every_table_is_in_one_group(world: World) -> None:
    shown = [link for links in groups(world.user).values() for link in links]
    tables = {f"/admin/{model._meta.app_label}/{model._meta.model_name}/" for model in admin.site._registry}
    assert len(tables) > 30
    assert sorted(shown) == sorted(tables)


def test_what_people_come_for_is_first_and_the_machines_own_last(world: World) -> None:
    found = groups(world.user)
    assert list(found) == [
        *("Errors", "Health", "Alerts", "Rules and limits", "Access", "Stacks"),
        *("Behind the issues", "Operation"),
    ]
    assert found["Errors"][0] == "/admin/errortracking/issue/"


def test_every_table_that_is_given_a_place_exists() -> None:
    known = {model._meta.label for model in admin.site._registry}
    assert [label for labels in admin_look.GROUPS.values() for label in labels if label not in known] == []


def test_who_may_see_one_table_is_shown_one(world: World) -> None:
    clerk = make_world().user
    clerk.is_staff = True
    clerk.save()
    assert groups(clerk) == {}
    clerk.user_permissions.add(Permission.objects.get(codename="view_release"))
    assert groups(User.objects.get(pk=clerk.pk)) == {"Errors": ["/admin/errortracking/release/"]}


def test_the_start_of_who_may_see_nothing_says_so(world: World) -> None:
    world.user.is_superuser = False
    world.user.save()
    client = Client()
    client.force_login(world.user)
    assert "You may not see any table." in client.get("/admin/").content.decode()


def test_an_empty_list_says_why_it_is_empty(world: World, client: Client) -> None:
    path = "/admin/errortracking/issue/"
    page = client.get(path).content.decode()
    assert "No issues yet." in page
    assert "Add issue" not in page
    page = client.get(f"{path}?q=nothing").content.decode()
    assert "No results: nothing matches the search and the filters." in page
    page = client.get(f"{path}?status__exact=resolved").content.decode()
    assert "No results: nothing matches the search and the filters." in page


def test_times_can_be_compared_by_eye(world: World, client: Client) -> None:
    Issue.objects.create(environment=world.project, name="One")
    page = client.get("/admin/errortracking/issue/").content.decode()
    assert re.search(r'class="field-created_at[^>]*>\s*20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\s*<', page)


def test_no_click_counts_the_choices_of_filters(world: World, client: Client) -> None:
    with statements() as sent:
        page = client.get("/admin/errortracking/issue/?_facets=True").content.decode()
    assert "Show counts" not in page
    assert [text for text in sent if "count(" in text.lower() and "errortracking_issue" in text] == []


def test_styles_and_icon_are_there(client: Client) -> None:
    page = client.get("/admin/").content.decode()
    for path in ("/static/healthtrack/admin.css", "/static/healthtrack/icon.svg"):
        assert path in page
        assert client.get(path).status_code == 200
