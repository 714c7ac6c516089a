"""Issues with events, for the tests of their endpoints."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from environments.models import Project
from errortracking.models import Event, Fingerprint, Issue, event_payload, partitions
from tests.environments.world import Api, World, answer
from tests.errortracking.pipeline.making import NOON, entry, send, uuid

__all__ = ["NOON", "uuid"]


@pytest.fixture
def issues(world: World) -> Api:
    """A client of the project's issues."""
    return Api(world.project, world.key("*"), below="error_tracking/issues/")


def sent(
    project: Project, *exceptions: dict[str, Any], received_at: datetime = NOON, **changes: Any
) -> tuple[str, str]:
    """Let one event be processed; return the ids of its issue and of itself."""
    event = entry(*exceptions, **changes)
    send(project, event)
    row = Event.objects.select_related("fingerprint").get(environment_id=project.pk, pk=event["uuid"])
    assert row.fingerprint is not None
    return str(row.fingerprint.issue_id), str(event["uuid"])


def make_fingerprint(project: Project, issue: Issue | None = None, text: str = "f" * 128, **fields: Any) -> Fingerprint:
    issue = issue or Issue.objects.create(environment=project, name="KeyError")
    fields = {"kind": "v2", "first_seen": NOON} | fields
    return Fingerprint.objects.create(environment=project, issue=issue, fingerprint=text, **fields)


def make_events(fingerprint: Fingerprint, ids: dict[str, datetime], **fields: Any) -> None:
    """Make rows of events without exceptions, by uuid and time; all have the same other fields."""
    packed = event_payload.pack({"v": event_payload.VERSION, "exceptions": [], "properties": {}})
    defaults: dict[str, Any] = {"received_at": NOON, "distinct_id": "ann", "payload": packed}
    fields = defaults | fields
    partitions.ensure([fields["received_at"].date()])
    Event.objects.bulk_create(
        Event(environment_id=fingerprint.environment_id, id=id_, timestamp=at, fingerprint=fingerprint, **fields)
        for id_, at in ids.items()
    )


def found(issues: Api, issue: Any, query: str = "") -> list[str]:
    """Return the uuids of one page of an issue's events."""
    status, body = answer(issues.get(f"{issue}/events/{query and '?' + query}"))
    assert status == 200, body
    return [event["uuid"] for event in body["results"]]
