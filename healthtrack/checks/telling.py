"""What a check's batch has begun and ended, as notices to whoever wants to be told (docs/alerts.md)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from healthtrack.checks.changes import Changed
from healthtrack.checks.describing import describe
from notifications.outbox import Notice, NoticeEvent, tell_projects


def tell(kind: str, firing: Iterable[Changed], resolved: Iterable[Changed], now: datetime) -> None:
    """Tell of the health issues that have begun (or become worse) and ended, in the caller's transaction.

    One that has become worse is told as firing once more: who wants to hear of critical ones only has not heard of it.
    Of one that somebody has dismissed nothing is told: they know, and do not care.
    """
    tell_projects(notices(kind, firing, resolved, now))


def notices(
    kind: str, firing: Iterable[Changed], resolved: Iterable[Changed], now: datetime
) -> Mapping[int, Sequence[Notice]]:
    """Return the notices of each project."""
    found: defaultdict[int, list[Notice]] = defaultdict(list)
    for event, changed in (
        (NoticeEvent.HEALTH_ISSUE_FIRING, firing),
        (NoticeEvent.HEALTH_ISSUE_RESOLVED, resolved),
    ):
        for one in changed:
            if not one.dismissed:
                found[one.environment_id].append(_notice(event, kind, one, now))
    return found


def _notice(event: NoticeEvent, kind: str, changed: Changed, now: datetime) -> Notice:
    told = describe(kind, changed.severity, changed.payload)
    return Notice(
        event,
        changed.id,
        title=told.title,
        summary=told.summary,
        link=told.link,
        happened_at=now,
        severity=changed.severity,
        kind=kind,
        properties={"payload": changed.payload},
    )
