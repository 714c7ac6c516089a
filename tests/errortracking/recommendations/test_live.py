"""A real server: the web process claims, the worker's task runner computes, the list shows it."""

from __future__ import annotations

from typing import Any

import requests

from tests.live import LiveServer

CHUNK = "01a201fd-0000-4000-8000-000000000000"


class Client:
    """Requests of one project's key."""

    def __init__(self, server: LiveServer, email: str) -> None:
        made = server.bootstrap(email=email, project="recommended", scopes="error_tracking:read,error_tracking:write")
        self.token: str = made["project_token"]
        self._url = server.url
        self._root = f"{server.url}/api/environments/{made['environment_id']}/error_tracking"
        self._headers = {"Authorization": f"Bearer {made['personal_api_key']}"}

    def capture(self, frames: int) -> None:
        """Send a browser's exception with so many frames, of chunks whose source map nobody has uploaded."""
        sent = [
            {
                "platform": "web:javascript",
                "filename": "https://shop.example/app.js",
                "function": f"f{number}",
                "lineno": number + 1,
                "colno": 900,
                "in_app": True,
                "chunk_id": CHUNK,
            }
            for number in range(frames)
        ]
        exception = {"type": "TypeError", "value": "x", "stacktrace": {"type": "raw", "frames": sent}}
        event = {
            "event": "$exception",
            "distinct_id": "user-1",
            "properties": {"$lib": "web", "$exception_list": [exception]},
        }
        body = {"api_key": self.token, "batch": [event]}
        assert requests.post(f"{self._url}/batch/", json=body, timeout=30).status_code == 200

    def stack_frames(self) -> int:
        response = requests.get(f"{self._root}/stack_frames/", headers=self._headers, timeout=30)
        return int(response.json()["count"])

    def recommendations(self, query: str = "") -> dict[str, Any]:
        """Return the list by type."""
        response = requests.get(f"{self._root}/recommendations/{query}", headers=self._headers, timeout=30)
        assert response.status_code == 200, response.text
        return {item["type"]: item for item in response.json()["results"]}

    def post(self, path: str) -> dict[str, Any]:
        response = requests.post(f"{self._root}/recommendations/{path}", headers=self._headers, timeout=30)
        assert response.status_code == 200, response.text
        shown: dict[str, Any] = response.json()
        return shown


def all_ready(client: Client) -> dict[str, Any] | None:
    shown = client.recommendations("?poll=true")
    return shown if shown and all(item["status"] == "ready" for item in shown.values()) else None


def test_the_first_look_starts_what_the_worker_finishes(server: LiveServer) -> None:
    """3, list: the first call starts the computations; ?poll=true sees them end."""
    client = Client(server, "first-look@example.com")
    client.capture(frames=25)
    server.until(lambda: client.stack_frames() == 25)
    assert client.recommendations("?poll=true") == {}

    first = client.recommendations()
    assert list(first) == ["alerts", "long_running_issues", "quiet_issues", "rate_limits", "source_maps"]
    shown = server.until(lambda: all_ready(client))
    assert {name: item["id"] for name, item in shown.items()} == {name: item["id"] for name, item in first.items()}
    assert all(item["computed_at"] for item in shown.values())
    assert {name: item["completed"] for name, item in shown.items()} == {
        "alerts": False,
        "long_running_issues": True,
        "quiet_issues": True,
        "rate_limits": False,
        "source_maps": False,
    }
    assert shown["source_maps"]["meta"]["total_frames"] == 25
    assert shown["source_maps"]["meta"]["unresolved_pct"] == 1.0


def test_a_refresh_computes_anew(server: LiveServer) -> None:
    """3, refresh."""
    client = Client(server, "refresh@example.com")
    client.recommendations()
    before = server.until(lambda: all_ready(client))["source_maps"]
    assert before["meta"]["total_frames"] == 0
    client.capture(frames=3)
    server.until(lambda: client.stack_frames() == 3)
    assert client.post(f"{before['id']}/refresh/")["status"] in {"computing", "ready"}
    after = server.until(lambda: all_ready(client))["source_maps"]
    assert after["meta"]["total_frames"] == 3
    assert after["computed_at"] > before["computed_at"]


def test_a_dismissed_recommendation_can_be_restored(server: LiveServer) -> None:
    """3, dismiss and restore."""
    client = Client(server, "dismiss@example.com")
    row = client.recommendations()["alerts"]
    assert client.post(f"{row['id']}/dismiss/")["dismissed_at"] is not None
    assert client.recommendations("?poll=true")["alerts"]["dismissed_at"] is not None
    assert client.post(f"{row['id']}/restore/")["dismissed_at"] is None
