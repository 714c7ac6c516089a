"""Merge: the fingerprints of some issues, and what hangs on them, go to another; later events follow by themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import F

from environments.api.audit import Actor
from errortracking.issues import belongings
from errortracking.issues.errors import IssueGone
from errortracking.issues.locking import Locked, lock, settled
from errortracking.issues.numbers import occurrences, recompute, sums
from errortracking.issues.recording import Effect, packed, remember
from errortracking.issues.successors import successor_of
from errortracking.models import Fingerprint, Issue, IssueOperation, IssueRedirect, OperationKind


@dataclass(frozen=True, slots=True)
class WouldMove:
    """What a merge takes along."""

    issues: int
    fingerprints: int
    occurrences: int
    users: int


@dataclass(frozen=True, slots=True)
class Merged:
    """A merge that was made; without an operation where all sources were part of the target already."""

    operation: IssueOperation | None
    effects: list[Effect]


def preview(environment_id: int, target: UUID, sources: Iterable[UUID]) -> WouldMove:
    """Return what `merge` would take along as things are now. Locks and changes nothing. Raises `IssueGone`."""
    wanted = _sources(target, sources)
    known = Issue.objects.filter(environment_id=environment_id, pk__in=[target, *wanted])
    there = set(known.values_list("pk", flat=True))
    if target not in there:
        raise IssueGone
    there.discard(target)
    if not there and not _are_part_of(environment_id, target, wanted):
        raise IssueGone
    moving = Fingerprint.objects.filter(environment_id=environment_id, issue_id__in=there)
    fingerprints = list(moving.values_list("pk", flat=True))
    return WouldMove(len(there), len(fingerprints), *sums(environment_id, fingerprints))


def merge(environment_id: int, target: UUID, sources: Iterable[UUID], actor: Actor) -> Merged:
    """Merge ``sources`` into ``target`` and remember it. Sources that are gone, and the target itself, are passed over.

    Raises `IssueGone` where the target is gone, or where nothing is left to merge; sources that are part of the target
    already are no reason for that: who asks twice gets the same answer twice.
    """
    wanted = _sources(target, sources)

    def work() -> Merged:
        locked = lock(environment_id, [target, *wanted])
        there = [source for source in wanted if source in locked.issues]
        if target not in locked.issues:
            raise IssueGone
        if not there:
            if _are_part_of(environment_id, target, wanted):
                return Merged(None, [])
            raise IssueGone
        record = {"sources": take_over(environment_id, locked, target, there)}
        operation = remember(environment_id, OperationKind.MERGE, target, actor, record)
        return Merged(operation, _effects(locked, target, there, operation))

    return settled(work)


def take_over(environment_id: int, locked: Locked, target: UUID, sources: Sequence[UUID]) -> list[dict[str, Any]]:
    """Make ``sources`` part of ``target``, all of them locked; return what there was of each, for an undo."""
    had = belongings.hand_over(environment_id, target, sources)
    record = []
    for source in sources:
        fingerprints = locked.of(source)
        row = packed(locked.issues[source])
        came = occurrences(environment_id, fingerprints)
        moved = {"issue": row, "fingerprints": [str(id_) for id_ in fingerprints], "occurrences": came}
        record.append(moved | had[source])
    move(environment_id, [id_ for source in sources for id_ in locked.of(source)], target)
    recompute(environment_id, [target])
    redirects = [IssueRedirect(environment_id=environment_id, id=source, successor_id=target) for source in sources]
    IssueRedirect.objects.bulk_create(redirects)
    # Last: the project's count of issues stays locked from here on, for whoever makes new ones.
    Issue.objects.filter(environment_id=environment_id, pk__in=sources).delete()
    return record


def move(environment_id: int, fingerprints: Iterable[UUID], issue_id: UUID) -> None:
    """Let fingerprints, locked by the caller, belong to another issue."""
    moving = Fingerprint.objects.filter(environment_id=environment_id, pk__in=list(fingerprints))
    moving.update(issue_id=issue_id, version=F("version") + 1)


def _sources(target: UUID, sources: Iterable[UUID]) -> list[UUID]:
    return [source for source in dict.fromkeys(sources) if source != target]


def _are_part_of(environment_id: int, target: UUID, sources: Iterable[UUID]) -> bool:
    return any(successor_of(environment_id, source) == target for source in sources)


def _effects(locked: Locked, target: UUID, sources: Sequence[UUID], operation: IssueOperation) -> list[Effect]:
    """Return what a record of changes tells: of the target alone, as the others are gone."""
    named = [{"id": str(source), "name": locked.issues[source].name} for source in sources]
    moved = sum(len(locked.of(source)) for source in sources)
    return [Effect(target, {}, {"operation": str(operation.pk), "merged": named, "fingerprints_moved": moved})]
