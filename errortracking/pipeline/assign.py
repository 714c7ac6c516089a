"""Issues that have just been made or opened again are assigned, by the project's rules (pipeline 2.10)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from environments.ids import uuid7
from environments.tenancy import sql
from errortracking.models import IssueStatus
from errortracking.pipeline.batch import Accepted, Batch
from errortracking.pipeline.loaded_rules import Assignee, Kind
from errortracking.pipeline.project_rules import matching
from errortracking.rules.subject import Json


class Opened(NamedTuple):
    """An issue that was made or opened again, with the event that did it."""

    event: Accepted
    name: str | None
    description: str | None
    severity: str | None = None


def assign(batch: Batch, opened: Mapping[UUID, Opened]) -> None:
    """Assign the issues ``opened`` (by id) that nobody has been assigned yet.

    The grouping rule that made the event's fingerprint goes first, if it names somebody; then the first assignment
    rule that matches.
    """
    assignees = {id_: _assignee(batch, one) for id_, one in opened.items()}
    found = {id_: assignee for id_, assignee in assignees.items() if assignee}
    if found:
        _insert(batch, found)


def _assignee(batch: Batch, opened: Opened) -> Assignee | None:
    if opened.event.assignee:
        return opened.event.assignee
    issue: dict[str, Json] = {
        "name": opened.name,
        "description": opened.description,
        "status": IssueStatus.ACTIVE.value,
    }
    rules = matching(batch, Kind.ASSIGNMENT, opened.event, issue)
    return next((rule.assignee for rule in rules if rule.assignee), None)


# Whoever was assigned before, by a person or by another worker, stays. A rule outlives its assignee's membership, and
# person or role may even have been deleted since the rules were read: such an issue is left to nobody, where the
# foreign key alone would fail the batch.
_INSERT = """
    INSERT INTO errortracking_issueassignment (environment_id, id, issue_id, user_id, role_id, created_at)
    SELECT %(environment)s, new.id, new.issue_id, new.user_id, new.role_id, %(now)s
    FROM unnest(%(ids)b::uuid[], %(issues)b::uuid[], %(users)b::uuid[], %(roles)b::uuid[])
        AS new(id, issue_id, user_id, role_id)
    WHERE EXISTS (
        SELECT FROM environments_membership m JOIN environments_project p USING (organization_id)
        WHERE p.id = %(environment)s AND m.user_id = new.user_id FOR KEY SHARE OF m
    ) OR EXISTS (
        SELECT FROM environments_role r JOIN environments_project p USING (organization_id)
        WHERE p.id = %(environment)s AND r.id = new.role_id FOR KEY SHARE OF r
    )
    ON CONFLICT (environment_id, issue_id) DO NOTHING
"""


def _insert(batch: Batch, assignees: Mapping[UUID, Assignee]) -> None:
    issues = sorted(assignees)  # in one order by everybody
    parameters = {
        "environment": batch.environment_id,
        "now": batch.now,
        "ids": [uuid7(batch.now) for _ in issues],
        "issues": issues,
        "users": [assignees[id_].user_id for id_ in issues],
        "roles": [assignees[id_].role_id for id_ in issues],
    }
    with sql.cursor() as cursor:
        cursor.execute(_INSERT, parameters)
