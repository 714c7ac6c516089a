"""Rows and jobs of recommendations, and the issues, events and frames that they are computed from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from django.db import connection

from environments import clock
from environments.ids import uuid7
from environments.models import Project
from errortracking.models import Event, Fingerprint, FrameContent, Issue, IssueStatistics, Recommendation, StackFrame
from errortracking.models.partitions import ensure, utc_day
from errortracking.recommendations.tasks import compute_recommendation

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ALL_TYPES = ["alerts", "long_running_issues", "quiet_issues", "rate_limits", "source_maps"]
_numbers = count(1)


def ago(**length: float) -> datetime:
    """Return a moment before `NOW`."""
    return NOW - timedelta(**length)


def make_row(project: Project, type: str = "alerts", **fields: Any) -> Recommendation:
    """Make a row; it was made, and got its status, a day before `NOW`."""
    moments = dict.fromkeys(("created_at", "updated_at", "status_changed_at"), ago(days=1))
    # Not `create`, which is `save` and sets its own updated_at.
    return Recommendation.objects.bulk_create([Recommendation(environment=project, type=type, **moments | fields)])[0]


def rows(project: Project) -> dict[str, Recommendation]:
    """Return the project's rows by type."""
    return {row.type: row for row in Recommendation.objects.filter(environment_id=project.pk)}


def jobs(project: Project) -> list[dict[str, Any]]:
    """Return the arguments of the project's jobs, oldest first; they stay where no worker runs."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT args->>'row_id', args->>'claimed_at', args->>'environment_id' FROM procrastinate_jobs"
            " WHERE task_name = 'errortracking.recommendation' AND args->>'environment_id' = %s ORDER BY id",
            [str(project.pk)],
        )
        return [
            {"environment_id": int(environment), "row_id": row_id, "claimed_at": claimed_at}
            for row_id, claimed_at, environment in cursor.fetchall()
        ]


def started(project: Project) -> list[str]:
    """Return the types that the project's jobs compute, in the order in which they were asked for."""
    types = {str(row.pk): row.type for row in rows(project).values()}
    return [types[job["row_id"]] for job in jobs(project)]


def work(project: Project) -> None:
    """Do the project's jobs, as a worker does; those that were done before find nothing to do."""
    for job in jobs(project):
        compute_recommendation(**job)


def forget_jobs() -> None:
    """Delete all jobs: a test with real transactions leaves them, as Django does not know their table."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")


def make_issue(project: Project, name: str | None = "ValueError", **fields: Any) -> Issue:
    """Make an issue with one fingerprint; ``first_seen`` and ``last_seen`` go into its statistics."""
    first_seen, last_seen = fields.pop("first_seen", ago(days=30)), fields.pop("last_seen", NOW)
    issue = Issue.objects.create(environment=project, name=name, **fields)
    IssueStatistics.objects.create(
        environment=project, issue=issue, first_seen=first_seen, last_seen=last_seen, occurrences=1, users=1
    )
    make_fingerprint(issue)
    return issue


def make_fingerprint(issue: Issue) -> Fingerprint:
    """Give the issue one more fingerprint."""
    return Fingerprint.objects.create(
        environment_id=issue.environment_id,
        issue=issue,
        fingerprint=f"fingerprint-{next(_numbers)}",
        kind="v2",
        first_seen=NOW,
    )


def make_events(issue: Issue, moments: Iterable[datetime], received_at: datetime | None = None) -> None:
    """Store an event of each moment, received then unless told otherwise, under each fingerprint of the issue."""
    times = list(moments)
    ensure(utc_day(received_at or moment) for moment in times)
    Event.objects.bulk_create(
        Event(
            environment_id=issue.environment_id,
            id=uuid7(),
            received_at=received_at or moment,
            timestamp=moment,
            fingerprint=fingerprint,
            distinct_id="user-1",
            payload=b"",
        )
        for fingerprint in Fingerprint.objects.filter(environment_id=issue.environment_id, issue=issue)
        for moment in times
    )


def make_frames(project: Project, number: int, created_at: datetime = NOW, **content: Any) -> None:
    """Make so many frames of one content: javascript and resolved, unless ``contents`` or ``resolved`` say other."""
    start = next(_numbers)
    content = {"contents": {"lang": "javascript"}, "resolved": True} | content
    shared = FrameContent.objects.create(
        environment=project, hash=hashlib.sha256(str(start).encode()).digest(), **content
    )
    StackFrame.objects.bulk_create(
        StackFrame(environment=project, raw_id=f"{start}-{index}", content=shared, created_at=created_at)
        for index in range(number)
    )


def at(moment: datetime) -> Any:
    """Stop the clock."""
    return clock.stopped_at(moment)
