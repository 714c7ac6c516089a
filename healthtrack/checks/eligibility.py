"""Which projects a check is about: each function is one statement over the daily counters."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from environments.tenancy import guard, sql
from errortracking.models.partitions import utc_day

WEB_SDKS: Final = ("web", "js", "posthog-js", "posthog-js-lite")
"""What SDKs that run in browsers write as ``$lib``."""

_SENDING: Final = """
    SELECT p.id FROM environments_project p
    WHERE p.deleted_at IS NULL AND EXISTS (
        SELECT FROM errortracking_eventcount c WHERE c.environment_id = p.id AND c.day >= %s
    )
"""
_WEB: Final = """
    SELECT p.id FROM environments_project p
    WHERE p.deleted_at IS NULL AND EXISTS (
        SELECT FROM errortracking_eventcount c WHERE c.environment_id = p.id AND c.sdk = ANY(%s)
    )
"""
_ALL: Final = "SELECT id FROM environments_project WHERE deleted_at IS NULL"


def sending(since: datetime) -> set[int]:
    """Return the projects that sent any event on the UTC day of ``since`` or later."""
    return _ids(_SENDING, utc_day(since))


def ever_web() -> set[int]:
    """Return the projects that ever sent an event of a web SDK: others have no page views to miss."""
    return _ids(_WEB, list(WEB_SDKS))


def all_projects() -> set[int]:
    """Return all projects."""
    return _ids(_ALL)


def _ids(statement: str, *parameters: object) -> set[int]:
    with guard.maintenance("which projects a check is about"), sql.cursor() as cursor:
        return {project_id for (project_id,) in cursor.execute(statement, parameters).fetchall()}
