"""Who gets into the admin, and who does not."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import log_in
from tests.browser.site import Person, Site
from tests.browser.watch import Watch

REFUSED = "Please enter the correct email and password for a staff account."


def cookies(page: Page) -> set[str]:
    return {cookie["name"] for cookie in page.context.cookies()}


def test_who_knows_the_password_is_let_in_and_out(page: Page, person: Person) -> None:
    page.goto("/admin/errortracking/issue/")
    assert page.url.endswith("/admin/login/?next=/admin/errortracking/issue/")
    page.get_by_label("Email").fill(person.email)
    page.get_by_label("Password").fill(person.password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/admin/errortracking/issue/")
    assert "sessionid" in cookies(page)
    assert [c["httpOnly"] for c in page.context.cookies() if c["name"] == "sessionid"] == [True]
    page.evaluate("document.querySelector('#logout-form').submit()")
    page.wait_for_url("**/admin/logout/")
    page.goto("/admin/")
    assert "/admin/login/" in page.url


def test_a_wrong_password_is_refused_without_saying_what_was_wrong(page: Page, person: Person) -> None:
    log_in(page, person, "wrong horse 1")
    expect(page.get_by_text(REFUSED)).to_be_visible()
    assert "sessionid" not in cookies(page)
    page.get_by_label("Email").fill("nobody@example.com")
    page.get_by_label("Password").fill(person.password)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text(REFUSED)).to_be_visible()


def test_a_deactivated_person_is_refused(page: Page, site: Site) -> None:
    log_in(page, site.person(superuser=True, active=False))
    expect(page.get_by_text(REFUSED)).to_be_visible()
    assert "sessionid" not in cookies(page)


def test_who_is_deactivated_while_logged_in_is_out_at_once(admin: Page, person: Person, site: Site) -> None:
    site.rows("UPDATE environments_user SET is_active = false WHERE id = %s RETURNING id", person.id)
    admin.goto("/admin/")
    assert "/admin/login/" in admin.url


def test_who_is_no_staff_is_refused(page: Page, site: Site) -> None:
    log_in(page, site.person())
    expect(page.get_by_text(REFUSED)).to_be_visible()
    assert "sessionid" not in cookies(page)


def test_a_form_without_its_csrf_token_is_refused(page: Page, person: Person, watch: Watch) -> None:
    page.goto("/admin/login/")
    page.get_by_label("Email").fill(person.email)
    page.get_by_label("Password").fill(person.password)
    page.evaluate("document.querySelector('[name=csrfmiddlewaretoken]').remove()")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("CSRF verification failed")).to_be_visible()
    assert "sessionid" not in cookies(page)
    assert watch.take("status 403") == ["status 403: /admin/login/"]
