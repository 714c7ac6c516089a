"""Issues of stored exceptions and a client of their endpoints, for the tests of what people do with issues."""

from __future__ import annotations

from typing import Any

import pytest

from environments.models import AuditEntry, Project
from errortracking.models import partitions
from tests.environments.world import Api, World, error
from tests.errortracking.issues.making import came
from tests.errortracking.pipeline.making import NOON

__all__ = ["NOON", "came"]

SUCCESS = (200, {"success": True})
UNKNOWN = "01a201fd-0000-7000-8000-000000000000"


@pytest.fixture
def issues(world: World) -> Api:
    """A client of the project's issues."""
    partitions.ensure([NOON.date()])
    return Api(world.project, world.key("*"), below="error_tracking/issues/")


def recorded(project: Project) -> list[tuple[str, str, Any, Any]]:
    """Return the record of changes, oldest first: action, object, before, after."""
    rows = AuditEntry.objects.filter(environment_id=project.pk).order_by("created_at", "id")
    return [(row.action, row.object_id, row.before, row.after) for row in rows]


def invalid(attr: str, detail: str, code: str = "invalid_input") -> tuple[int, dict[str, Any]]:
    """Return the answer to a wrong value."""
    return error(400, "validation_error", code, detail, attr)
