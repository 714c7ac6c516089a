"""Personal API keys: made in the admin, shown exactly once, used, revoked; and the API with a session instead."""

from __future__ import annotations

import re
from typing import Any

import pytest
import requests
from playwright.sync_api import Error, Page, expect

from tests.browser.conftest import log_in
from tests.browser.site import Person, Site
from tests.browser.watch import Watch

KEYS = "/admin/environments/personalapikey/"
CALL = """async ([path, method, headers, body]) => {
    const answer = await fetch(path, {method, headers, body});
    return [answer.status, await answer.json()];
}"""
TOKEN = "document.cookie.split('; ').find(c => c.startsWith('posthog_csrftoken=')).split('=')[1]"


def status(site: Site, person: Person, key: str) -> int:
    """Ask the API with a key."""
    address = f"{site.url}/api/environments/{person.project}/error_tracking/releases/"
    return requests.get(address, headers={"Authorization": f"Bearer {key}"}, timeout=30).status_code


def make_key(page: Page, label: str) -> str:
    """Fill in the form of a new key; return the value that the page shows."""
    page.goto(KEYS)
    page.locator("a[href$='/personalapikey/add/']").first.click()
    page.get_by_label("Label").fill(label)
    page.get_by_label("error_tracking:read", exact=True).check()
    page.get_by_role("button", name="Save", exact=True).click()
    return page.locator("#personal-api-key").inner_text()


def test_a_key_is_made_shown_once_used_and_revoked(admin: Page, site: Site, person: Person) -> None:
    value = make_key(admin, "laptop")
    assert re.fullmatch(r"phx_[0-9A-Za-z]{40,}", value)
    assert admin.content().count(value) == 1
    assert value not in admin.url
    assert status(site, person, value) == 200
    [row] = site.rows(
        "SELECT * FROM environments_personalapikey WHERE user_id = %s AND label = %s", person.id, "laptop"
    )
    assert value not in repr(row)
    assert row["scopes"] == ["error_tracking:read"]

    for path in (KEYS, f"{KEYS}{row['id']}/change/", f"{KEYS}{row['id']}/history/", "/admin/"):
        admin.goto(path)
        assert value not in admin.content(), path
    admin.go_back()
    assert value not in admin.content()

    admin.goto(f"{KEYS}{row['id']}/change/")
    admin.locator("a[href$='/delete/']").first.click()
    admin.get_by_role("button", name=re.compile("Yes")).click()
    admin.wait_for_url(f"**{KEYS}")
    assert status(site, person, value) == 401
    assert site.rows("SELECT 1 FROM environments_personalapikey WHERE id = %s", row["id"]) == []


def test_the_page_with_the_value_is_not_kept_by_the_browser(admin: Page) -> None:
    """Who goes back to it would have to send the form again."""
    value = make_key(admin, "once")
    admin.goto("/admin/")
    with pytest.raises(Error, match="ERR_CACHE_MISS"):
        admin.go_back()
    admin.wait_for_url("chrome-error://**")  # the browser's own page about that
    assert value not in admin.content()


def test_a_roll_is_asked_for_and_the_new_value_shown(admin: Page, site: Site, person: Person) -> None:
    old = make_key(admin, "rolled")
    admin.locator("main a, #content a").get_by_text("rolled").first.click()
    admin.get_by_text("Roll", exact=True).first.click()
    assert status(site, person, old) == 200
    admin.get_by_role("button", name="Roll the key").click()
    new = admin.locator("#personal-api-key").inner_text()
    assert new != old
    assert (status(site, person, old), status(site, person, new)) == (401, 200)


def call(page: Page, path: str, method: str = "GET", headers: Any = None, body: str | None = None) -> list[Any]:
    """Call the API from within the page, with its cookies."""
    found: list[Any] = page.evaluate(CALL, [path, method, headers or {}, body])
    return found


def test_a_page_reads_the_api_with_its_session_and_writes_with_its_csrf_token(
    admin: Page, site: Site, person: Person, watch: Watch
) -> None:
    root = f"/api/environments/{person.project}/error_tracking"
    assert call(admin, f"{root}/releases/")[0] == 200
    update = (f"{root}/spike_detection_config/update_config/", "PATCH")
    content = {"Content-Type": "application/json"}

    refused = call(admin, *update, content, '{"multiplier": 7}')
    assert (refused[0], refused[1]["detail"]) == (403, "CSRF Failed: CSRF token missing.")
    assert len(watch.take("status 403")) == 1
    rows = "SELECT multiplier FROM errortracking_spikedetectionconfig WHERE environment_id = %s"
    assert [row["multiplier"] for row in site.rows(rows, person.project)] in ([], [10])

    with_token = {**content, "X-CSRFToken": admin.evaluate(TOKEN)}
    assert call(admin, *update, with_token, '{"multiplier": 7}') == [
        200,
        {"snooze_duration_minutes": 10, "multiplier": 7, "threshold": 500},
    ]
    assert [row["multiplier"] for row in site.rows(rows, person.project)] == [7]


def test_a_session_reaches_only_its_own_projects(page: Page, site: Site, watch: Watch) -> None:
    mine, theirs = site.person(staff=True), site.person()
    log_in(page, mine)
    assert call(page, f"/api/environments/{mine.project}/error_tracking/releases/")[0] == 200
    assert call(page, f"/api/environments/{theirs.project}/error_tracking/releases/")[0] == 403
    assert len(watch.take("status 403")) == 1


def test_without_a_session_the_api_asks_for_a_key(page: Page, person: Person, watch: Watch) -> None:
    page.goto("/admin/login/")
    assert call(page, f"/api/environments/{person.project}/error_tracking/releases/")[0] == 401
    assert len(watch.take("status 401")) == 1
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
