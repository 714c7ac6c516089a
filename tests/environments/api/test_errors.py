"""Contract 1.4: one body for every error; each row but the plain 400s with its literal text."""

from __future__ import annotations

import json

import pytest

from tests.environments.api.endpoints import FAULTS
from tests.environments.world import Api, ClientResponse, World, answer, error

pytestmark = pytest.mark.urls("tests.environments.api.endpoints")


@pytest.fixture
def api(world: World) -> Api:
    return world.api()


def raising(api: Api, fault: str) -> ClientResponse:
    api.client.raise_request_exception = False
    return api.get(f"faulty/raises/{fault}/")


@pytest.mark.parametrize("fault", sorted(set(FAULTS) - {"bare", "down", "closed"}))
def test_every_error_has_exactly_the_four_keys_and_is_json(api: Api, fault: str) -> None:
    """1.4: body has exactly type, code, detail, attr."""
    response = raising(api, fault)
    assert set(json.loads(response.content)) == {"type", "code", "detail", "attr"}
    assert response["Content-Type"] == "application/json"
    assert b"secret" not in response.content


# ---- 403, 404, 405, 406, 409


@pytest.mark.parametrize("fault", ["permission", "drf-permission"])
def test_a_refusal_without_words_has_the_default_text(api: Api, fault: str) -> None:
    """1.4, 403: the default text."""
    expected = error(
        403, "authentication_error", "permission_denied", "You do not have permission to perform this action."
    )
    assert answer(raising(api, fault)) == expected


def test_not_found_does_not_leak_the_models_name(api: Api) -> None:
    """1.4, 404."""
    assert answer(raising(api, "http404")) == error(404, "invalid_request", "not_found", "Not found.")


def test_a_wrong_method_is_a_405_with_allow(api: Api) -> None:
    """1.4, 405."""
    response = api.put("faulty/reads/", {})
    assert answer(response) == error(405, "invalid_request", "method_not_allowed", 'Method "PUT" not allowed.')
    assert response["Allow"] == "POST, OPTIONS"


@pytest.mark.parametrize("accept", ["text/html", "application/xml;q=0.9", "image/*"])
def test_another_media_type_than_json_is_a_406(api: Api, accept: str) -> None:
    """1.4: only JSON is rendered."""
    response = api.get("error_tracking/releases/", headers={"Accept": accept})
    expected = error(406, "invalid_request", "not_acceptable", "Could not satisfy the request Accept header.")
    assert answer(response) == expected


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "application/*",
        "application/json",
        "text/html, application/json;q=0.1",
        "application/json;v=2",
        "text/html, */*",
    ],
)
def test_what_json_satisfies_is_answered_in_json(api: Api, accept: str) -> None:
    """1.4, 406: only JSON is rendered."""
    response = api.get("error_tracking/releases/", headers={"Accept": accept})
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"


@pytest.mark.parametrize("accept", ["application/json; a*=nonsense''%20", "x; a*=''%ff", ";" * 9000, "/", ",,,"])
def test_a_strange_accept_header_is_no_defect(api: Api, accept: str) -> None:
    assert api.get("error_tracking/releases/", headers={"Accept": accept}).status_code in {200, 406}


@pytest.mark.parametrize("fault", ["protected", "restricted"])
def test_a_protected_object_is_a_409(api: Api, fault: str) -> None:
    """1.4, 409."""
    text = "Requested operation cannot be completed because a related object is protected."
    assert answer(raising(api, fault)) == error(409, "invalid_request", "protected_error", text)


def test_a_conflict_in_the_database_is_a_409(api: Api) -> None:
    text = "The request conflicts with another change. Please retry."
    assert answer(raising(api, "integrity")) == error(409, "invalid_request", "conflict", text)


# ---- 413, 415, 429


def test_a_body_above_20_mb_is_a_413(api: Api) -> None:
    """1.5: at most 20 MB; which status the real system gives is unknown."""
    text = "Request body exceeds the maximum of 20 MB."
    expected = error(413, "invalid_request", "request_too_large", text)
    assert answer(api.post("faulty/reads/", b" " * (20 * 1024 * 1024 + 1))) == expected
    assert answer(raising(api, "large")) == expected


def test_a_multipart_body_above_20_mb_is_a_413(api: Api) -> None:
    """Django alone would count its fields and not its files."""
    response = api.post("faulty/reads/", b" " * (20 * 1024 * 1024 + 1), content_type="multipart/form-data; boundary=x")
    assert response.status_code == 413


def test_a_body_of_20_mb_is_read(api: Api) -> None:
    body = b'{"needed": "x"}'.ljust(20 * 1024 * 1024)
    assert answer(api.post("faulty/reads/", body)) == (200, {"needed": "x"})


def test_a_large_body_without_credentials_is_a_401(world: World) -> None:
    assert world.anonymous().post("faulty/reads/", b" " * (20 * 1024 * 1024 + 1)).status_code == 401


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "application/json5", "x", "a/b/c"])
def test_another_kind_of_body_is_a_415(api: Api, media_type: str) -> None:
    """1.4, 415."""
    text = f'Unsupported media type "{media_type}" in request.'
    response = api.post("faulty/reads/", b'{"needed": "x"}', content_type=media_type)
    assert answer(response) == error(415, "invalid_request", "unsupported_media_type", text)


def test_json_form_and_multipart_are_read(api: Api) -> None:
    """1.4, 415: JSON, form and multipart are accepted."""
    json_answer = api.post("faulty/reads/", b'{"needed": "x"}', content_type="application/json; charset=utf-8")
    form = api.post("faulty/reads/", b"needed=x", content_type="application/x-www-form-urlencoded")
    parts = b'--b\r\nContent-Disposition: form-data; name="needed"\r\n\r\nx\r\n--b--\r\n'
    multipart = api.post("faulty/reads/", parts, content_type="multipart/form-data; boundary=b")
    assert [answer(r) for r in (json_answer, form, multipart)] == [(200, {"needed": "x"})] * 3


def test_throttling_is_a_429_with_retry_after(api: Api) -> None:
    """1.4 and 1.5, 429."""
    response = raising(api, "throttled")
    text = "Request was throttled. Expected available in 60 seconds."
    assert answer(response) == error(429, "throttled_error", "throttled", text)
    assert response["Retry-After"] == "60"
    assert not [name for name in response.headers if name.lower().startswith("x-ratelimit")]


def test_one_second_is_singular(api: Api) -> None:
    """1.4, 429: `1 second.` singular."""
    response = raising(api, "throttled-briefly")
    assert answer(response)[1]["detail"] == "Request was throttled. Expected available in 1 second."
    assert response["Retry-After"] == "1"


def test_throttling_without_a_time_says_none(api: Api) -> None:
    response = raising(api, "throttled-somehow")
    assert answer(response) == error(429, "throttled_error", "throttled", "Request was throttled.")
    assert "Retry-After" not in response


# ---- 500 and 503


def test_a_defect_is_a_500_in_the_same_shape(api: Api) -> None:
    """1.4, 500."""
    assert answer(raising(api, "defect")) == error(500, "server_error", "error", "A server error occurred.")


@pytest.mark.parametrize("fault", ["down", "closed"])
def test_a_database_that_is_away_is_a_503(api: Api, fault: str) -> None:
    response = raising(api, fault)
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0


# ---- exceptions to the format


def test_some_places_answer_a_bare_detail(api: Api) -> None:
    """1.4, exceptions to the format."""
    assert answer(raising(api, "bare")) == (400, {"detail": "Could not resolve health issue."})


@pytest.mark.parametrize("path", ["error_tracking/releases/", "faulty/raises/plain/", "faulty/raises/http404/"])
def test_every_response_has_allow(api: Api, path: str) -> None:
    """1.4, order: every DRF response has Allow."""
    assert "GET" in api.get(path)["Allow"]
    api.key = "phx_wrong"
    assert "GET" in api.get(path)["Allow"]
