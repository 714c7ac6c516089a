"""What the tests of alerts are made of: destinations, messages, notices, and a receiver."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from environments.models import Project
from notifications import outbox
from notifications.delivering import deliver
from notifications.events import Notice, NoticeEvent
from notifications.models import Delivery, Destination
from tests.outbound.web import Web, ok

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ISSUE = UUID("0190f5a0-0000-7000-8000-0000000000aa")
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="  # of 32 bytes: 0123456789abcdef, twice


def make_destination(project: Project, **columns: Any) -> Destination:
    """Return a webhook that listens to everything, unless told otherwise."""
    given = {
        "name": "Team",
        "kind": "webhook",
        "target": "https://hooks.acme.test/services/T000/B000/XXXXXXXXwxyz",
        "secret": SECRET,
        "events": list(NoticeEvent.values),
    }
    return Destination.objects.create(environment=project, **(given | columns))


def make_delivery(destination: Destination, **columns: Any) -> Delivery:
    """Return a message that has been delivered, unless told otherwise."""
    given = {
        "event": "issue_created",
        "subject_id": ISSUE,
        "title": "KeyError",
        "message": {"summary": "'price'", "link": "/admin/", "happened_at": "2026-11-22T12:00:00Z"},
        "status": "delivered",
        "attempts": 1,
        "created_at": NOON,
        "expires_at": NOON + timedelta(days=1),
        "finished_at": NOON,
        "http_status": 200,
        "duration_ms": 12,
        "tries": [{"at": "2026-11-22T12:00:00Z", "http_status": 200, "duration_ms": 12, "error": ""}],
    }
    return Delivery.objects.create(
        environment_id=destination.environment_id, destination_id=destination.pk, **(given | columns)
    )


def notice(event: NoticeEvent = NoticeEvent.ISSUE_CREATED, **fields: Any) -> Notice:
    """Return a notice of an issue."""
    given: dict[str, Any] = {
        "subject_id": ISSUE,
        "title": "KeyError",
        "summary": "'price'",
        "link": f"/admin/errortracking/issue/{ISSUE}/change/",
        "happened_at": NOON,
    }
    return Notice(event, **(given | fields))


def deliveries(project: Project) -> list[Delivery]:
    """Return the project's messages, the oldest first."""
    return list(Delivery.objects.filter(environment_id=project.pk).order_by("id"))


def tell(project: Project, notices: Sequence[Notice] | None = None) -> list[Delivery]:
    """Tell one notice, or several, and return all messages of the project."""
    outbox.tell(project.pk, notices if notices is not None else [notice()])
    return deliveries(project)


def run(destination: Destination) -> Destination:
    """Send what is due to a destination, as its task does, and return it as it is then."""
    deliver(destination.environment_id, destination.pk)
    destination.refresh_from_db()
    return destination


def hook(project: Project, site: Web, **columns: object) -> Destination:
    """Return a destination at the receiver, whose target ``/hook`` answers 204 unless told otherwise."""
    site.pages.setdefault("/hook", ok(b"", status="204 No Content"))
    return make_destination(project, **{"target": f"{site.url}/hook", **columns})


def broken(site: Web, status: str = "503 Service Unavailable") -> None:
    site.pages["/hook"] = ok(b"come back later", status=status)
