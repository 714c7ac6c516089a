"""Issues with all that hangs on them, for the tests that list and read them."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from environments.ids import uuid7
from environments.models import Project
from errortracking.models import (
    Fingerprint,
    FingerprintRelease,
    FingerprintSDK,
    FingerprintText,
    Issue,
    IssueStatistics,
    Release,
)
from tests.environments.world import Api, answer

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
_minutes = itertools.count()


def at(minutes: float) -> datetime:
    """Return a moment so many minutes after noon."""
    return NOON + timedelta(minutes=minutes)


def make_issue(project: Project, name: str | None = "TypeError", **fields: Any) -> Issue:
    """Make an issue with a fingerprint, without statistics and texts. Its id is later than that of the one before."""
    fields = {"id": uuid7(at(next(_minutes))), "name": name, "created_at": NOON} | fields
    issue = Issue.objects.create(environment=project, **fields)
    make_fingerprint(project, issue)
    return issue


def make_fingerprint(project: Project, issue: Issue, text: str = "", **fields: Any) -> Fingerprint:
    """Make a fingerprint of an issue, found by ``text``."""
    number = Fingerprint.objects.filter(environment_id=project.pk).count()
    row = Fingerprint.objects.create(
        environment=project, issue=issue, first_seen=NOON, **{"fingerprint": f"fingerprint {number}"} | fields
    )
    if text:
        FingerprintText.objects.create(environment=project, fingerprint=row, text=text)
    return row


def count(
    project: Project, issue: Issue, first: float = 0, last: float = 0, occurrences: int = 1, users: int = 1
) -> None:
    """Make the statistics of an issue; times are minutes after noon."""
    IssueStatistics.objects.create(
        environment=project, issue=issue, first_seen=at(first), last_seen=at(last), occurrences=occurrences, users=users
    )


def seen(project: Project, fingerprint: Fingerprint, release: Release | None = None, sdk: str = "") -> None:
    """Let a fingerprint be known by a release or an SDK."""
    if release:
        FingerprintRelease.objects.create(environment=project, fingerprint=fingerprint, release=release)
    if sdk:
        FingerprintSDK.objects.create(environment=project, fingerprint=fingerprint, sdk=sdk)


def names(issues: Api, query: str = "") -> list[str]:
    """Return the names of the issues that are listed: tests call issues by them."""
    status, body = answer(issues.get(query and f"?{query}"))
    assert status == 200, body
    assert body["count"] == len(body["results"])
    return [issue["name"] for issue in body["results"]]


def make_known(project: Project, issue: Issue, release: Release, number: int) -> None:
    """Give an issue all that lists can be filtered and sorted by; two of three have statistics."""
    row = make_fingerprint(
        project, issue, f"KeyError\nshop/cart.py\nCart.pay {number}", fingerprint=f"known {issue.pk}"
    )
    seen(project, row, release, ("web", "posthog-python")[number % 2])
    if number % 3:
        count(project, issue, first=-number, last=number, occurrences=number, users=1)
