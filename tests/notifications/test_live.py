"""A running server: an exception is sent, a worker makes an issue of it, and a receiver is told within a moment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.live import LiveServer, live_server
from tests.outbound.web import Web, ok, web


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    """A server that may ask 127.0.0.1, where the receivers of the tests are."""
    with live_server(HEALTHTRACK_ALLOWED_PRIVATE_HOSTS="127.0.0.1") as made:
        yield made


@pytest.fixture
def receiver() -> Iterator[Web]:
    with web() as running:
        running.pages["/hook"] = ok(b"")
        yield running


class Client:
    """Requests of one project's key."""

    def __init__(self, server: LiveServer, email: str) -> None:
        made = server.bootstrap(email=email, project="told", scopes="error_tracking:read,error_tracking:write")
        self.token: str = made["project_token"]
        self.url = server.url
        self._root = f"{server.url}/api/environments/{made['environment_id']}/error_tracking/"
        self._headers = {"Authorization": f"Bearer {made['personal_api_key']}"}

    def request(self, method: str, path: str, status: int, body: Any = None) -> Any:
        response = requests.request(method, self._root + path, json=body, headers=self._headers, timeout=30)
        assert response.status_code == status, response.text
        return response.json()

    def capture(self, type_: str) -> None:
        exception = {"type": type_, "value": "no stock"}
        properties = {"$lib": "posthog-python", "$exception_list": [exception]}
        event = {"event": "$exception", "distinct_id": "user-1", "properties": properties}
        answer = requests.post(f"{self.url}/batch/", json={"api_key": self.token, "batch": [event]}, timeout=30)
        assert answer.status_code == 200


def told(receiver: Web) -> list[tuple[str, str]]:
    sent = [json.loads(asked.body) for asked in receiver.asked]
    return [(body["event"], body["title"]) for body in sent]


def test_a_new_issue_is_told_and_logged(server: LiveServer, receiver: Web) -> None:
    client = Client(server, "told@example.com")
    body = {"name": "Team", "kind": "webhook", "target": f"{receiver.url}/hook", "events": ["issue_created"]}
    made = client.request("POST", "alerts/", 201, body)

    tested = client.request("POST", f"alerts/{made['id']}/test/", 202)
    server.until(lambda: told(receiver) == [("test", "Alerts reach you here")] or None)
    client.capture("OutOfStock")
    server.until(lambda: len(receiver.asked) == 2 or None)

    assert told(receiver)[1] == ("issue_created", "OutOfStock")
    assert json.loads(receiver.asked[1].body)["link"].startswith(f"{server.url}/admin/errortracking/issue/")

    def delivered() -> list[dict[str, Any]] | None:
        log = client.request("GET", "alerts/deliveries/", 200)["results"]
        return log if all(row["status"] == "delivered" for row in log) else None

    log = server.until(delivered)
    assert [(row["event"], row["http_status"], row["attempts"]) for row in log] == [
        ("issue_created", 200, 1),
        ("test", 200, 1),
    ]
    assert log[1]["id"] == tested["id"]
