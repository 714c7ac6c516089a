"""The filters and orders of spike events (contract 7)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from django.http import QueryDict
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from environments.api import inputs
from environments.api.exceptions import FieldError

NEWEST_FIRST: Final = "-detected_at"
ORDERS: Final[dict[str, tuple[str, ...]]] = {
    "detected_at": ("detected_at", "id"),
    NEWEST_FIRST: (NEWEST_FIRST, "-id"),
    # Of equal values the newest is first, whichever way the values go.
    **{
        sign + field: (sign + field, NEWEST_FIRST, "-id")
        for field in ("computed_baseline", "current_bucket_value")
        for sign in ("", "-")
    },
}
"""What `order_by` may be, and the columns that it means."""

# Narrower than `fromisoformat`, which takes any character between date and time, and so some plain numbers.
_MOMENT: Final = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?\Z", re.ASCII | re.IGNORECASE
)
WRONG_ISSUE: Final = "Each issue ID must be a UUID."
WRONG_MOMENT: Final = "Must be an ISO 8601 date or date and time, such as 2026-03-01T12:30:00Z."


def conditions(parameters: QueryDict) -> dict[str, Any]:
    """Return the look-ups that the query string asks for. Raises the 400 of the first wrong one.

    Blank parameters mean nothing, and of a repeated one the last counts.
    """
    found: dict[str, Any] = {}
    if issues := _issues(parameters.get("issue_ids", "")):
        found["issue_id__in"] = issues
    for name, lookup in (("date_from", "detected_at__gte"), ("date_to", "detected_at__lte")):
        if text := parameters.get(name, "").strip():
            found[lookup] = _moment(name, text)
    return found


def _issues(text: str) -> list[UUID]:
    found: dict[UUID, None] = {}  # each once, in the order given
    for item in filter(None, map(str.strip, text.split(","))):
        try:
            found[inputs.uuid_field("issue_ids", item)] = None
        except FieldError as error:
            raise FieldError("issue_ids", WRONG_ISSUE) from error
    return list(found)


def _moment(name: str, text: str) -> datetime:
    try:
        return moment(text)
    except ValueError as error:
        raise FieldError(name, WRONG_MOMENT) from error


def moment(text: str) -> datetime:
    """Return a date's midnight or a moment; both are in UTC where no offset is given. Raises ``ValueError``."""
    if not _MOMENT.match(text):
        raise ValueError(text)
    found = datetime.fromisoformat(text.upper())
    try:
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except OverflowError as error:  # an offset that leads out of the years 1 to 9999
        raise ValueError(text) from error


def _constant(order: str) -> str:
    """Return the name of an order in programs, which has no sign."""
    return order.removeprefix("-").upper() + ("_DESCENDING" if order.startswith("-") else "")


_DATES: Final = "ISO 8601; UTC unless it has an offset; a date without time is its midnight. Blank: no bound."
PARAMETERS: Final = [
    OpenApiParameter("issue_ids", str, description="Only spikes of these issues: UUIDs, separated by commas."),
    OpenApiParameter("date_from", OpenApiTypes.DATETIME, description=f"Only spikes detected then or later. {_DATES}"),
    OpenApiParameter("date_to", OpenApiTypes.DATETIME, description=f"Only spikes detected then or earlier. {_DATES}"),
    OpenApiParameter(
        "order_by",
        {
            "title": "SpikeEventOrderEnum",
            "description": "What spikes are sorted by, and which way.",
            "type": "string",
            "enum": list(ORDERS),
            "x-enum-varnames": [_constant(name) for name in ORDERS],
            "default": NEWEST_FIRST,
        },
        description="What to sort by, with `-` in descending order. Anything else means the newest first.",
    ),
]
