"""The filters of health issues (contract 2.2)."""

from __future__ import annotations

from typing import Any, Final

from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter

from environments.api import inputs
from environments.api.exceptions import FieldError
from healthtrack.models import SEVERITY_ORDER, HealthSeverity, HealthStatus


def conditions(parameters: QueryDict) -> dict[str, Any]:
    """Return the columns that the query string narrows, and the values that they equal.

    Raises the 400 of the first wrong one. Of a repeated parameter the last counts; empty ones, ``dismissed`` aside,
    are ignored.
    """
    found: dict[str, Any] = {}
    if status := parameters.get("status"):
        if status not in HealthStatus.values:
            raise FieldError("status", f"Invalid status: {status}")
        found["status"] = status
    if severity := parameters.get("severity"):
        if severity not in HealthSeverity.values:
            raise FieldError("severity", f"Invalid severity: {severity}")
        # The rank says the same, and is what the indexes of the list hold.
        found["severity_rank"] = SEVERITY_ORDER.index(HealthSeverity(severity))
    if kind := parameters.get("kind"):
        if problem := inputs.text_problem(kind):
            raise FieldError("kind", *problem)
        found["kind"] = kind
    if (dismissed := parameters.get("dismissed")) is not None:
        found["dismissed"] = dismissed.lower() == "true"
    return found


PARAMETERS: Final = [
    OpenApiParameter(
        "status",
        {"$ref": "#/components/schemas/HealthIssueStatusEnum"},
        description="Only issues that the check still finds (`active`), or that are `resolved`.",
    ),
    OpenApiParameter(
        "severity",
        {"$ref": "#/components/schemas/HealthIssueSeverityEnum"},
        description="Only issues of this severity.",
    ),
    OpenApiParameter("kind", str, description="Only issues of this kind of check, such as `sdk_outdated`."),
    OpenApiParameter(
        "dismissed",
        bool,
        description="Only issues that somebody has dismissed (`true`) or nobody has (`false`, and any other text).",
    ),
]
