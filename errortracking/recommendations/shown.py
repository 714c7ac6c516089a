"""What of a row is made when it is looked at: ``meta`` enriched, and ``completed``, which is never stored."""

from __future__ import annotations

from typing import Any

from errortracking.recommendations.registry import TYPES


def complete(environment_id: int, rows: list[dict[str, Any]]) -> None:
    """Give rows of one project their live ``meta`` and their ``completed``.

    Each row has ``type``, ``meta`` and ``computed_at``. False for a type that this version does not know, and while
    nothing was computed yet.
    """
    for row in rows:
        kind = TYPES.get(row["type"])
        if kind is None or row["computed_at"] is None:
            row["completed"] = False
        else:
            row["meta"] = kind.enrich(environment_id, row["meta"])
            row["completed"] = kind.is_completed(row["meta"])
