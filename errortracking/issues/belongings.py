"""What hangs on an issue that is merged into another, and goes along.

- *External references* and *spike events* all go to the target: it may have many of them, and they are its history now.
- An *assignment* and a *cohort* go to a target that has none; of several sources the first one named gives its own. The
  target's own word stands, and what does not go along is remembered for an undo.
- A *snooze* of spikes lasts until the latest of all: what has just been reported is not reported again because it was
  merged.
- The *rate-limit bucket*: the one of all that is emptiest now. A merge in the middle of a flood refills nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Model

from environments import clock
from environments.ids import uuid7
from errortracking.issues.recording import packed, unpacked
from errortracking.models import (
    ExternalReference,
    IssueAssignment,
    IssueCohort,
    RateLimitBucket,
    SpikeEvent,
    SpikeSnooze,
)

MANY: tuple[tuple[str, type[Model]], ...] = (("external_references", ExternalReference), ("spike_events", SpikeEvent))
ONE: tuple[tuple[str, type[Model]], ...] = (("assignment", IssueAssignment), ("cohort", IssueCohort))


def hand_over(environment_id: int, target: UUID, sources: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """Give ``target`` what hangs on ``sources``, which are deleted next; return for each source what it had."""
    had: dict[UUID, dict[str, Any]] = {source: {} for source in sources}
    for name, model in MANY:
        rows = model._default_manager.filter(environment_id=environment_id, issue_id__in=sources)
        for source, row in rows.values_list("issue_id", "pk"):
            had[source].setdefault(name, []).append(str(row))
        rows.update(issue_id=target)
    for name, model in ONE:
        _hand_over_one(environment_id, model, name, target, had)
    _hand_over_snooze(environment_id, target, had)
    _hand_over_bucket(environment_id, target, sources)
    return had


def _hand_over_one(
    environment_id: int, model: type[Model], name: str, target: UUID, had: dict[UUID, dict[str, Any]]
) -> None:
    rows: dict[UUID, Any] = _by_issue(model, environment_id, [target, *had])
    for source in had:
        if source in rows:
            had[source][name] = packed(rows[source])
            if target not in rows:
                rows[target] = rows[source]
                model._default_manager.filter(environment_id=environment_id, pk=rows[source].pk).update(issue_id=target)


def _hand_over_snooze(environment_id: int, target: UUID, had: dict[UUID, dict[str, Any]]) -> None:
    rows = _by_issue(SpikeSnooze, environment_id, [target, *had])
    for source in had:
        if source in rows:
            had[source]["snooze"] = packed(rows[source])
    if rows:
        latest = max(rows.values(), key=lambda row: row.snoozed_until)
        times = {"snoozed_at": latest.snoozed_at, "snoozed_until": latest.snoozed_until}
        SpikeSnooze.objects.update_or_create(environment_id=environment_id, issue_id=target, defaults=times)


def _hand_over_bucket(environment_id: int, target: UUID, sources: Sequence[UUID]) -> None:
    of_project = RateLimitBucket.objects.filter(environment_id=environment_id)
    rows = list(of_project.filter(pk__in=[target, *sources]).order_by("pk").select_for_update())
    if not rows:
        return
    now = clock.now()
    emptiest = min(rows, key=lambda row: _tokens(row, now))
    of_project.filter(pk__in=[row.pk for row in rows if row is not emptiest]).delete()
    of_project.filter(pk=emptiest.pk).update(id=target)


def _tokens(bucket: RateLimitBucket, now: datetime) -> float:
    """Return what a bucket holds ``now`` (pipeline 2.11); only to compare: what it admits is counted exactly."""
    seconds = max((now - bucket.at).total_seconds(), 0.0)
    return min(bucket.tokens + seconds * bucket.value / (60 * bucket.minutes), float(bucket.value))


def give_back(environment_id: int, target: UUID, source: UUID, had: dict[str, Any]) -> None:
    """Give ``source``, which is there again, what it had, as far as nobody has decided otherwise since.

    References and spikes that are still the target's go back. An assignment or cohort that the target has from the
    source, and that nobody has changed, goes back; one that did not go along is made again.
    """
    for name, model in MANY:
        still = model._default_manager.filter(environment_id=environment_id, pk__in=had.get(name, []), issue_id=target)
        still.update(issue_id=source)
    for name, model in ONE:
        if name in had:
            row: Any = unpacked(model, environment_id, had[name])
            mine = {field.attname: getattr(row, field.attname) for field in model._meta.concrete_fields}
            del mine["issue_id"]
            lent = model._default_manager.filter(issue_id=target, **mine)
            if not lent.update(issue_id=source) and _still_exists(row):
                row.id, row.issue_id = uuid7(), source  # under the old id the target may have another by now
                row.save(force_insert=True)
    if "snooze" in had:
        unpacked(SpikeSnooze, environment_id, had["snooze"]).save(force_insert=True)


def drop_spikes(environment_id: int, issue_id: UUID) -> list[dict[str, Any]]:
    """Delete the issue's spike events and return them: of which of its parts they were, nobody can say after a split.

    That a split deletes them is contract 7; that its undo brings them back, `restore_spikes`, is ours.
    """
    rows = SpikeEvent.objects.filter(environment_id=environment_id, issue_id=issue_id).order_by("id")
    dropped = [packed(row) for row in rows.select_for_update()]
    rows.order_by().delete()
    return dropped


def restore_spikes(environment_id: int, dropped: Iterable[dict[str, Any]]) -> None:
    """Make spike events again that `drop_spikes` deleted."""
    SpikeEvent.objects.bulk_create(unpacked(SpikeEvent, environment_id, row) for row in dropped)


def _still_exists(row: Any) -> bool:
    """Return whether the person or role of an assignment is there; what else there is refers to nobody."""
    if not isinstance(row, IssueAssignment):
        return True
    kind = "user" if row.user_id is not None else "role"
    people: Any = IssueAssignment._meta.get_field(kind).related_model
    return bool(people._default_manager.filter(pk=row.user_id or row.role_id).exists())


def _by_issue(model: type[Any], environment_id: int, issues: Collection[UUID] | Iterable[UUID]) -> dict[UUID, Any]:
    rows = model._default_manager.filter(environment_id=environment_id, issue_id__in=list(issues))
    return {row.issue_id: row for row in rows}
