"""A browser, a person in front of it, and a watch over what no page may do.

Playwright's synchronous interface keeps an event loop running in the thread of the tests, in which Django's ORM refuses
to work. So it lives no longer than a module, and what the tests here look up in the database they ask through psycopg
(`Site.rows`), not through Django.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser import chromium
from tests.browser.site import Person, Site
from tests.browser.watch import Watch
from tests.live import LiveServer
from tests.node import node

SHOTS = Path(tempfile.gettempdir()) / "healthtrack-shots"
SECONDS = 40.0  # for one step of a page; the machine may be busy
OUTCOME = pytest.StashKey[bool]()
expect.set_options(timeout=SECONDS * 1000)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.when == "call":  # type: ignore[attr-defined] # what a wrapper is sent
        item.stash[OUTCOME] = report.failed  # type: ignore[attr-defined]
    return report


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Playwright's own Node needs libatomic, which a bare machine lacks; that of our wheel does not.
    os.environ.setdefault("PLAYWRIGHT_NODEJS_PATH", node()[0])
    with sync_playwright() as playwright:
        try:
            found = chromium.find(playwright)
        except chromium.NoBrowser as error:
            if chromium.is_demanded():
                raise
            pytest.skip(f"a browser is needed: {error}")
        running = found.launch(playwright)
        yield running
        running.close()


@pytest.fixture(scope="session")
def site(server: LiveServer) -> Site:
    """The live server, seen by who looks behind the pages."""
    return Site(server)


@pytest.fixture
def watch() -> Watch:
    """What pages did that they must not do; a test takes away what it expects."""
    return Watch()


@pytest.fixture
def page(browser: Browser, site: Site, watch: Watch, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page of a visitor."""
    context = browser.new_context(base_url=site.url, viewport={"width": 1440, "height": 900})
    context.set_default_timeout(SECONDS * 1000)
    watch.follow(context, site.url)
    page = context.new_page()
    with picture_if_failed(page, watch, request):
        yield page
    context.close()


@contextmanager
def picture_if_failed(page: Page, watch: Watch, request: pytest.FixtureRequest) -> Iterator[None]:
    """Let a test use the page, and leave a picture of it if the test failed or the page did what it must not."""
    yield
    if request.node.stash.get(OUTCOME, False) or watch.seen:
        SHOTS.mkdir(exist_ok=True)
        path = SHOTS / f"{re.sub(r'[^A-Za-z0-9]+', '-', request.node.name)[:100]}.png"
        page.screenshot(path=path, full_page=True)
        request.node.add_report_section("teardown", "screenshot", f"{path} ({page.url})")
    assert watch.seen == []


@pytest.fixture
def person(site: Site) -> Person:
    """A new superuser with a project of their own."""
    return site.person(superuser=True)


@pytest.fixture
def admin(page: Page, person: Person) -> Page:
    """A page of that superuser, logged in, at the admin's start."""
    log_in(page, person)
    return page


def log_in(page: Page, person: Person, password: str | None = None) -> None:
    """Fill in the form and send it."""
    page.goto("/admin/login/?next=/admin/")
    page.get_by_label("Email").fill(person.email)
    page.get_by_label("Password").fill(person.password if password is None else password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_load_state()
