"""Requests that are answered without Django's request: whatever can be seen of it is as if Django had answered."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from django.core.signals import request_started
from django.db import connection
from django.test import override_settings
from prometheus_client import REGISTRY

from config import logs
from environments.models import Project
from errortracking.ingest import queue, room
from errortracking.models import QueuedRequest
from runtime import direct, wsgi
from runtime.wsgi import Application
from tests.errortracking.ingest.conftest import TOKEN, an_event

pytestmark = pytest.mark.django_db(transaction=True)

EVENT = an_event()
BODY = json.dumps({"api_key": TOKEN, "batch": [EVENT]}).encode()
OF_ALL = [
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("X-Request-ID", "mine"),
]
PAGE: dict[str, Any] = {"HTTP_ORIGIN": "https://app.example", "HTTP_ACCESS_CONTROL_REQUEST_HEADERS": "x-own"}
BEARER: dict[str, Any] = {"HTTP_AUTHORIZATION": f"Bearer {TOKEN}"}
TEXT = "text/plain; charset=utf-8"


class Answer(NamedTuple):
    status: str
    headers: list[tuple[str, str]]
    body: bytes


def post(path: str, body: bytes = BODY, **environ: Any) -> Answer:
    """Send a request as the web server does: the application gets nothing but its WSGI environment."""
    said: list[tuple[str, list[tuple[str, str]]]] = []
    answered = Application()(
        {
            **{"REQUEST_METHOD": "POST", "PATH_INFO": path, "QUERY_STRING": "", "SCRIPT_NAME": ""},
            **{"SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8000", "SERVER_PROTOCOL": "HTTP/1.1"},
            **{"HTTP_HOST": "errors.example", "REMOTE_ADDR": "192.0.2.7", "HTTP_X_REQUEST_ID": "mine"},
            **{"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)},
            **{"wsgi.url_scheme": "http", "wsgi.errors": io.StringIO(), "wsgi.input_terminated": True},
            **environ,
        },
        lambda status, headers: said.append((status, headers)),
    )
    whole = b"".join(answered)
    if hasattr(answered, "close"):
        answered.close()
    [(status, headers)] = said
    return Answer(status, headers, whole)


@pytest.fixture(params=["directly", "through Django"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Answer each of these tests' requests by either way, and make sure that it is that one."""
    started: list[object] = []
    request_started.connect(lambda **_: started.append(1), weak=False, dispatch_uid="way")
    if request.param != "directly":
        monkeypatch.setattr(wsgi, "_direct_match", lambda _: None)
    yield request.param
    request_started.disconnect(dispatch_uid="way")
    assert bool(started) is (request.param != "directly")


@pytest.mark.usefixtures("way")
def test_an_accepted_request_has_the_headers_of_all_answers(project: Project) -> None:
    assert post("/batch/") == (
        "200 OK",
        [
            ("Content-Type", "application/json"),
            ("Vary", "Origin"),
            ("X-Frame-Options", "DENY"),
            ("Content-Length", "15"),
            *OF_ALL,
        ],
        b'{"status":"Ok"}',
    )
    [row] = QueuedRequest.objects.filter(environment_id=project.id)
    assert row.events == 1


@pytest.mark.usefixtures("way")
def test_a_page_gets_the_headers_of_cors(project: Project) -> None:
    assert post("/e", **PAGE).headers == [
        ("Content-Type", "application/json"),
        ("Vary", "Origin"),
        ("Access-Control-Allow-Origin", "https://app.example"),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Allow-Methods", "GET, POST, OPTIONS"),
        ("Access-Control-Allow-Headers", "x-own"),
        ("Access-Control-Max-Age", "86400"),
        ("X-Frame-Options", "DENY"),
        ("Content-Length", "15"),
        *OF_ALL,
    ]


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    ("path", "body", "environ", "status", "text"),
    [
        ("/batch/", gzip.compress(BODY), {"HTTP_CONTENT_ENCODING": "gzip"}, "200 OK", b'{"status":"Ok"}'),
        ("/i/v0/e/", b"data=" + BODY, {}, "200 OK", b'{"status":"Ok"}'),
        ("/capture", BODY, {"CONTENT_TYPE": "text/plain; charset=zlib"}, "200 OK", b'{"status":"Ok"}'),
        ("/s/", BODY, {"QUERY_STRING": "compression=\xff&_=1"}, "200 OK", b'{"status":"Ok"}'),
        ("/batch", BODY, {"CONTENT_LENGTH": ""}, "200 OK", b'{"status":"Ok"}'),
        (
            *("/i/v1/analytics/events", BODY, BEARER, "200 OK"),
            b'{"results":{"0190f5a0-0000-7000-8000-000000000001":{"result":"ok"}}}',
        ),
        ("/e/", b"", {}, "400 Bad Request", b"request holds no event"),
        ("/e/", b"{", {"CONTENT_LENGTH": "5"}, "400 Bad Request", b"failed to decode request: the body ends early"),
        ("/e/", json.dumps(EVENT).encode(), {}, "401 Unauthorized", b"event submitted without an api_key"),
        (
            *("/flags/", b'{"token":"phc_nobody"}', {}, "401 Unauthorized"),
            b"API key is not valid: no project has this token",
        ),
        (
            *("/e/", BODY, {"CONTENT_LENGTH": "2097153"}, "413 Request Entity Too Large"),
            b"the body is limited to 2097152 bytes",
        ),
        ("/_readiness", b"", {}, "405 Method Not Allowed", b"method not allowed"),
    ],
)
def test_each_kind_of_answer_is_the_same(
    path: str, body: bytes, environ: dict[str, Any], status: str, text: bytes, project: Project
) -> None:
    answer = post(path, body, **environ)
    assert (answer.status, answer.body) == (status, text)
    kind = {"2": "application/json", "405": "text/plain"}.get(status[:3] if status[:3] == "405" else status[0], TEXT)
    own = [("Allow", "OPTIONS, GET, HEAD")] if status[:3] == "405" else []
    assert answer.headers == [
        ("Content-Type", kind),
        *own,
        ("Vary", "Origin"),
        ("X-Frame-Options", "DENY"),
        ("Content-Length", str(len(text))),
        *OF_ALL,
    ]
    assert QueuedRequest.objects.filter(environment_id=project.id).exists() is (status == "200 OK")


@pytest.mark.usefixtures("way")
def test_a_full_server_asks_to_come_back(project: Project) -> None:
    room.forget()
    with override_settings(MIN_FREE_DISK_MB=10**9):
        answer = post("/e/")
    room.forget()
    assert (answer.status, answer.body) == ("503 Service Unavailable", b"transient error, please retry")
    assert answer.headers[:3] == [("Content-Type", TEXT), ("Retry-After", "5"), ("Vary", "Origin")]


@pytest.mark.usefixtures("way")
def test_a_session_that_the_database_has_ended_costs_one_answer_at_most(project: Project) -> None:
    assert post("/e/").status == "200 OK"
    with connection.cursor() as cursor, pytest.raises(Exception, match="terminating"):
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    post("/e/")
    assert post("/e/").status == "200 OK"


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    return [line for line in found if line["logger"].startswith(("healthtrack.", "django."))]


@pytest.mark.usefixtures("way")
def test_a_request_is_one_line_without_its_query(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(json=True, level="INFO")
    post("/batch/", QUERY_STRING="token=secret")
    [line] = lines(capsys)
    assert isinstance(line.pop("ms"), float)
    for changing in ("timestamp", "pid"):
        line.pop(changing)
    assert line == {
        "method": "POST",
        "path": "/batch/",
        "status": 200,
        "event": "request",
        "request_id": "mine",
        "logger": "healthtrack.request",
        "level": "info",
        "role": "command",
    }


@pytest.mark.usefixtures("way")
def test_an_id_that_is_no_plain_word_is_replaced(project: Project) -> None:
    ids = [dict(post("/e/", HTTP_X_REQUEST_ID=sent).headers)["X-Request-ID"] for sent in ("a b", "", "x" * 65)]
    assert [len(id_) for id_ in ids] == [32, 32, 32]
    assert len(set(ids)) == 3


@pytest.mark.usefixtures("way")
def test_a_request_is_counted_by_route_and_status(project: Project) -> None:
    pattern = "^(?P<route>i/v0/e|e|track|engage|capture|batch)/?$"
    samples: list[tuple[str, dict[str, str]]] = [
        ("healthtrack_http_requests_total", {"method": "POST", "route": pattern, "status": "400"}),
        ("healthtrack_http_request_seconds_count", {"method": "POST", "route": pattern}),
        ("healthtrack_ingest_requests_total", {"route": "track", "status": "400"}),
        ("healthtrack_ingest_refusals_total", {"reason": "parse"}),
    ]

    def values() -> list[float]:
        return [REGISTRY.get_sample_value(name, labels) or 0.0 for name, labels in samples]

    before = values()
    post("/track/", b"no JSON")
    assert [after - earlier for after, earlier in zip(values(), before, strict=True)] == [1, 1, 1, 1]


def test_a_defect_is_djangos_500_and_happens_once(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    logs.configure(json=True, level="INFO")
    calls: list[object] = []

    def broken(*_: object, **__: object) -> int:
        calls.append(1)
        raise RuntimeError("a defect")

    monkeypatch.setattr(queue, "enqueue", broken)
    answer = post("/e/", HTTP_ORIGIN="https://app.example", HTTP_X_REQUEST_ID="")
    assert answer.status == "500 Internal Server Error"
    assert b"a defect" not in answer.body
    headers = dict(answer.headers)
    assert headers["Access-Control-Allow-Origin"] == "https://app.example"
    said, request = lines(capsys)
    assert "RuntimeError: a defect" in said["exception"]
    assert (request["event"], request["status"]) == ("request", 500)
    assert said["request_id"] == request["request_id"] == headers["X-Request-ID"]
    assert calls == [1]


@pytest.mark.parametrize(
    ("environ", "status"),
    [
        ({"HTTP_COOKIE": "sessionid=x"}, "200 OK"),
        ({"REQUEST_METHOD": "OPTIONS"}, "200 OK"),
        ({"REQUEST_METHOD": "PUT"}, "405 Method Not Allowed"),
        ({"SCRIPT_NAME": "/below"}, "200 OK"),
        ({"HTTP_HOST": "not a host"}, "400 Bad Request"),
        ({"HTTP_HOST": "x" * 300}, "200 OK"),
        ({"HTTP_HOST": ""}, "400 Bad Request"),
        ({"PATH_INFO": "/event/"}, "404 Not Found"),
        ({"PATH_INFO": "/api/nothing"}, "404 Not Found"),
        ({"PATH_INFO": "/e/" + "\xc3\xa9"}, "404 Not Found"),
        ({"PATH_INFO": "/e/" + "x" * 300}, "404 Not Found"),
    ],
)
def test_what_middleware_looks_at_closely_is_djangos(
    environ: dict[str, Any], status: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(direct, "serve", lambda *_: pytest.fail("was answered directly"))
    assert post("/e/", **environ).status == status


def test_a_host_longer_than_any_name_is_not_remembered(project: Project) -> None:
    before = direct._is_ours.cache_info().currsize
    assert post("/e/", HTTP_HOST="x" * 300).status == "200 OK"
    assert direct._is_ours.cache_info().currsize == before


def test_hosts_that_the_operator_names_are_the_only_ones(project: Project) -> None:
    with override_settings(ALLOWED_HOSTS=["errors.example"]):
        assert post("/e/").status == "200 OK"
        assert post("/e/", HTTP_HOST="evil.example").status == "400 Bad Request"
    assert post("/e/", HTTP_HOST="evil.example").status == "200 OK"


@pytest.mark.parametrize(
    "environ", [{}, {"REQUEST_METHOD": "OPTIONS"}, {"HTTP_COOKIE": "a=b"}, {"PATH_INFO": "/array/phc_a/config"}]
)
def test_a_host_that_is_not_ours_gets_the_plain_text_and_the_headers_of_any_refusal(environ: dict[str, Any]) -> None:
    with override_settings(ALLOWED_HOSTS=["errors.example"]):
        answer = post("/e/", **{"HTTP_HOST": "evil.example", "HTTP_ORIGIN": "https://app.example", **environ})
    headers = dict(answer.headers)
    assert (answer.status, answer.body) == ("400 Bad Request", b"Bad Request: the request cannot be read")
    assert headers["Content-Type"] == TEXT
    assert headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert headers["X-Request-ID"] == "mine"
