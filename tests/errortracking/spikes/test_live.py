"""A real server, from the requests of real SDKs to the spike in the list, the preview and the admin's table."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import datetime
from typing import Any
from uuid import uuid4

import requests

from tests.errortracking.ingest import recorded
from tests.live import LiveServer


class Client:
    """Requests of one project's key, and of its SDKs."""

    def __init__(self, server: LiveServer) -> None:
        made = server.bootstrap(
            email="spikes@example.com", project="spiking", scopes="error_tracking:read,error_tracking:write"
        )
        self._url = server.url
        self._token: str = made["project_token"]
        self._root = f"{server.url}/api/projects/{made['environment_id']}/error_tracking/"
        self._headers = {"Authorization": f"Bearer {made['personal_api_key']}"}

    def __call__(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        response = requests.request(method, self._root + path, json=body, headers=self._headers, timeout=60)
        assert response.status_code == 200, response.text
        return dict(response.json())

    def send(self, sdk: str, times: int) -> None:
        """Send the first exception that the SDK was recorded with, so many times in one request, as it would."""
        original = next(
            one
            for one in recorded.requests()
            if one.name.startswith(sdk) and isinstance(one.document, dict) and "$exception" in json.dumps(one.document)
        ).with_token(self._token)
        event = original.document["batch"][0]
        batch = [deepcopy(event) | {"uuid": str(uuid4())} for _ in range(times)]
        body = json.dumps({**original.document, "batch": batch}).encode()
        headers = {name: value for name, value in original.headers.items() if name.lower() != "content-encoding"}
        response = requests.post(self._url + original.path, data=body, headers=headers, timeout=60)
        assert response.status_code == 200, response.text


def test_an_issue_that_comes_much_more_often_is_reported_once_and_the_preview_tells_the_same(
    server: LiveServer,
) -> None:
    client = Client(server)
    client("PATCH", "spike_detection_config/update_config/", {"threshold": 6})
    client.send("node", 4)
    client.send("python", 10)
    server.until(lambda: client("GET", "spike_events/")["count"])
    client.send("python", 10)
    client.send("js", 5)  # whose issue shows that what came before it has been processed

    def replayed() -> dict[str, Any] | None:
        answer = client("POST", "spike_detection_config/preview/", {"threshold": 4})
        return answer if answer["candidate"]["count"] == 3 else None

    shown = server.until(replayed)
    (spike,) = client("GET", "spike_events/")["results"]  # the second request came within the snooze
    assert (spike["computed_baseline"], spike["current_bucket_value"]) == (0.0, 10)
    assert spike["issue"]["name"] == "RuntimeError"
    assert spike["issue"]["description"] == "request failed for order 1234"
    names = [one["issue"]["name"] for one in shown["candidate"]["spikes"]]
    assert sorted(names) == ["OrderError", "OrderError", "RuntimeError"]  # node's and the browser's are two issues
    assert shown["candidate"]["config"] == {"snooze_duration_minutes": 10, "multiplier": 10, "threshold": 4}
    (current,) = shown["current"]["spikes"]
    assert shown["current"]["config"]["threshold"] == 6
    assert current["issue"] == spike["issue"]
    assert datetime.fromisoformat(current["bucket"]) <= datetime.fromisoformat(spike["detected_at"])
    assert current["current_bucket_value"] in {10, 20}  # 10, where a bucket ended between the two
