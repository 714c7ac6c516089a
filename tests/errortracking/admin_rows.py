"""A row of each table of error tracking that the admin shows, for the tests of the admin."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from django.db.models import Model

from environments.models import Project, User
from errortracking.models import (
    AssignmentRule,
    BypassRule,
    ErrorTrackingSettings,
    Event,
    EventCount,
    ExternalReference,
    Fingerprint,
    FingerprintStatistics,
    FingerprintText,
    FrameContent,
    GroupingRule,
    Issue,
    IssueAssignment,
    IssueCohort,
    IssueOperation,
    IssueRedirect,
    IssueStatistics,
    OutcomeCount,
    QueuedRequest,
    RateLimitBucket,
    Recommendation,
    Release,
    SetAsideEvent,
    SpikeDetectionConfig,
    SpikeEvent,
    SpikeSnooze,
    StackFrame,
    SuppressionRule,
    SymbolSet,
    event_payload,
    partitions,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECRET = "s3cr3t-of-a-payload"


def make_rows(project: Project, user: User) -> dict[type[Model], Model]:
    """Make one row of every table that can be shown."""
    partitions.ensure([NOW.date()])
    issue = Issue.objects.create(environment=project, name="<script>alert(1)</script>")
    fingerprint = Fingerprint.objects.create(
        environment=project, issue=issue, fingerprint="f" * 128, kind="v2", first_seen=NOW
    )
    content = FrameContent.objects.create(
        environment=project, hash=b"h" * 32, contents={"mangled_name": "<script>pay"}, resolved=True
    )
    seen = {"environment": project, "first_seen": NOW, "last_seen": NOW, "occurrences": 3}
    packed = event_payload.pack({"v": event_payload.VERSION, "exceptions": [], "properties": {"x": SECRET}})
    url = f"https://ci:{SECRET}@example.com/shop.git"
    made: list[Model] = [
        issue,
        fingerprint,
        content,
        FingerprintStatistics.objects.create(fingerprint=fingerprint, **seen),
        FingerprintText.objects.create(environment=project, fingerprint=fingerprint, text="TypeError\ncart.py"),
        IssueStatistics.objects.create(issue=issue, users=2, **seen),
        StackFrame.objects.create(environment=project, raw_id="raw-1", content=content),
        Event.objects.create(
            environment=project,
            received_at=NOW,
            timestamp=NOW,
            fingerprint=fingerprint,
            distinct_id="ann",
            payload=packed,
        ),
        Release.objects.create(
            environment=project, hash_id="1", version="1.0", project="shop", metadata={"git": {"remote_url": url}}
        ),
        SymbolSet.objects.create(environment=project, ref="chunk-1", storage_ptr=SECRET),
        IssueAssignment.objects.create(environment=project, issue=issue, user=user),
        IssueCohort.objects.create(environment=project, issue=issue, cohort_id=7),
        ExternalReference.objects.create(environment=project, issue=issue, provider="github"),
        AssignmentRule.objects.create(environment=project, user=user),
        GroupingRule.objects.create(environment=project),
        BypassRule.objects.create(environment=project),
        SuppressionRule.objects.create(environment=project),
        SpikeEvent.objects.create(environment=project, issue=issue, computed_baseline=1.5, current_bucket_value=900),
        SpikeSnooze.objects.create(environment=project, issue=issue, snoozed_at=NOW, snoozed_until=NOW),
        IssueOperation.objects.create(environment=project, kind="merge", issue_id=issue.id, record={"sources": []}),
        IssueRedirect.objects.create(environment=project, successor_id=issue.id),
        Recommendation.objects.create(environment=project, type="alerts"),
        OutcomeCount.objects.create(environment=project, day=NOW.date(), outcome="stored", count=3),
        EventCount.objects.create(environment=project, day=NOW.date(), event="$pageview", count=3),
        QueuedRequest.objects.create(environment=project, received_at=NOW, events=1, bytes=1, payload=SECRET.encode()),
        SetAsideEvent.objects.create(
            environment=project,
            event_uuid=UUID(int=7),
            received_at=NOW,
            reason="broken",
            payload=SECRET.encode(),
        ),
        RateLimitBucket.objects.create(
            environment=project, id=issue.id, at=NOW, tokens=3, fraction=5, value=9, minutes=60, version=1
        ),
        ErrorTrackingSettings.objects.create(environment=project, project_rate_limit_value=100),
        SpikeDetectionConfig.objects.create(environment=project),
    ]
    return {type(row): row for row in made}
