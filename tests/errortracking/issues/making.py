"""Issues of real exceptions, which a worker has processed, for the tests of what people do with them."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID

from environments.api.audit import Actor
from environments.models import Project
from errortracking.models import (
    Event,
    Fingerprint,
    FingerprintStatistics,
    FingerprintUser,
    Issue,
    IssueStatistics,
)
from tests.errortracking.pipeline.making import NOON, entry, exception, send

ACTOR = Actor("01a201fd-0000-7000-8000-00000000000a", "key", "phx_...abcd", "ada@example.com")


def came(project: Project, name: str, *users: str, at: datetime = NOON) -> Issue:
    """Let an exception of the type ``name`` come to each of ``users``, a minute apart, and return its issue."""
    events = [
        entry(exception(name), distinct_id=user, timestamp=(at + timedelta(minutes=minute)).isoformat())
        for minute, user in enumerate(users)
    ]
    send(project, *events)
    event = Event.objects.filter(environment_id=project.pk).get(pk=events[-1]["uuid"])
    return Issue.objects.get(environment_id=project.pk, pk=_issue_of(project, event))


def _issue_of(project: Project, event: Event) -> UUID:
    assert event.fingerprint_id is not None
    return Fingerprint.objects.get(environment_id=project.pk, pk=event.fingerprint_id).issue_id


def numbers(issue: Issue) -> tuple[int, int, datetime, datetime] | None:
    """Return occurrences, users, first and last seen of an issue; ``None`` where it has no numbers."""
    row = IssueStatistics.objects.filter(environment_id=issue.environment_id, pk=issue.pk).first()
    return None if row is None else (row.occurrences, row.users, row.first_seen, row.last_seen)


def minute(number: int) -> datetime:
    """Return the moment so many minutes after noon."""
    return NOON + timedelta(minutes=number)


def texts(issue: Issue) -> list[str]:
    """Return the texts of an issue's fingerprints."""
    rows = Fingerprint.objects.filter(environment_id=issue.environment_id, issue_id=issue.pk)
    return sorted(rows.values_list("fingerprint", flat=True))


def names(project: Project) -> list[str]:
    """Return the names of the project's issues."""
    return sorted(issue.name or "" for issue in Issue.objects.filter(environment_id=project.pk))


def check(project: Project) -> None:
    """See that the numbers of all issues and fingerprints are what the stored events say, one by one."""
    events = list(Event.objects.filter(environment_id=project.pk, fingerprint_id__isnull=False))
    issues = Fingerprint.objects.filter(environment_id=project.pk).values_list("pk", "issue_id")
    issue_of: dict[UUID | None, UUID] = dict(issues)
    of_fingerprint = Counter(event.fingerprint_id for event in events)
    rows = FingerprintStatistics.objects.filter(environment_id=project.pk)
    assert {row.pk: row.occurrences for row in rows} == of_fingerprint
    expected: dict[UUID, tuple[int, int, datetime, datetime]] = {}
    for issue_id in {issue_of[event.fingerprint_id] for event in events}:
        mine = [event for event in events if issue_of[event.fingerprint_id] == issue_id]
        times = [event.timestamp for event in mine]
        expected[issue_id] = (len(mine), len({event.distinct_id for event in mine}), min(times), max(times))
    found = IssueStatistics.objects.filter(environment_id=project.pk)
    assert {row.pk: (row.occurrences, row.users, row.first_seen, row.last_seen) for row in found} == expected
    pairs = {(event.fingerprint_id, event.distinct_id) for event in events}
    assert FingerprintUser.objects.filter(environment_id=project.pk).count() == len(pairs)
