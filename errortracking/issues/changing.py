"""Changes of single columns: status, texts, severity, assignee, cohort. Of one issue or of many."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID

from environments import clock
from environments.models import Membership, Role
from errortracking.issues.errors import IssueGone, Refused
from errortracking.issues.locking import lock_issues, settled
from errortracking.issues.recording import Effect
from errortracking.models import Issue, IssueAssignment, IssueCohort, IssueStatus

WRITABLE: Final = (IssueStatus.ACTIVE, IssueStatus.RESOLVED, IssueStatus.SUPPRESSED)
"""What people may decide. The other two are of old issues: read, never written."""

COLUMNS: Final = ("status", "name", "description", "severity")


class Assignee(NamedTuple):
    """Who takes care of an issue: ``kind`` is ``user`` or ``role``."""

    kind: str
    id: UUID

    def shown(self) -> dict[str, str]:
        """Return it as the API shows it."""
        return {"type": self.kind, "id": str(self.id)}


def change(environment_id: int, issue_id: UUID, columns: Mapping[str, Any], *, seen: str | None = None) -> list[Effect]:
    """Give an issue other `COLUMNS`; return the effect, or nothing where all was so already.

    With ``seen``, only if the issue still has this status: others decide, and exceptions reopen, at the same time.
    Raises `IssueGone`.
    """

    def work() -> list[Effect]:
        rows = lock_issues(environment_id, [issue_id])
        if not rows:
            raise IssueGone
        return _write(rows, columns) if seen is None or rows[0].status == seen else []

    return settled(work)


def change_many(environment_id: int, issue_ids: Collection[UUID], columns: Mapping[str, Any]) -> list[Effect]:
    """Give all of the issues that are there other `COLUMNS`; return the effect on each that changes by it."""
    return settled(lambda: _write(lock_issues(environment_id, issue_ids), columns))


def _write(rows: list[Issue], columns: Mapping[str, Any]) -> list[Effect]:
    now, effects, changed = clock.now(), [], []
    for row in rows:
        differs = {name: value for name, value in columns.items() if getattr(row, name) != value}
        if not differs:
            continue
        effects.append(Effect(row.pk, {name: getattr(row, name) for name in differs}, differs))
        for name, value in differs.items():
            setattr(row, name, value)
        if "status" in differs:
            row.state_updated_at = now
        changed.append(row)
    if changed:
        own = Issue.objects.filter(environment_id=changed[0].environment_id)
        own.bulk_update(changed, [*columns, "state_updated_at"])
    return effects


def assignable(organization_id: UUID, assignee: Assignee) -> bool:
    """Return whether ``assignee`` is a member or a role of the organization."""
    if assignee.kind == "user":
        return Membership.objects.filter(organization_id=organization_id, user_id=assignee.id).exists()
    return Role.objects.filter(organization_id=organization_id, pk=assignee.id).exists()


def assign(environment_id: int, issue_id: UUID, assignee: Assignee | None) -> list[Effect]:
    """Assign an issue to a person or role (`assignable`), or to nobody; return the effect, nothing where it was so.

    Raises `IssueGone`, and `Refused` where the assignee has just been deleted.
    """

    def work() -> list[Effect]:
        rows = lock_issues(environment_id, [issue_id])
        if not rows:
            raise IssueGone
        return _assign(environment_id, rows, assignee)

    return settled(work)


def assign_many(environment_id: int, issue_ids: Collection[UUID], assignee: Assignee | None) -> list[Effect]:
    """Assign all of the issues that are there, as `assign` does one; return the effect on each that changes by it."""
    return settled(lambda: _assign(environment_id, lock_issues(environment_id, issue_ids), assignee))


def _assign(environment_id: int, rows: list[Issue], assignee: Assignee | None) -> list[Effect]:
    issues, now = [row.pk for row in rows], clock.now()
    own = IssueAssignment.objects.filter(environment_id=environment_id, issue_id__in=issues)
    known = {row.issue_id: row for row in own.order_by("issue_id").select_for_update(no_key=True)}
    after = assignee.shown() if assignee else None
    effects = []
    for issue in issues:
        before = _shown(known[issue]) if issue in known else None
        if before != after:
            effects.append(Effect(issue, {"assignee": before}, {"assignee": after}))
    changed = [effect.issue_id for effect in effects]
    own.filter(issue_id__in=changed).delete()
    if assignee:
        if not _lives(assignee):
            raise Refused(
                f"Assignee {assignee.kind} does not belong to this organization.", "invalid", ("assignee", "id")
            )
        columns: dict[str, Any] = {f"{assignee.kind}_id": assignee.id, "environment_id": environment_id}
        IssueAssignment.objects.bulk_create(
            IssueAssignment(issue_id=issue, created_at=now, **columns) for issue in changed
        )
    return effects


def _lives(assignee: Assignee) -> bool:
    """Return whether the person or role is there, and keep it from being deleted until the assignment is made."""
    kind = IssueAssignment._meta.get_field(assignee.kind).related_model
    rows: Any = kind._default_manager  # type: ignore[union-attr]
    return bool(rows.select_for_update(no_key=True).filter(pk=assignee.id).values_list("pk").first())


def _shown(row: IssueAssignment) -> dict[str, str]:
    kind = "user" if row.user_id is not None else "role"
    return {"type": kind, "id": str(row.user_id or row.role_id)}


def set_cohort(environment_id: int, issue_id: UUID, cohort_id: int | None) -> list[Effect]:
    """Link an issue to a cohort of the client's, or to none. Raises `IssueGone`."""

    def work() -> list[Effect]:
        if not lock_issues(environment_id, [issue_id]):
            raise IssueGone
        own = IssueCohort.objects.filter(environment_id=environment_id, issue_id=issue_id)
        before = own.values_list("cohort_id", flat=True).first()
        if before == cohort_id:
            return []
        own.delete()
        if cohort_id is not None:
            IssueCohort.objects.create(environment_id=environment_id, issue_id=issue_id, cohort_id=cohort_id)
        return [Effect(issue_id, {"cohort": before}, {"cohort": cohort_id})]

    return settled(work)
