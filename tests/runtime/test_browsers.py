"""Sessions and what hangs on them: there for browsers, out of the way of programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpRequest, JsonResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import path

from config import urls as real
from runtime.browsers import may_be_browser
from tests.environments.world import World, statements, world

__all__ = ["world"]


def seen(request: HttpRequest) -> JsonResponse:
    """What the middleware has put on the request."""
    return JsonResponse({name: hasattr(request, name) for name in ("session", "user", "_messages")})


handler400, handler404, handler500 = real.handler400, real.handler404, real.handler500
urlpatterns = [path("api/seen/", seen), path("e/seen/", seen), path("admin/seen/", seen), *real.urlpatterns]


@pytest.fixture
def client() -> Iterator[Client]:
    with override_settings(ROOT_URLCONF=__name__):
        yield Client()


def what_is_there(client: Client, address: str, **options: Any) -> set[str]:
    return {name for name, there in client.get(address, **options).json().items() if there}


@pytest.mark.parametrize("address", ["/api/seen/", "/e/seen/"])
def test_a_request_without_a_cookie_has_no_session(client: Client, address: str) -> None:
    assert what_is_there(client, address) == set()
    assert what_is_there(client, address, headers={"Authorization": "Bearer phx_x"}) == set()


@pytest.mark.parametrize("address", ["/api/seen/", "/e/seen/", "/admin/seen/"])
def test_a_request_with_a_cookie_has_all_of_it(client: Client, address: str) -> None:
    client.cookies["sessionid"] = "unknown"
    assert what_is_there(client, address) == {"session", "user", "_messages"}


def test_the_admin_has_all_of_it_for_everybody(client: Client) -> None:
    assert what_is_there(client, "/admin/seen/") == {"session", "user", "_messages"}


@pytest.mark.parametrize(
    ("address", "cookie", "expected"),
    [
        ("/admin/", "", True),
        ("/admin/login/", "", True),
        ("/api/projects/1/", "", False),
        ("/api/admin/", "", False),
        ("/api/projects/1/", "theme=dark", True),
        ("/", "", False),
    ],
)
def test_who_may_be_a_browser(address: str, cookie: str, expected: bool) -> None:
    assert may_be_browser(RequestFactory().get(address, headers={"Cookie": cookie})) is expected


def test_a_log_in_begins_with_the_csrf_cookie_and_ends_with_a_session(world: World) -> None:
    world.user.is_staff = world.user.is_superuser = True
    world.user.set_password("correct horse battery")
    world.user.save()
    client = Client(enforce_csrf_checks=True)
    assert client.get("/admin/login/").status_code == 200
    form = {"username": world.user.email, "password": "correct horse battery", "next": "/admin/"}
    assert client.post("/admin/login/", form).status_code == 403
    token = client.cookies["posthog_csrftoken"].value
    assert client.post("/admin/login/", form | {"csrfmiddlewaretoken": token}).status_code == 302
    assert client.get("/admin/").status_code == 200
    assert client.get(f"/api/projects/{world.project.pk}/error_tracking/releases/").status_code == 200


@pytest.mark.parametrize("secure", [True, False])
def test_cookies_that_were_set_over_tls_are_not_sent_without_it(world: World, secure: bool) -> None:
    """Where the server is reached without TLS, such cookies would not be kept, and nobody could log in."""
    world.user.set_password("correct horse battery")
    world.user.save()
    client = Client(enforce_csrf_checks=True)
    page = client.get("/account/login/", secure=secure)
    token = page.cookies["posthog_csrftoken"].value
    form = {"username": world.user.email, "password": "correct horse battery", "csrfmiddlewaretoken": token}
    address = "https://testserver/account/login/"
    entered = client.post("/account/login/", form, secure=secure, headers={"Referer": address} if secure else {})
    assert entered.status_code == 302
    cookies = [*page.cookies.values(), *entered.cookies.values()]
    assert {cookie.key for cookie in cookies} == {"posthog_csrftoken", "sessionid"}
    assert [bool(cookie["secure"]) for cookie in cookies] == [secure] * len(cookies)


def test_a_form_without_cookies_is_not_let_through_to_the_admin(world: World) -> None:
    response = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": world.user.email, "password": "x"})
    assert response.status_code == 403


def test_an_answer_to_a_key_sets_no_cookie_and_keeps_the_headers_for_browsers(world: World) -> None:
    api = world.api()
    with statements() as sent:
        response = api.get("error_tracking/releases/")
    assert response.status_code == 200
    assert not response.cookies
    assert not [statement for statement in sent if "django_session" in statement]
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
