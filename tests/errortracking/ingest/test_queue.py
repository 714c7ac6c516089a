"""One row per request, committed before the answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client

from environments import clock
from environments.models import Project
from errortracking.ingest import queue
from errortracking.ingest.wire import Accepted
from errortracking.models import QueuedRequest, payload
from tests.environments.world import statements
from tests.errortracking.ingest.conftest import TOKEN, an_event

MOMENT = datetime(2026, 11, 22, 6, 30, 0, 123456, tzinfo=UTC)


def test_a_request_becomes_one_row_with_all_that_the_pipeline_needs(project: Project) -> None:
    entry: Any = {
        "event": "$exception",
        "uuid": "0190f5a0-0000-7000-8000-000000000001",
        "distinct_id": "user-1",
        "timestamp": None,
        "offset": None,
        "properties": {"a": 1},
    }
    accepted = Accepted(token=TOKEN, events=[entry, entry], sent_at="2026-11-22T01:28:44Z", historical_migration=True)
    queue.enqueue(project.id, accepted, received_at=MOMENT, ip="192.0.2.7", user_agent="posthog-python/7.91.1")
    [row] = QueuedRequest.objects.filter(environment_id=project.id)
    assert row.received_at == MOMENT
    assert row.events == 2
    assert row.bytes == len(row.payload)
    assert row.id.version == 7
    assert row.id.int >> 80 == int(MOMENT.timestamp() * 1000)
    assert (row.attempts, row.lease, row.leased_at, row.not_before) == (0, None, None, None)
    assert (row.isolated, row.poison) == (False, [])
    assert payload.unpack(row.payload) == {
        "v": 1,
        "events": [entry, entry],
        "sent_at": "2026-11-22T01:28:44Z",
        "received_at": "2026-11-22T06:30:00.123456+00:00",
        "ip": "192.0.2.7",
        "user_agent": "posthog-python/7.91.1",
        "historical_migration": True,
    }


def test_the_time_of_receipt_is_the_one_clocks(client: Client, project: Project) -> None:
    with clock.stopped_at(MOMENT):
        client.post("/e/", json.dumps(an_event(token=TOKEN)), content_type="application/json")
    assert QueuedRequest.objects.get(environment_id=project.id).received_at == MOMENT


def test_accepting_is_one_insert_and_nothing_else(client: Client, project: Project) -> None:
    body = json.dumps({"api_key": TOKEN, "batch": [an_event()] * 50})
    client.post("/batch/", body, content_type="application/json")  # now the token is known
    with statements() as sent:
        client.post("/batch/", body, content_type="application/json")
    assert len(sent) == 1
    assert "INSERT INTO errortracking_queuedrequest" in sent[0]


@pytest.mark.django_db(transaction=True)
def test_the_row_is_committed_when_the_answer_comes(client: Client, project: Project) -> None:
    response = client.post("/e/", json.dumps(an_event(token=TOKEN)), content_type="application/json")
    assert response.status_code == 200
    parameters = {**connection.get_connection_params(), "cursor_factory": psycopg.Cursor}
    for name in ("context", "prepare_threshold", "server_side_binding"):
        parameters.pop(name, None)
    with psycopg.connect(**parameters) as another:
        assert another.execute("SELECT count(*) FROM errortracking_queuedrequest").fetchone() == (1,)


def test_a_refused_request_leaves_no_row(client: Client, project: Project) -> None:
    batch = [an_event(), an_event(event="")]
    response = client.post("/batch/", json.dumps({"api_key": TOKEN, "batch": batch}), content_type="application/json")
    assert response.status_code == 400
    assert not QueuedRequest.objects.filter(environment_id=project.id).exists()


def test_a_v1_request_of_dropped_events_leaves_no_row(client: Client, project: Project) -> None:
    body = json.dumps({"batch": [an_event(event="")]})
    response = client.post(
        "/i/v1/analytics/events",
        body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {TOKEN}"},
    )
    assert response.json() == {
        "results": {
            "0190f5a0-0000-7000-8000-000000000001": {
                "result": "drop",
                "details": "event submitted with an empty event name",
            }
        }
    }
    assert not QueuedRequest.objects.filter(environment_id=project.id).exists()
