"""Every route, method and header of the edge."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from prometheus_client import REGISTRY

from environments.models import Project
from errortracking.models import QueuedRequest, payload
from tests.errortracking.ingest.conftest import TOKEN, an_event

WITH_GET = ["/i/v0/e", "/e", "/track", "/engage", "/capture", "/batch"]
POSTED = ["/s", "/i/v0/ai", "/i/v0/ai/batch"]
V1 = "/i/v1/analytics/events"
OTHERS = ["/flags", "/decide", "/_readiness", "/_liveness", f"/array/{TOKEN}/config"]
BODY = json.dumps({"api_key": TOKEN, "batch": [an_event()]})
JSON = "application/json"


def with_and_without_slash(paths: list[str]) -> list[str]:
    return [spelled for path in paths for spelled in (path, path + "/")]


def count(project: Project) -> int:
    return QueuedRequest.objects.filter(environment_id=project.id).count()


@pytest.mark.parametrize("path", with_and_without_slash(WITH_GET + POSTED))
def test_a_post_is_stored_and_answered(path: str, client: Client, project: Project) -> None:
    response = client.post(path, BODY, content_type=JSON)
    assert (response.status_code, response.content) == (200, b'{"status":"Ok"}')
    assert response["Content-Type"] == "application/json"
    assert count(project) == 1


@pytest.mark.parametrize("path", [V1, V1 + "/"])
def test_a_v1_post_is_stored_and_answered_with_a_verdict(path: str, client: Client, project: Project) -> None:
    response = client.post(path, BODY, content_type=JSON, headers={"Authorization": f"Bearer {TOKEN}"})
    assert response.status_code == 200
    assert response.json() == {"results": {"0190f5a0-0000-7000-8000-000000000001": {"result": "ok"}}}
    assert count(project) == 1


@pytest.mark.parametrize("path", with_and_without_slash(WITH_GET))
def test_a_get_is_stored_and_answered(path: str, client: Client, project: Project) -> None:
    response = client.get(f"{path}?data={quote(BODY)}")
    assert (response.status_code, response.content) == (200, b'{"status":"Ok"}')
    assert count(project) == 1


@pytest.mark.parametrize("path", with_and_without_slash(WITH_GET))
def test_a_head_stores_nothing(path: str, client: Client, project: Project) -> None:
    response = client.head(f"{path}?data={quote(BODY)}")
    assert (response.status_code, response.content) == (200, b"")
    assert count(project) == 0


@pytest.mark.parametrize("path", with_and_without_slash([*WITH_GET, *POSTED, V1, *OTHERS]))
def test_options_get_200_and_the_normal_body_without_a_database(path: str, client: Client) -> None:
    """Without the mark of a test that may use the database: a preflight must not need one."""
    response = client.options(path)
    assert (response.status_code, response.content) == (200, b'{"status":"Ok"}')


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("PUT", path) for path in with_and_without_slash([*WITH_GET, *POSTED, V1, *OTHERS])),
        *(("GET", path) for path in with_and_without_slash([*POSTED, V1, "/flags", "/decide"])),
        ("DELETE", "/e/"),
        ("PATCH", "/batch/"),
        ("POST", "/_readiness"),
    ],
)
def test_other_methods_are_405_with_cors(method: str, path: str, client: Client) -> None:
    response = client.generic(method, path, headers={"Origin": "https://app.example"})
    assert response.status_code == 405
    assert "OPTIONS" in response["Allow"]
    assert response["Access-Control-Allow-Origin"] == "https://app.example"


@pytest.mark.parametrize("path", ["/i/v0", "/event", "/batch/x", "/e//", "/s3", "/i/v0/ai/otel"])
def test_other_paths_are_404(path: str, client: Client) -> None:
    assert client.post(path, BODY, content_type=JSON).status_code == 404


def preflight(**headers: str) -> dict[str, str]:
    return {"Origin": "https://app.example", **headers}


def test_a_preflight_gets_back_what_it_asks_for(client: Client) -> None:
    response = client.options(
        "/e/",
        headers=preflight(
            **{"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,x-own"}
        ),
    )
    assert response.status_code == 200
    assert response["Access-Control-Allow-Origin"] == "https://app.example"
    assert response["Access-Control-Allow-Credentials"] == "true"
    assert response["Access-Control-Allow-Methods"] == "GET, POST, OPTIONS"
    assert response["Access-Control-Allow-Headers"] == "content-type,x-own"
    assert response["Access-Control-Max-Age"] == "86400"
    assert "Origin" in response["Vary"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/e/", BODY, 200),
        ("/e/", "{", 400),
        ("/e/", json.dumps(an_event()), 401),
        ("/e/", json.dumps(an_event(token="phc_nobody")), 401),
        ("/e/", " " * (2 * 1024 * 1024 + 1), 413),
        (V1, BODY, 401),
        ("/flags/", "{}", 401),
        ("/flags/", json.dumps({"token": TOKEN}), 200),
    ],
)
def test_every_answer_has_cors_errors_too(path: str, body: str, status: int, client: Client, project: Project) -> None:
    response = client.post(path, body, content_type=JSON, headers=preflight())
    assert response.status_code == status
    assert response["Access-Control-Allow-Origin"] == "https://app.example"
    assert response["Access-Control-Allow-Credentials"] == "true"


def test_a_defect_has_cors_too(client: Client, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr("errortracking.ingest.queue.enqueue", broken)
    client.raise_request_exception = False
    response = client.post("/e/", BODY, content_type=JSON, headers=preflight())
    assert response.status_code == 500
    assert response["Access-Control-Allow-Origin"] == "https://app.example"


def test_a_request_of_no_page_gets_no_cors(client: Client, project: Project) -> None:
    response = client.post("/e/", BODY, content_type=JSON)
    assert not [name for name in response.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ("", 400, "request holds no event"),
        ("hello", 400, "failed to parse request: expected a JSON object or array"),
        (json.dumps(an_event(token=TOKEN, event="")), 400, "event submitted with an empty event name"),
        (json.dumps(an_event(token=TOKEN, distinct_id="")), 400, "event submitted with an empty distinct_id"),
        (json.dumps(an_event(token=TOKEN, distinct_id=None)), 400, "event submitted without a distinct_id"),
        (json.dumps(an_event()), 401, "event submitted without an api_key"),
        (
            json.dumps([an_event(token="a"), an_event(token="b")]),
            401,
            "batch submitted with inconsistent api_key values",
        ),
        (json.dumps(an_event(token="phx_a")), 401, "API key is not valid: personal_api_key"),
        (json.dumps(an_event(token="phc_nobody")), 401, "API key is not valid: no project has this token"),
        ('{"token":"phc\\u0000"}', 401, "API key is not valid: null_byte"),
    ],
)
def test_errors_are_plain_text(body: str, status: int, text: str, client: Client, project: Project) -> None:
    response = client.post("/e/", body, content_type=JSON)
    assert (response.status_code, response.content.decode()) == (status, text)
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert count(project) == 0


def test_what_comes_in_is_counted(client: Client, project: Project) -> None:
    def value(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, labels) or 0.0

    def counts() -> list[float]:
        return [
            value("healthtrack_ingest_requests_total", route="batch", status="200"),
            value("healthtrack_ingest_requests_total", route="batch", status="401"),
            value("healthtrack_ingest_events_total"),
            value("healthtrack_ingest_refusals_total", reason="unknown_token"),
        ]

    before = counts()
    client.post("/batch/", json.dumps({"api_key": TOKEN, "batch": [an_event()] * 3}), content_type=JSON)
    client.post("/batch", json.dumps({"api_key": "phc_nobody", "batch": [an_event()]}), content_type=JSON)
    assert [after - earlier for after, earlier in zip(counts(), before, strict=True)] == [1, 1, 3, 1]


def test_neither_cookies_nor_a_csrf_token_are_needed_or_given(project: Project) -> None:
    response = Client(enforce_csrf_checks=True).post("/e/", BODY, content_type=JSON)
    assert response.status_code == 200
    assert not response.cookies


def test_a_recording_is_counted_without_its_data(client: Client, stored: Callable[[], list[payload.Payload]]) -> None:
    recording = an_event(event="$snapshot", token=TOKEN, properties={"$snapshot_data": ["x"] * 1000, "$lib": "web"})
    assert client.post("/s/?compression=gzip-js", json.dumps([recording]), content_type=JSON).status_code == 200
    [found] = stored()
    assert [(event["event"], event["properties"]) for event in found["events"]] == [("$snapshot", {"$lib": "web"})]


def test_the_address_and_the_name_of_the_client_are_stored(
    client: Client, stored: Callable[[], list[payload.Payload]]
) -> None:
    client.post(
        "/e/",
        json.dumps(an_event(token=TOKEN)),
        content_type=JSON,
        REMOTE_ADDR="192.0.2.7",
        headers={"User-Agent": "x" * 600, "X-Forwarded-For": "203.0.113.9"},
    )
    client.post("/e/", json.dumps(an_event(token=TOKEN)), content_type=JSON, headers={"User-Agent": ""})
    first, second = stored()
    assert (first["ip"], first["user_agent"]) == ("192.0.2.7", "x" * 500)
    assert (second["ip"], second["user_agent"]) == ("127.0.0.1", None)
