"""An issue's page: what a person reads there, what text from outside can do there (nothing), and what one decides."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.site import Person, Site

SCRIPT = "<script>alert(1)</script>"
IMAGE = '"><img src=https://evil.example/x.png onerror=alert(2)>'
BRACES = "{{7*7}}{% now 'Y' %}${alert(3)}"
LINK = "javascript:alert(4)"


def frame(function: str, line: int, **changes: Any) -> dict[str, Any]:
    return {
        "platform": "python",
        "filename": "shop/cart.py",
        "function": function,
        "module": "shop.cart",
        "lineno": line,
        "pre_context": ["def pay(cart):", "    total = cart.total()"],
        "context_line": "    charge(total)",
        "post_context": ["    return total"],
        "in_app": True,
        **changes,
    }


def exception(type_: str, value: str, *frames: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"type": type_, "value": value, "stacktrace": {"type": "raw", "frames": list(frames)}, **changes}


@pytest.fixture
def issue(site: Site, person: Person) -> str:
    """An issue of two exceptions, the second with a library's frame that called ours."""
    library = frame("wrapper", 3, filename="site-packages/lib.py", module="lib", in_app=False)
    crash = frame("pay", 7, code_variables={"total": "12.50", "cart": {"items": ["tea"]}})
    outer = exception("RuntimeError", "checkout failed", frame("checkout", 20))
    cause = exception("CardError", "card was declined", library, crash, mechanism={"handled": False})
    return site.report(person, outer, cause)


def open_issue(page: Page, issue: str) -> None:
    page.goto(f"/admin/errortracking/issue/{issue}/change/")


def test_the_chain_is_read_from_the_outermost_to_its_cause(admin: Page, issue: str) -> None:
    open_issue(admin, issue)
    sections = admin.locator(".issue-page section")
    expect(sections).to_have_count(2)
    expect(sections.nth(0)).to_contain_text("RuntimeError")
    expect(sections.nth(0)).to_contain_text("checkout failed")
    expect(sections.nth(1)).to_contain_text("caused by")
    expect(sections.nth(1)).to_contain_text("card was declined")
    expect(sections.nth(1).get_by_text("unhandled")).to_be_visible()


def test_our_frames_are_open_with_lines_and_variables_and_a_librarys_opens_by_a_click(admin: Page, issue: str) -> None:
    open_issue(admin, issue)
    ours, library = admin.locator(".issue-page section").nth(1).locator("details").all()
    expect(ours.locator(".hit")).to_be_visible()
    assert ours.locator(".source tr").all_inner_texts() == [
        *("5\tdef pay(cart):", "6\t    total = cart.total()"),
        *("7\t    charge(total)", "8\t    return total"),
    ]
    assert ours.locator(".hit td").first.inner_text() == "7"
    assert ours.locator(".variables dt").all_inner_texts() == ["total", "cart"]
    assert ours.locator(".variables dd").all_inner_texts() == ["12.50", '{"items": ["tea"]}']
    expect(ours.locator(".variables")).to_be_visible()
    expect(library.locator(".source")).to_be_hidden()
    library.locator("summary").click()
    expect(library.locator(".source")).to_be_visible()


def test_text_from_outside_is_shown_and_does_nothing(admin: Page, site: Site, person: Person) -> None:
    """The fixture `page` fails this test for a dialog, a complaint in the console, or a request to another host."""
    for text in (SCRIPT, IMAGE, BRACES, LINK):
        bad = frame(text, 7, filename=text, context_line=text, code_variables={text: text, "deep": {text: [text]}})
        issue = site.report(person, exception(text, text, bad), **{"$lib": text, "$exception_level": text})
        open_issue(admin, issue)
        section = admin.locator(".issue-page section")
        expect(section.locator("h2")).to_contain_text(text)
        expect(section.locator(".message")).to_have_text(text)
        expect(section.locator("summary b")).to_have_text(text)
        expect(section.locator(".hit td").last).to_have_text(text)
        expect(section.locator(".variables dt").first).to_have_text(text)
        expect(section.locator(".variables dd").first).to_have_text(text)
        assert admin.locator(".issue-page :is(script, img, iframe, [onerror])").count() == 0
        assert admin.locator("a[href^='javascript:alert']").count() == 0
        admin.goto(f"/admin/errortracking/issue/?environment__id__exact={person.project}")
        expect(admin.locator("#result_list").get_by_text(text).first).to_be_visible()
        admin.goto(f"/admin/errortracking/framecontent/?environment__id__exact={person.project}")
        admin.locator("#result_list tbody a[href*='/change/']").first.click()
        expect(admin.locator("#content, main").first).to_contain_text(text.replace('"', '\\"').split("\\")[0])


def test_who_searches_finds_the_issue_and_comes_to_its_page(admin: Page, person: Person, issue: str) -> None:
    admin.goto(f"/admin/errortracking/issue/?environment__id__exact={person.project}")
    admin.locator("#searchbar").fill("runtimeerr")
    admin.locator("#searchbar").press("Enter")
    admin.wait_for_url("**q=runtimeerr*")
    admin.locator("#result_list").get_by_text("RuntimeError").click()
    admin.wait_for_url(f"**/{issue}/change/*")
    expect(admin.locator("#issue-status")).to_have_text(re.compile("active", re.IGNORECASE))


def decided(site: Site, person: Person, issue: str) -> list[tuple[str, str]]:
    """Return what the record says: action, and the person."""
    rows = site.rows(
        "SELECT action, user_email FROM environments_auditentry WHERE environment_id = %s AND object_id = %s"
        " ORDER BY created_at, id",
        *(person.project, issue),
    )
    return [(row["action"], row["user_email"]) for row in rows]


def test_an_issue_is_resolved_reopened_and_suppressed_by_clicks(
    admin: Page, site: Site, person: Person, issue: str
) -> None:
    open_issue(admin, issue)
    for button, status in (("Resolve", "resolved"), ("Reopen", "active"), ("Suppress", "suppressed")):
        before = site.issue(person, issue)["state_updated_at"]
        admin.get_by_role("button", name=button).click()
        expect(admin.get_by_text(f"The issue is {status} now.")).to_be_visible()
        expect(admin.locator("#issue-status")).to_have_text(re.compile(status, re.IGNORECASE))
        expect(admin.get_by_role("button", name=button)).to_have_count(0)
        row = site.issue(person, issue)
        assert row["status"] == status
        assert row["state_updated_at"] > before
    assert decided(site, person, issue) == [(word, person.email) for word in ("resolve", "reopen", "suppress")]


def test_who_clicks_on_a_page_that_is_out_of_date_changes_nothing(
    admin: Page, site: Site, person: Person, issue: str
) -> None:
    open_issue(admin, issue)
    site.rows(
        "UPDATE errortracking_issue SET status = 'suppressed' WHERE environment_id = %s AND id = %s RETURNING id",
        *(person.project, issue),
    )
    admin.get_by_role("button", name="Resolve").click()
    expect(admin.get_by_text("Nothing was done: the issue has changed meanwhile")).to_be_visible()
    assert site.issue(person, issue)["status"] == "suppressed"
    assert decided(site, person, issue) == []
