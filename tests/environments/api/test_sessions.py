"""Contract 1.2, session authentication: asked only where no key was found, with CSRF."""

from __future__ import annotations

from django.test import Client

from tests.environments.world import World, answer, error, statements

LIST = "error_tracking/releases/"
NOT_AUTHENTICATED = error(
    401, "authentication_error", "not_authenticated", "Authentication credentials were not provided."
)


def invalid(source: str) -> tuple[int, dict[str, str | None]]:
    text = f"Personal API key found in request {source} is invalid."
    return error(401, "authentication_error", "authentication_failed", text)


def test_a_session_authenticates_and_needs_no_scope(world: World) -> None:
    """1.2: session requests skip scopes."""
    assert world.browser().get(LIST).status_code == 200


def test_a_session_write_without_csrf_token_is_refused(world: World) -> None:
    """1.2, session auth: CSRF for writes."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.user)
    path = world.anonymous().root + LIST
    body = {"version": "1", "project": "web"}
    response = client.post(path, body, content_type="application/json")
    expected = error(403, "authentication_error", "permission_denied", "CSRF Failed: CSRF cookie not set.")
    assert answer(response) == expected


def test_a_session_write_with_csrf_token_passes(world: World) -> None:
    """1.2: the cookie is called posthog_csrftoken."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.user)
    client.cookies["posthog_csrftoken"] = token = "a" * 32
    path = world.anonymous().root + LIST
    body = {"version": "1", "project": "web"}
    response = client.post(path, body, content_type="application/json", headers={"X-CSRFToken": token})
    assert response.status_code == 201


def test_a_valid_key_waives_csrf_though_a_session_is_there(world: World) -> None:
    """1.2: CSRF is waived when a personal key is found; decision table: only where a key has authenticated."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.user)
    api = world.api()
    api.client = client
    assert api.post(LIST, {"version": "1", "project": "web"}).status_code == 201


def test_an_invalid_key_does_not_fall_through_to_the_session(world: World) -> None:
    """Decision table: a key that is found but invalid."""
    api = world.browser()
    assert answer(api.get(LIST, headers={"Authorization": "Bearer phx_wrong"})) == invalid("Authorization header")
    assert answer(api.get(LIST + "?personal_api_key=wrong")) == invalid("query string")
    assert answer(api.post(LIST, {"personal_api_key": "wrong"})) == invalid("body")


def test_a_session_of_a_deactivated_user_is_none(world: World) -> None:
    """1.2: inactive user → 401."""
    api = world.browser()
    world.user.is_active = False
    world.user.save()
    assert answer(api.get(LIST)) == NOT_AUTHENTICATED


def test_a_request_with_a_key_does_not_touch_the_session(world: World) -> None:
    api = world.browser()
    with statements() as sent:
        response = api.get(LIST, headers={"Authorization": f"Bearer {world.key('*')}"})
    assert response.status_code == 200
    assert not [statement for statement in sent if "django_session" in statement]
    assert "Vary" not in response
