"""What of a row is made when it is looked at: ``meta`` enriched, and ``completed``, which is never stored."""

from __future__ import annotations

from typing import Any

import structlog
from django.core.exceptions import ValidationError

from errortracking.recommendations.registry import TYPES

log = structlog.get_logger(__name__)


def complete(environment_id: int, rows: list[dict[str, Any]]) -> None:
    """Give rows of one project their live ``meta`` and their ``completed``.

    Each row has ``type``, ``meta`` and ``computed_at``. False for a type that this version does not know, while nothing
    was computed yet, and for a ``meta`` that another version has written in a shape of its own.
    """
    for row in rows:
        kind = TYPES.get(row["type"])
        row["completed"] = False
        if kind is None or row["computed_at"] is None:
            continue
        try:
            meta = kind.enrich(environment_id, row["meta"])
            row["meta"], row["completed"] = meta, kind.is_completed(meta)
        except (AttributeError, LookupError, TypeError, ValueError, ValidationError):
            log.warning("a recommendation of another shape", environment_id=environment_id, type=row["type"])
