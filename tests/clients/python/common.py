"""What the parts of the program share: the names of things, the client, and the record of its requests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from time import monotonic, sleep
from typing import Any, TypeVar
from uuid import UUID

import httpx
from healthtrack_client import AuthenticatedClient

PATIENCE = 60.0  # seconds, on a machine that is busy with other tests
T = TypeVar("T")


class Place:
    """A furnished project and the clients of its keys."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.project: str = given["project"]
        self.busy_project: str = given["busy_project"]
        self.moment = datetime.fromisoformat(given["moment"])
        self.critical, self.warning, self.resolved = (UUID(given[name]) for name in ("critical", "warning", "resolved"))
        self.release = UUID(given["release"])
        self.symbol_set: str = given["symbol_set"]
        self.frames = [UUID(name) for name in given["frames"]]
        self.issues = [UUID(name) for name in given["issues"]]
        self.requests: list[tuple[str, str, int]] = []
        self.url: str = given["url"]
        self.client = self.client_of(self.url, given["key"])
        self.reader = self.client_of(self.url, given["reader_key"])
        self.busy = self.client_of(given["busy_url"], given["busy_key"])

    def client_of(self, url: str, key: str) -> AuthenticatedClient:
        """Return a client that sends ``key``, and whose requests are recorded."""
        hooks = {"event_hooks": {"response": [self._record]}}
        return AuthenticatedClient(url, token=key, httpx_args=hooks, raise_on_unexpected_status=True)

    def _record(self, response: httpx.Response) -> None:
        self.requests.append((response.request.method, response.request.url.path, response.status_code))


def typed(kind: type[T], parsed: object) -> T:
    """Return what an operation answered, which must be of ``kind``."""
    assert isinstance(parsed, kind), parsed
    return parsed


def until(question: Callable[[], T | None]) -> T:
    """Ask until the answer is not None, and return it."""
    deadline = monotonic() + PATIENCE
    while monotonic() < deadline:
        if (answer := question()) is not None:
            return answer
        sleep(0.05)
    raise AssertionError(f"nothing came within {PATIENCE:g} s")
