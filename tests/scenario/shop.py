"""The shop's programs: they send what the real SDKs were recorded to send, at the scenario's time."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from datetime import datetime
from typing import Any
from uuid import uuid4

import requests

from tests.errortracking.ingest import recorded
from tests.scenario import bundle

Event = dict[str, Any]
SITE = "shop.example"


class Shop:
    """A site in browsers, a backend in Python, a worker in Node."""

    def __init__(self, url: str, token: str, now: Callable[[], datetime]) -> None:
        self._url, self._token, self._now = url, token, now
        self._recorded = {one.name: one.with_token(token) for one in recorded.requests()}
        self.release: str | None = None
        """What the servers were deployed with (``POSTHOG_RELEASE_ID``)."""
        self.python_sdk = "7.91.1"

    def a_usual_hour(self) -> None:
        """Send three visits, and the six errors that the shop has: one each of the backend's two, the worker's, and
        the browsers' three."""
        self.visits(3)
        self._send("python-1", self._events("python-1"))
        self.worker_errors("node-0", 1)
        self.browser_errors()

    def visits(self, number: int) -> None:
        """Let visitors see a page, with its vitals, and leave it. The site sends through its own proxy."""
        [seen] = self._events("js-1")
        page = {"$host": SITE, "$current_url": f"https://{SITE}/", "$lib_custom_api_host": f"https://{SITE}/relay"}
        seen["properties"].update(page)
        names = ("$pageview", "$web_vitals", "$pageleave")
        self._send("js-1", (seen | {"event": name} for _ in range(number) for name in names))

    def browser_errors(self) -> None:
        """Let each of the bundle's errors happen once."""
        [recorded_error] = self._events("js-6")
        thrown = []
        for error in bundle.ERRORS:
            event = deepcopy(recorded_error)
            first = event["properties"]["$exception_list"][0]
            first |= {"type": error, "value": "out of order", "stacktrace": {"type": "raw"}}
            first["stacktrace"]["frames"] = bundle.frames(error)
            event["properties"]["$exception_list"] = [first]
            thrown.append(event)
        self._send("js-6", thrown)

    def backend_errors(self, number: int) -> None:
        """Let the backend's RuntimeError happen so many times, in one request."""
        self._send("python-0", self._events("python-0")[:1] * number)

    def worker_errors(self, name: str, number: int) -> None:
        """Let an error of the worker, by the name of its recording, happen so many times, in one request."""
        self._send(name, self._events(name) * number)

    def _events(self, name: str) -> list[Event]:
        events: list[Event] = deepcopy(self._recorded[name].document["batch"])
        for event in events:
            if event["properties"]["$lib"] == "posthog-python":
                event["properties"]["$lib_version"] = self.python_sdk
            if self.release and event["properties"]["$lib"] != "web":
                event["properties"]["$release_id"] = self.release
        return events

    def _send(self, name: str, events: Iterable[Event]) -> None:
        original = self._recorded[name]
        at = self._now().isoformat()
        batch = [event | {"uuid": str(uuid4()), "timestamp": at} for event in events]
        body = json.dumps(original.document | {"batch": batch, "sent_at": at}).encode()
        if original.body.startswith(b"\x1f\x8b"):
            body = gzip.compress(body)
        headers: Mapping[str, str] = original.headers
        answer = requests.post(self._url + original.path, data=body, headers=headers, timeout=60)
        assert (answer.status_code, answer.json()) == (200, {"status": "Ok"}), answer.text
