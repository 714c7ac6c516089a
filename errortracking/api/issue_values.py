"""Values that issues have, for whoever builds a filter by hand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter

from environments.api import inputs
from environments.api.exceptions import FieldError
from environments.tenancy import sql
from errortracking.api.issue_search import TITLE, like
from errortracking.models import IssueStatus
from errortracking.models.issues import Severity

MAX_VALUES: Final = 100  # the real system's number
LOOKED_AT: Final = 10_000
"""How many of the newest issues with the text are looked at: enough to choose from, in bounded time."""

_ROWS: Final[dict[str, str]] = {
    "name": "SELECT i.name AS value FROM errortracking_issue i WHERE i.environment_id = %(environment)s {also}"
    " ORDER BY i.id DESC LIMIT %(looked_at)s",
    "issue_description": "SELECT i.description AS value FROM errortracking_issue i"
    " WHERE i.environment_id = %(environment)s {also} ORDER BY i.id DESC LIMIT %(looked_at)s",
    "release": "SELECT r.version AS value FROM errortracking_release r WHERE r.environment_id = %(environment)s"
    " ORDER BY r.created_at DESC, r.id DESC LIMIT %(looked_at)s",
    # From one to the next along the index: there are few SDKs, and many fingerprints by each.
    "sdk": """
        WITH RECURSIVE known AS (
            (SELECT s.sdk FROM errortracking_fingerprintsdk s WHERE s.environment_id = %(environment)s
             ORDER BY s.sdk LIMIT 1)
            UNION ALL
            SELECT (SELECT s.sdk FROM errortracking_fingerprintsdk s
                    WHERE s.environment_id = %(environment)s AND s.sdk > known.sdk ORDER BY s.sdk LIMIT 1)
            FROM known WHERE known.sdk IS NOT NULL
        )
        SELECT sdk AS value FROM known LIMIT %(looked_at)s
    """,
}
_FIXED: Final[dict[str, Iterable[str]]] = {"severity": Severity.values, "status": IssueStatus.values}
KEYS: Final = (*_ROWS, *_FIXED)

_DISTINCT: Final = """
    SELECT DISTINCT value FROM ({rows}) AS known WHERE value <> '' AND value ILIKE %(pattern)s
    ORDER BY value LIMIT %(most)s
"""
# Trigrams need three letters in a row; with fewer, the newest issues are looked at one by one.
_TITLE_MATCHES: Final = f"AND {TITLE.format(name='i.name', description='i.description')} ILIKE %(pattern)s"


def values_of(environment_id: int, parameters: QueryDict) -> list[str]:
    """Return the values that the query string asks for: of ``key``, those with ``value`` in them. Raises a 400."""
    key, text = parameters.get("key", ""), parameters.get("value", "")
    if not key:
        return []
    if key not in KEYS:
        raise FieldError("key", f'"{key}" is not a valid choice.', "invalid_choice")
    if problem := inputs.text_problem(text):
        raise FieldError("value", *problem)
    if key in _FIXED:
        return sorted(value for value in _FIXED[key] if text.lower() in value)
    also = _TITLE_MATCHES if text else ""
    values = {
        "environment": environment_id,
        "pattern": like(text),
        "looked_at": LOOKED_AT,
        "most": MAX_VALUES,
    }
    with sql.cursor() as cursor:
        rows = cursor.execute(_DISTINCT.format(rows=_ROWS[key].format(also=also)), values).fetchall()
    return [value for (value,) in rows]


VALUE_PARAMETERS: Final = [
    OpenApiParameter(
        "key",
        {"title": "IssueValueKeyEnum", "description": "What issues have.", "type": "string", "enum": list(KEYS)},
        description="Whose values to return; without one, or blank, there are none.",
    ),
    OpenApiParameter("value", str, description="Only values with this text in them, in upper or lower case."),
]
