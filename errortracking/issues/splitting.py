"""Split: some fingerprints of an issue become issues of their own, one each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from environments import clock
from environments.api.audit import Actor
from environments.ids import uuid7
from environments.tenancy import sql
from errortracking.issues import belongings
from errortracking.issues.errors import IssueGone, Refused
from errortracking.issues.locking import Locked, lock, settled
from errortracking.issues.merging import move
from errortracking.issues.numbers import recompute
from errortracking.issues.recording import Effect, remember
from errortracking.models import Issue, IssueOperation, OperationKind, event_payload
from errortracking.models.issues import TEXT_LENGTH


class Part(NamedTuple):
    """A fingerprint that is to be an issue, by its text; name and description are found where none are given."""

    fingerprint: str
    name: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """A split that was made; the new issues in the order of what was asked for."""

    operation: IssueOperation
    new_issues: list[UUID]
    effects: list[Effect]


def split(environment_id: int, issue_id: UUID, parts: Sequence[Part], actor: Actor) -> Split:
    """Make an issue of each of ``parts`` and remember it.

    The new issues are active and nobody's. Assignment, references, snooze and status stay with the issue that was
    split; its spike events are deleted (contract 7). Raises `IssueGone`; `Refused` where one of the fingerprints is
    not the issue's, is named twice, or where the issue would keep none: nothing could ever come of it again.
    """

    def work() -> Split:
        locked = lock(environment_id, [issue_id])
        if issue_id not in locked.issues:
            raise IssueGone
        chosen = _chosen(locked, parts)
        texts = _texts(environment_id, [id_ for id_, part in zip(chosen, parts, strict=True) if part.name is None])
        now = clock.now()
        new = [
            _issue(locked.issues[issue_id], part, texts.get(id_), now) for id_, part in zip(chosen, parts, strict=True)
        ]
        Issue.objects.bulk_create(new)
        for fingerprint, issue in zip(chosen, new, strict=True):
            move(environment_id, [fingerprint], issue.pk)
        recompute(environment_id, [issue_id, *(issue.pk for issue in new)])
        pairs = [{"issue": str(issue.pk), "fingerprint": str(id_)} for id_, issue in zip(chosen, new, strict=True)]
        spikes = belongings.drop_spikes(environment_id, issue_id)
        record = {"parts": pairs, "spike_events": spikes}
        operation = remember(environment_id, OperationKind.SPLIT, issue_id, actor, record)
        return Split(operation, [issue.pk for issue in new], _effects(locked.issues[issue_id], new, operation))

    return settled(work)


def _chosen(locked: Locked, parts: Sequence[Part]) -> list[UUID]:
    """Return the ids of the fingerprints that become issues."""
    known = {row.fingerprint: row.pk for row in locked.fingerprints.values()}
    chosen: list[UUID] = []
    for index, part in enumerate(parts):
        place = ("fingerprints", index, "fingerprint")
        if part.fingerprint not in known:
            raise Refused("The issue has no such fingerprint (any more).", "does_not_exist", place)
        if known[part.fingerprint] in chosen:
            raise Refused("Named twice.", "duplicate", place)
        chosen.append(known[part.fingerprint])
    if len(chosen) == len(known):
        raise Refused("An issue keeps at least one fingerprint.", "last_fingerprint", ("fingerprints",))
    return chosen


def _issue(of: Issue, part: Part, latest: tuple[str, str] | None, now: datetime) -> Issue:
    """Return the new issue: as it is asked for, or as its latest exception says, or called as before."""
    name, description = latest or (of.name, of.description)
    return Issue(
        environment_id=of.environment_id,
        id=uuid7(),
        created_at=now,
        state_updated_at=now,
        name=part.name if part.name is not None else name,
        description=part.description if part.description is not None else description if part.name is None else None,
    )


_LATEST = """
    SELECT f.id, e.payload
    FROM errortracking_fingerprint f CROSS JOIN LATERAL (
        SELECT payload FROM errortracking_event
        WHERE environment_id = f.environment_id AND fingerprint_id = f.id
        ORDER BY timestamp DESC, id DESC LIMIT 1
    ) e
    WHERE f.environment_id = %(environment)s AND f.id = ANY(%(fingerprints)b::uuid[])
"""


def _texts(environment_id: int, fingerprints: Sequence[UUID]) -> Mapping[UUID, tuple[str, str]]:
    """Return type and message of the latest exception of each fingerprint of which an event is still there."""
    if not fingerprints:
        return {}
    with sql.cursor() as cursor:
        parameters = {"environment": environment_id, "fingerprints": sorted(fingerprints)}
        rows = cursor.execute(_LATEST, parameters).fetchall()
    found = {}
    for id_, packed in rows:
        try:
            first = event_payload.unpack(packed)["exceptions"][0]
        except (ValueError, IndexError):
            continue
        found[id_] = first["type"][:TEXT_LENGTH], first["value"][:TEXT_LENGTH]
    return found


def _effects(of: Issue, new: Sequence[Issue], operation: IssueOperation) -> list[Effect]:
    named = [{"id": str(issue.pk), "name": issue.name} for issue in new]
    whence = {"id": str(of.pk), "name": of.name}
    made = [Effect(issue.pk, None, {"name": issue.name, "split_from": whence}) for issue in new]
    return [Effect(of.pk, {}, {"operation": str(operation.pk), "split_into": named}), *made]
