"""Undo of merges and splits, as long as what they moved is still where they moved it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from environments import clock
from environments.api.audit import Actor
from errortracking.issues import belongings
from errortracking.issues.errors import IssueGone, Refused
from errortracking.issues.locking import Locked, lock, settled
from errortracking.issues.merging import move, take_over
from errortracking.issues.numbers import occurrences, recompute
from errortracking.issues.recording import Effect, unpacked
from errortracking.models import Issue, IssueOperation, IssueRedirect, IssueStatus, OperationKind

_STAYS = (IssueStatus.ACTIVE, IssueStatus.SUPPRESSED)
"""Statuses that an exception leaves alone; any other becomes active again (pipeline 2.9)."""


@dataclass(frozen=True, slots=True)
class Undone:
    """An undo that was made, and the issues that came back by it (merge) or went (split)."""

    operation: IssueOperation
    issues: list[UUID]
    effects: list[Effect]


def undo(environment_id: int, issue_id: UUID, actor: Actor, operation_id: UUID | None = None) -> Undone:
    """Undo an operation of the issue, the latest that has not been undone unless ``operation_id`` says which.

    Raises `IssueGone`; `Refused` where there is nothing to undo, and where it cannot be undone any more.
    """

    def work() -> Undone:
        if not Issue.objects.filter(environment_id=environment_id, pk=issue_id).exists():
            raise IssueGone
        operation = _find(environment_id, issue_id, operation_id)
        undone = _undo_merge(operation) if operation.kind == OperationKind.MERGE else _undo_split(operation)
        operation.undone_at, operation.undone_by = clock.now(), UUID(actor.user_id)
        operation.save(update_fields=["undone_at", "undone_by"])
        return undone

    return settled(work)


def _find(environment_id: int, issue_id: UUID, operation_id: UUID | None) -> IssueOperation:
    """Return the operation, locked, so that nobody else undoes it at the same time."""
    of_issue = IssueOperation.objects.filter(environment_id=environment_id, issue_id=issue_id)
    undoable = of_issue.exclude(kind=OperationKind.REOPEN).order_by("-created_at", "-id").select_for_update()
    if operation_id is None:
        found = undoable.filter(undone_at=None).first()
        if found is None:
            raise Refused("The issue has no merge or split that could be undone.", "nothing_to_undo")
        return found
    found = undoable.filter(pk=operation_id).first()
    if found is None:
        raise Refused("The issue has no such merge or split.", "does_not_exist", ("operation",))
    if found.undone_at is not None:
        raise Refused("It has been undone already.", "already_undone", ("operation",))
    return found


def _refuse(reason: str) -> Refused:
    return Refused(f"It cannot be undone any more: {reason}", "cannot_be_undone")


def _lock(environment_id: int, issues: list[UUID]) -> Locked:
    locked = lock(environment_id, issues)
    if issues[0] not in locked.issues:
        raise IssueGone
    return locked


def _undo_merge(operation: IssueOperation) -> Undone:
    """Let the merged issues be there again, with the ids, fingerprints and belongings that they had."""
    environment_id, target = operation.environment_id, operation.issue_id
    sources = operation.record["sources"]
    ids = [UUID(source["issue"]["id"]) for source in sources]
    locked = _lock(environment_id, [target, *ids])
    if any(id_ in locked.issues for id_ in ids):
        raise _refuse("an issue that was merged is there again.")
    mine = set(locked.of(target))
    moved = [{UUID(text) for text in source["fingerprints"]} for source in sources]
    if any(not fingerprints <= mine for fingerprints in moved):
        raise _refuse("fingerprints have moved to other issues since.")
    IssueRedirect.objects.filter(environment_id=environment_id, pk__in=ids).delete()
    for source, id_, fingerprints in zip(sources, ids, moved, strict=True):
        _restored(environment_id, source, fingerprints).save(force_insert=True)
        move(environment_id, fingerprints, id_)
        belongings.give_back(environment_id, target, id_, source)
    recompute(environment_id, [target, *ids])
    named = [{"id": str(id_), "name": source["issue"]["name"]} for id_, source in zip(ids, sources, strict=True)]
    return Undone(operation, ids, [Effect(target, {"merged": named}, {"operation": str(operation.pk)})])


def _restored(environment_id: int, source: dict[str, Any], fingerprints: set[UUID]) -> Issue:
    """Return the issue's row as it was; active where exceptions of it have come since, as they would have opened it."""
    issue: Issue = unpacked(Issue, environment_id, source["issue"])
    if issue.status not in _STAYS and occurrences(environment_id, fingerprints) > source["occurrences"]:
        issue.status, issue.state_updated_at = IssueStatus.ACTIVE, clock.now()
    return issue


def _undo_split(operation: IssueOperation) -> Undone:
    """Take the issues that were made by the split back into the one that was split, with what hangs on them by now."""
    environment_id, issue_id = operation.environment_id, operation.issue_id
    parts = operation.record["parts"]
    ids = [UUID(part["issue"]) for part in parts]
    locked = _lock(environment_id, [issue_id, *ids])
    _refuse_later_operations(environment_id, ids)
    for part, id_ in zip(parts, ids, strict=True):
        if id_ not in locked.issues:
            raise _refuse("an issue that was made by the split has been merged since.")
        if UUID(part["fingerprint"]) not in locked.of(id_):
            raise _refuse("fingerprints have moved to other issues since.")
    take_over(environment_id, locked, issue_id, ids)
    belongings.restore_spikes(environment_id, operation.record.get("spike_events", ()))
    named = [{"id": str(id_), "name": locked.issues[id_].name} for id_ in ids]
    return Undone(operation, ids, [Effect(issue_id, {"split_into": named}, {"operation": str(operation.pk)})])


def _refuse_later_operations(environment_id: int, issues: list[UUID]) -> None:
    """Refuse where one of the issues has been merged into, or split, itself: that would have to be undone first."""
    of_issues = IssueOperation.objects.filter(environment_id=environment_id, issue_id__in=issues, undone_at=None)
    if of_issues.exclude(kind=OperationKind.REOPEN).exists():
        raise _refuse("an issue that was made by the split has been merged or split itself. Undo that first.")
