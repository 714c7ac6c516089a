"""Request ids, request lines, and a database that is away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path, re_path

from config import logs
from errortracking.symbols.storage import Unavailable

TOKEN = "phc_9aBcDeFgHiJkLmNoPqRsTuVwXyZ012"


def fine(_request: HttpRequest, **_: str) -> HttpResponse:
    return HttpResponse("fine")


def database_down(_request: HttpRequest) -> HttpResponse:
    raise OperationalError(f"connection to postgresql://me:secret@host failed for {TOKEN}")


def connection_lost(_request: HttpRequest) -> HttpResponse:
    raise InterfaceError("the connection is closed")


def store_away(_request: HttpRequest) -> HttpResponse:
    raise Unavailable("Could not connect to the endpoint URL")


def defect(_request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError("a defect")


handler400 = "runtime.errors.bad_request"
handler404 = "runtime.errors.not_found"
handler500 = "runtime.errors.server_error"
urlpatterns = [
    re_path(r"^array/(?P<token>[^/]+)/config$", fine),
    *[path(prefix + "fine", fine) for prefix in ("", "api/")],
    *[path(prefix + "down", database_down) for prefix in ("", "api/")],
    *[path(prefix + "lost", connection_lost) for prefix in ("", "api/")],
    *[path(prefix + "store", store_away) for prefix in ("", "api/")],
    *[path(prefix + "defect", defect) for prefix in ("", "api/")],
]


@pytest.fixture
def client() -> Iterator[Client]:
    with override_settings(ROOT_URLCONF=__name__):
        yield Client(raise_request_exception=False)


@pytest.fixture(autouse=True)
def json_logs(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(json=True, level="INFO")


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_callers_request_id_comes_back_and_stands_in_the_log(
    client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = client.get("/fine", headers={"X-Request-ID": "web-1:abc.DEF_9"})
    assert answer["X-Request-ID"] == "web-1:abc.DEF_9"
    [line] = lines(capsys)
    assert line["request_id"] == "web-1:abc.DEF_9"


def test_every_request_without_an_id_gets_one_of_its_own(client: Client) -> None:
    first, second = client.get("/fine")["X-Request-ID"], client.get("/fine")["X-Request-ID"]
    assert len(first) == len(second) == 32
    assert first != second


@pytest.mark.parametrize("odd", ["", "a b", "x" * 65, "a\tb", 'a"b', "ä", "a;b", "a/b"])
def test_an_id_that_is_no_plain_word_is_replaced(client: Client, odd: str) -> None:
    answer = client.get("/fine", headers={"X-Request-ID": odd})
    assert answer["X-Request-ID"] != odd
    assert len(answer["X-Request-ID"]) == 32


def test_the_line_of_a_request_names_the_path_without_its_query(
    client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    client.post("/api/fine?personal_api_key=phx_secret&x=1")
    [line] = lines(capsys)
    assert (line["event"], line["method"], line["path"], line["status"]) == ("request", "POST", "/api/fine", 200)
    assert isinstance(line["ms"], float)
    assert "secret" not in json.dumps(line)


@pytest.mark.parametrize("token", [TOKEN, "token-without-a-prefix"])
def test_a_token_in_a_path_is_not_logged(client: Client, capsys: pytest.CaptureFixture[str], token: str) -> None:
    assert client.get(f"/array/{token}/config").status_code == 200
    [line] = lines(capsys)
    assert line["path"] == "/array/-/config"


@pytest.mark.parametrize("route", ["down", "lost", "store"])
def test_without_database_or_object_store_the_api_answers_503_in_its_own_shape(client: Client, route: str) -> None:
    answer = client.get(f"/api/{route}")
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert answer.json() == {
        "type": "server_error",
        "code": "service_unavailable",
        "detail": "The service is temporarily unavailable. Please retry.",
        "attr": None,
    }


@pytest.mark.parametrize("route", ["down", "lost", "store"])
def test_without_database_or_object_store_others_get_the_text_that_sdks_know(client: Client, route: str) -> None:
    answer = client.get(f"/{route}")
    assert (answer.status_code, answer.content) == (503, b"transient error, please retry")
    assert answer["Retry-After"] == "5"
    assert answer["Content-Type"] == "text/plain"


def test_the_reason_is_logged_without_what_is_secret(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    client.get("/down")
    warning, request = lines(capsys)
    assert warning["event"] == "database unavailable"
    assert warning["error"] == "connection to postgresql://me:[redacted]@host failed for phc_[redacted]"
    assert (request["event"], request["status"]) == ("request", 503)


def test_a_defect_under_api_is_the_contracts_500(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    answer = client.get("/api/defect")
    assert answer.status_code == 500
    assert answer.json() == {
        "type": "server_error",
        "code": "error",
        "detail": "A server error occurred.",
        "attr": None,
    }
    assert any("ZeroDivisionError: a defect" in line.get("exception", "") for line in lines(capsys))


def test_a_defect_elsewhere_is_a_500_that_shows_nothing_of_the_inside(client: Client) -> None:
    answer = client.get("/defect")
    assert answer.status_code == 500
    assert b"ZeroDivision" not in answer.content
    assert answer["X-Request-ID"]


def test_an_unknown_route_under_api_is_the_contracts_404(client: Client) -> None:
    for url in ("/api/nothing", "/api/nothing/", "/api/"):
        answer = client.get(url)
        assert answer.status_code == 404
        assert answer.json() == {
            "type": "invalid_request",
            "code": "not_found",
            "detail": "Endpoint not found.",
            "attr": None,
        }


def test_an_unknown_route_elsewhere_is_a_plain_404(client: Client) -> None:
    answer = client.get("/nothing")
    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("text/html")


class Broken:
    """A middleware that needs the database, as the one for sessions does."""

    def __init__(self, get_response: object) -> None:
        pass

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.endswith("defect"):
            raise ZeroDivisionError
        raise OperationalError("down")


@override_settings(MIDDLEWARE=["runtime.requests.RequestMiddleware", f"{__name__}.Broken"])
def test_the_database_is_as_unavailable_to_middleware_as_to_views(client: Client) -> None:
    assert client.get("/api/fine").status_code == 503
    assert client.get("/api/fine").json()["code"] == "service_unavailable"
    assert client.get("/fine").content == b"transient error, please retry"
    assert client.get("/api/defect").status_code == 500


@override_settings(ALLOWED_HOSTS=["good.example"])
def test_a_request_that_django_refuses_is_a_400_in_the_apis_shape() -> None:
    client = Client(raise_request_exception=False)
    answer = client.get("/api/schema/", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert answer.json() == {
        "type": "invalid_request",
        "code": "bad_request",
        "detail": "The request cannot be read.",
        "attr": None,
    }
