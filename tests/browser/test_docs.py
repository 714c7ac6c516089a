"""The pages that show the API: they come up, and ask no other host, wherever the server stands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import SECONDS, picture_if_failed
from tests.browser.site import Site
from tests.browser.watch import Watch

METHODS = {"get", "post", "put", "patch", "delete"}
LOGO = "https://cdn.redoc.ly/redoc/logo-mini.svg"


@pytest.fixture
def page(browser: Browser, site: Site, watch: Watch, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page of the server under a name of its own: on localhost Swagger UI behaves better than elsewhere."""
    far = site.url.replace("127.0.0.1", "healthtrack.test")
    context = browser.new_context(base_url=far, viewport={"width": 1440, "height": 900})
    context.set_default_timeout(SECONDS * 1000)
    watch.follow(context, far)
    page = context.new_page()
    with picture_if_failed(page, watch, request):
        yield page
    context.close()


@pytest.fixture
def operations(site: Site) -> int:
    """How many operations the schema has."""
    schema = requests.get(f"{site.url}/api/schema/?format=json", timeout=60).json()
    found = sum(method in METHODS for path in schema["paths"].values() for method in path)
    assert found >= 24
    return found


@pytest.mark.parametrize("path", ["/api/docs/", "/api/docs"])
def test_swagger_ui_shows_every_operation(page: Page, watch: Watch, operations: int, path: str) -> None:
    """It makes those that come into view."""
    page.goto(path)
    page.locator(".opblock").first.wait_for()
    shown: set[str] = set()
    while not _at_the_end(page):
        page.mouse.wheel(0, 300)
        page.wait_for_timeout(50)
        shown.update(page.locator(".opblock").evaluate_all("blocks => blocks.map(block => block.id)"))
    assert len(shown) == operations
    page.wait_for_load_state("networkidle")
    assert watch.seen == []


def _at_the_end(page: Page) -> bool:
    return bool(page.evaluate("scrollY + innerHeight >= document.body.scrollHeight - 2"))


def test_swagger_ui_tries_an_operation_with_a_key(page: Page, watch: Watch, site: Site) -> None:
    person = site.person()
    page.goto("/api/docs/")
    page.get_by_role("button", name="Authorize").first.click()
    page.locator(".auth-container input").first.fill(person.key)
    page.locator(".auth-btn-wrapper .authorize").first.click()
    page.locator(".btn-done").click()
    block = page.locator("#operations-error_tracking-error_tracking_releases_list")
    while not block.count() and not _at_the_end(page):
        page.mouse.wheel(0, 300)
        page.wait_for_timeout(50)
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    block.locator("tr[data-param-name=project_id] input").fill(str(person.project))
    block.get_by_role("button", name="Execute").click()
    expect(block.locator(".live-responses-table .response .response-col_status").first).to_contain_text("200")
    assert watch.seen == []


@pytest.mark.parametrize("path", ["/api/redoc/", "/api/redoc"])
def test_redoc_shows_every_operation(page: Page, watch: Watch, operations: int, path: str) -> None:
    page.goto(path)
    expect(page.locator("[data-section-id^='operation/']")).to_have_count(operations)
    page.wait_for_load_state("networkidle")
    assert page.locator(f"img[src='{LOGO}']").count() == 0
    assert logo_kept_in(watch) == [f"forbidden: {LOGO}"]
    assert watch.seen == []


def logo_kept_in(watch: Watch) -> list[str]:
    """Redoc asks for its maker's logo whatever one says; the page's policy keeps that in the browser, which says so."""
    watch.take(f"console: Loading the image '{LOGO}' violates")
    # Browsers drop this header of Django's, with a warning, where a server is neither local nor behind TLS.
    watch.take("console: The Cross-Origin-Opener-Policy header has been ignored")
    return watch.take("forbidden")


def test_redoc_finds_what_is_searched_for(page: Page, watch: Watch) -> None:
    page.goto("/api/redoc/")
    page.get_by_placeholder("Search...").press_sequentially("spike")
    expect(page.locator("[data-role='search:results']")).to_contain_text("spike_events_list")
    assert logo_kept_in(watch) == [f"forbidden: {LOGO}"]
