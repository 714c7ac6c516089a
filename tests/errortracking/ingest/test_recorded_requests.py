"""Every recorded request of the real SDKs gets the answer its SDK was content with, and what it sent is stored."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
import requests
from django.test import Client

from errortracking.models import payload
from tests.errortracking.ingest import recorded
from tests.live import LiveServer, live_server

REQUESTS = recorded.requests()
each_request = pytest.mark.parametrize("sent", REQUESTS, ids=[sent.name for sent in REQUESTS])


def test_there_are_twenty_one_recorded_requests_and_seventeen_hold_events() -> None:
    assert len(REQUESTS) == 21
    assert sum(1 for sent in REQUESTS if holds_events(sent)) == 17


def holds_events(sent: recorded.Recorded) -> bool:
    return isinstance(sent.document, dict) and "batch" in sent.document


def expected_entries(sent: recorded.Recorded) -> list[dict[str, Any]]:
    """Return what must be stored for a request, worked out from its decoded body alone."""
    entries = []
    for event in sent.document["batch"]:
        properties = dict(event["properties"])
        if sent.path.startswith("/i/v1/"):
            properties.update({"$lib": "posthog-python", "$lib_version": "7.91.1"})
            if "process_person_profile" in event["options"]:
                properties["$process_person_profile"] = event["options"]["process_person_profile"]
        entries.append(
            {
                "event": event["event"],
                "uuid": event["uuid"],
                "distinct_id": event.get("distinct_id") or properties["distinct_id"],
                "timestamp": event["timestamp"],
                "offset": None,
                "properties": properties,
            }
        )
    return entries


def check_answer(sent: recorded.Recorded, status: int, body: Any) -> None:
    assert status == sent.answered["status"] == 200
    expected = dict(sent.answered["body"])
    if "requestId" in expected:
        expected["requestId"] = body["requestId"]
    assert body == expected


def check_stored(sent: recorded.Recorded, found: payload.Payload) -> None:
    assert found["events"] == expected_entries(sent)
    assert found["sent_at"] == sent.document.get("sent_at", sent.headers.get("PostHog-Request-Timestamp"))
    agent = sent.headers.get("User-Agent") or sent.headers["user-agent"]
    assert (found["ip"], found["user_agent"]) == ("127.0.0.1", agent)


@each_request
@pytest.mark.usefixtures("project")
def test_each_is_answered_and_stored(
    sent: recorded.Recorded, client: Client, stored: Callable[[], list[payload.Payload]]
) -> None:
    content_type = sent.headers.get("Content-Type", "")
    headers = {name: value for name, value in sent.headers.items() if name != "Content-Type"}
    response = client.generic(sent.method, sent.path, sent.body, content_type=content_type, headers=headers)
    check_answer(sent, response.status_code, json.loads(response.content))
    rows = stored()
    assert len(rows) == (1 if holds_events(sent) else 0)
    for row in rows:
        check_stored(sent, row)


def test_the_first_request_of_posthog_python_is_stored_word_for_word(
    project: Any, client: Client, stored: Callable[[], list[payload.Payload]]
) -> None:
    client.generic("POST", "/batch/", REQUESTS[0].body, content_type="application/json")
    [found] = stored()
    assert found["v"] == 1
    assert found["sent_at"] == "2026-11-22T01:28:43.944156+00:00"
    first, second = found["events"]
    assert first["event"] == "$exception"
    assert first["uuid"] == "2580a436-abd8-4558-b94f-445266ef23af"
    assert first["distinct_id"] == "user-1"
    assert first["timestamp"] == "2026-11-22T01:28:43.939071+00:00"
    assert [raised["type"] for raised in first["properties"]["$exception_list"]] == [
        "RuntimeError",
        "ValueError",
        "KeyError",
    ]
    assert first["properties"]["$exception_list"][2]["stacktrace"]["frames"][1]["lineno"] == 8
    assert second["uuid"] == "40ff8c70-5b20-4ab1-8b5a-c99ed761319c"
    assert second["distinct_id"] == "36f59906-69f9-440e-82fe-3f8d2cb367ec"
    assert second["properties"]["$process_person_profile"] is False


@pytest.fixture(scope="module")
def edge() -> Iterator[tuple[LiveServer, dict[str, Any]]]:
    """A live server that takes requests and processes none, with a project."""
    with live_server(workers=0) as running:
        yield running, running.bootstrap()


@each_request
def test_each_is_answered_and_stored_by_the_live_server(
    sent: recorded.Recorded, edge: tuple[LiveServer, dict[str, Any]]
) -> None:
    server, project = edge
    sent = sent.with_token(project["project_token"])
    with psycopg.connect(server.database_url or "", autocommit=True) as connection:
        connection.execute("DELETE FROM errortracking_queuedrequest")
        response = requests.request(
            sent.method, server.url + sent.path, data=sent.body, headers=sent.headers, timeout=30
        )
        rows = connection.execute("SELECT payload FROM errortracking_queuedrequest").fetchall()
    check_answer(sent, response.status_code, response.json())
    assert len(rows) == (1 if holds_events(sent) else 0)
    for (packed,) in rows:
        check_stored(sent, payload.unpack(packed))
