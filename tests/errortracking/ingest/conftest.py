"""A project to report to, and a way to look at what was stored for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from environments.models import Organization, Project
from errortracking.ingest import room, tokens, unknown
from errortracking.models import QueuedRequest, payload

TOKEN = "phc_localtesttoken"  # the token in the recorded requests


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    tokens.forget()
    room.forget()
    unknown.forget()


@pytest.fixture
def project(db: None) -> Project:
    """Return a project with the token of the recorded requests."""
    organization = Organization.objects.create(name="Acme")
    return Project.objects.create(organization=organization, name="shop", api_token=TOKEN)


@pytest.fixture
def stored(project: Project) -> Callable[[], list[payload.Payload]]:
    """Return a function that unpacks what waits in the project's queue, oldest first."""

    def unpacked() -> list[payload.Payload]:
        rows = QueuedRequest.objects.filter(environment_id=project.id).order_by("received_at", "id")
        return [payload.unpack(row.payload) for row in rows]

    return unpacked


def an_event(**changes: Any) -> dict[str, Any]:
    """Return a small valid event as its sender would write it; a change to ``...`` leaves the field out."""
    event = {
        "event": "$exception",
        "distinct_id": "user-1",
        "uuid": "0190f5a0-0000-7000-8000-000000000001",
        "properties": {"$lib": "web"},
        "timestamp": "2026-11-22T01:28:43.939Z",
        **changes,
    }
    return {key: value for key, value in event.items() if value is not ...}
