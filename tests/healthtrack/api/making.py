"""Health issues that the endpoints show."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import Any

from environments.models import Project
from healthtrack.models import HealthIssue
from tests.environments.world import error

CREATED = datetime(2026, 3, 1, 12, 30, 5, 120_000, tzinfo=UTC)
LATER = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LATER_TEXT = "2026-03-02T08:00:00Z"
FORM = "application/x-www-form-urlencoded"
UNKNOWN = "01a201fd-0000-7000-8000-000000000000"
MALFORMED_IDS = [
    *("x", "1", "0" * 31, "g" * 36, "%00", "%F0%9F%92%A5", "null", "9" * 5000),
    *(f"{{{UNKNOWN}}}", UNKNOWN + "0", UNKNOWN[:-1], f"%20{UNKNOWN}", f"urn:uuid:{UNKNOWN}"),
]
NOT_RESOLVABLE = (400, {"detail": "Could not resolve health issue."})
_numbers = count(1)


def make_issue(project: Project, **fields: Any) -> HealthIssue:
    """Make an active warning; what ``fields`` names is different."""
    fields = {
        "kind": "some_check",
        "severity": "warning",
        "payload": {"sdk": "web"},
        "created_at": CREATED,
        "updated_at": CREATED,
        "unique_hash": f"{next(_numbers):064}",
    } | fields
    [made] = HealthIssue.objects.bulk_create([HealthIssue(environment=project, **fields)])  # keeps updated_at
    return made


def make_resolved(project: Project, **fields: Any) -> HealthIssue:
    return make_issue(project, **{"status": "resolved", "resolved_at": CREATED} | fields)


def shown(issue: HealthIssue, **fields: Any) -> dict[str, Any]:
    """What the API shows of an issue that `make_issue` made."""
    return {
        "id": str(issue.id),
        "kind": "some_check",
        "severity": "warning",
        "status": "active",
        "dismissed": False,
        "payload": {"sdk": "web"},
        "created_at": "2026-03-01T12:30:05.120000Z",
        "updated_at": "2026-03-01T12:30:05.120000Z",
        "resolved_at": None,
    } | fields


def retrieved(issue: HealthIssue, **fields: Any) -> dict[str, Any]:
    """What the API shows of it when asked for it alone: no check is of its kind, so it is told of in general."""
    detail = {
        "title": "Some check",
        "summary": "some_check (warning)",
        "link": "/admin/healthtrack/healthissue/",
        "remediation": None,
    }
    return shown(issue) | detail | fields


def stored(issue: HealthIssue) -> dict[str, Any]:
    """What the database holds of the issue: to see that nothing changed, or what did."""
    [row] = HealthIssue.objects.filter(environment_id=issue.environment_id, id=issue.id).values()
    return dict(row)


def invalid(detail: str, attr: str | None, code: str = "invalid_input") -> tuple[int, Any]:
    return error(400, "validation_error", code, detail, attr)


def method_not_allowed(method: str) -> tuple[int, Any]:
    return error(405, "invalid_request", "method_not_allowed", f'Method "{method}" not allowed.')
