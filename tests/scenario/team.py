"""The shop's people: what they do by the API, and what they can see there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import requests


class Team:
    """Requests with the personal key of a project."""

    def __init__(self, url: str, made: dict[str, Any]) -> None:
        self._root = f"{url}/api/environments/{made['environment_id']}/"
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {made['personal_api_key']}"
        self._states: dict[str, bool] = {}

    def __call__(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        """Send a request and return what its answer holds."""
        answer = self._session.request(method, self._root + path, json=body, timeout=60)
        assert answer.status_code == status, answer.text
        return answer.json()

    def subscribe(self, name: str, kind: str, target: str, **filters: Any) -> str:
        """Make a destination of alerts; return its secret."""
        body = {"name": name, "kind": kind, "target": target, **filters}
        return str(self("POST", "error_tracking/alerts/", body, status=201)["secret"])

    def look_at_recommendations(self) -> None:
        """Open their page, which has computed what is stale."""
        self("GET", "error_tracking/recommendations/")

    def refresh_recommendation(self, name: str) -> None:
        """Have one computed anew."""
        [row] = [row for row in self._recommendations() if row["type"] == name]
        self("POST", f"error_tracking/recommendations/{row['id']}/refresh/")

    def resolve_issue(self, name: str) -> None:
        """Say that an issue is mended."""
        [issue] = [issue for issue in self("GET", "error_tracking/issues/")["results"] if issue["name"] == name]
        self("PATCH", f"error_tracking/issues/{issue['id']}/", {"status": "resolved"})

    def changed_recommendations(self) -> Iterator[str]:
        """Yield which recommendations are there, done or to be done, that were not so at the last look."""
        for row in self._recommendations():
            if self._states.get(row["type"]) is not row["completed"]:
                self._states[row["type"]] = row["completed"]
                yield f"recommendation {row['type']} is {'done' if row['completed'] else 'open'}"

    def health(self) -> Iterator[tuple[datetime, str]]:
        """Yield when health issues were found, and when they were over."""
        for row in self("GET", "health_issues/?limit=250")["results"]:
            yield datetime.fromisoformat(row["created_at"]), f"health {row['kind']} fires"
            if row["resolved_at"]:
                yield datetime.fromisoformat(row["resolved_at"]), f"health {row['kind']} is over"

    def spikes(self) -> Iterator[tuple[datetime, str]]:
        """Yield the spikes."""
        for row in self("GET", "error_tracking/spike_events/")["results"]:
            value, baseline = row["current_bucket_value"], row["computed_baseline"]
            text = f"spike of {row['issue']['name']}: {value}, usual {baseline}"
            yield datetime.fromisoformat(row["detected_at"]), text

    def _recommendations(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self("GET", "error_tracking/recommendations/?poll=true")["results"]
        return rows
