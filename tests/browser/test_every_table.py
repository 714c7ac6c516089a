"""Every list of the admin opens, is searched and filtered, and its rows open, without a complaint of the browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import log_in, picture_if_failed
from tests.browser.site import Person, Site
from tests.browser.watch import Watch

MODELS = sorted((model for model in admin.site._registry), key=lambda model: model._meta.label_lower)
FILL = """
from environments.models import Project, User
from errortracking.models import Event
from healthtrack.models import HealthIssue
from tests.errortracking.admin_rows import make_rows
from tests.notifications.making import make_delivery, make_destination
project = Project.objects.get(pk={project})
make_rows(project, User.objects.get(pk="{user}"))
make_delivery(make_destination(project))
HealthIssue.objects.create(environment=project, kind="sdk_outdated", severity="warning", payload={{}}, unique_hash="1")
"""


@pytest.fixture(scope="module")
def owner(site: Site) -> Person:
    """A superuser whose project has a row of everything."""
    person = site.person(superuser=True)
    site.server.manage("shell", "-v0", "-c", FILL.format(project=person.project, user=person.id))
    return person


@pytest.fixture(scope="module")
def desk(browser: Browser, site: Site, owner: Person) -> Iterator[tuple[Page, Watch]]:
    """One page of that person for all tables: its browser keeps the scripts and styles."""
    context = browser.new_context(base_url=site.url, viewport={"width": 1440, "height": 900})
    watch = Watch()
    watch.follow(context, site.url)
    page = context.new_page()
    log_in(page, owner)
    yield page, watch
    context.close()


@pytest.fixture
def page(desk: tuple[Page, Watch], request: pytest.FixtureRequest) -> Iterator[Page]:
    page, watch = desk
    watch.seen.clear()
    with picture_if_failed(page, watch, request):
        yield page


def address(model: Any) -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/"


def test_the_start_leads_to_every_table(page: Page) -> None:
    page.goto("/admin/")
    links = set(page.locator("#main a, main a, #content a").evaluate_all("all => all.map(a => a.pathname)"))
    assert {address(model) for model in MODELS} <= links


def test_there_are_as_many_tables_as_ever() -> None:
    assert len(MODELS) >= 32


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label_lower)
def test_a_list_is_searched_and_filtered_and_a_row_opens(page: Page, owner: Person, model: Any) -> None:
    answer = page.goto(address(model))
    assert answer is not None
    assert answer.status == 200
    if page.locator("#searchbar").count():
        page.locator("#searchbar").fill("nothing is called so")
        page.locator("#searchbar").press("Enter")
        page.wait_for_url("**q=nothing*")
        expect(page.locator("#result_list")).to_have_count(0)
        expect(page.locator("#changelist")).to_contain_text("No results")
    project = f"environment__id__exact={owner.project}"
    page.goto(address(model))
    if "environment" in admin.site._registry[model].list_filter:
        page.get_by_text("Filters").first.click()
        page.locator(f"a[href*='{project}']").first.click()
        page.wait_for_url(f"**{project}*")
    rows = page.locator("#result_list tbody tr th a, #result_list tbody tr td a[href*='/change/']")
    if rows.count():
        rows.first.click()
        page.wait_for_url("**/change/*")
        assert page.locator("#content, .issue-page").count() > 0
