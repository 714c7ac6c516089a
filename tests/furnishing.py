"""A project with something of everything that the API shows, for the tests that walk over all of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import UUID

from environments import clock
from environments.api.audit import Actor
from environments.ids import uuid7
from environments.models import Membership, Project, Role
from errortracking.issues.merging import merge
from errortracking.models import (
    AssignmentRule,
    BypassRule,
    ErrorTrackingSettings,
    Event,
    ExternalReference,
    Fingerprint,
    GroupingRule,
    Issue,
    IssueAssignment,
    Recommendation,
    SpikeDetectionConfig,
    SpikeEvent,
    SuppressionRule,
    event_payload,
    partitions,
)
from errortracking.models.event_payload import StoredEvent, StoredFrame
from errortracking.recommendations.registry import TYPES
from tests.errortracking.api.issuing import make_known
from tests.errortracking.api.making import CONTEXT, make_frame, make_release
from tests.errortracking.api.uploading import make_uploaded
from tests.healthtrack.api.making import make_issue as make_health_issue
from tests.healthtrack.api.making import make_resolved
from tests.notifications.making import make_delivery, make_destination

FILTERS = {"type": "AND", "values": [{"key": "$exception_types", "operator": "exact", "value": ["KeyError"]}]}
RULES = {
    "assignment_rule": AssignmentRule,
    "grouping_rule": GroupingRule,
    "suppression_rule": SuppressionRule,
    "bypass_rule": BypassRule,
}
MOMENT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def furnish(project: Project, count: int = 1) -> dict[str, list[str]]:
    """Make ``count`` of each kind, and return what paths, bodies and filters may call them, by kind."""
    found: dict[str, list[str]] = {
        name: []
        for name in ("release", "hash", "symbol_set", "frame", "raw_id", "issue", "spike_event", "health_issue")
    }
    ErrorTrackingSettings.objects.create(environment=project, project_rate_limit_value=77)
    SpikeDetectionConfig.objects.create(environment=project, threshold=77)
    recommendations = [
        Recommendation.objects.create(environment=project, type=name, computed_at=MOMENT, dismissed_at=MOMENT)
        for name in TYPES
    ]
    for number in range(count):
        release = make_release(project, metadata={"git": {"branch": "main"}} if number % 2 else None)
        symbol_set = make_uploaded(project, release=release)
        frame = make_frame(project, part=number, symbol_set=symbol_set if number % 2 == 0 else None, context=CONTEXT)
        issue = Issue.objects.create(environment=project, name="KeyError" if number % 2 else None)
        make_known(project, issue, release, number)
        spike = SpikeEvent.objects.create(
            environment=project, issue=issue, detected_at=MOMENT, computed_baseline=1.5, current_bucket_value=700
        )
        health_issue = (make_resolved if number % 5 == 4 else make_health_issue)(project)
        found["release"].append(str(release.id))
        found["hash"].append(release.hash_id)
        found["symbol_set"].append(str(symbol_set.id))
        found["frame"].append(str(frame.id))
        found["raw_id"].append(f"{frame.raw_id}/{frame.part}")
        found["issue"].append(str(issue.id))
        found["spike_event"].append(str(spike.id))
        found["health_issue"].append(str(health_issue.id))
    found["recommendation"] = [str(row.id) for row in recommendations]
    return (
        found
        | _furnish_deeds(project, found["issue"])
        | _furnish_rules(project, found["issue"])
        | {"event": _furnish_events(project, found["issue"])}
        | _furnish_alerts(project, found["issue"])
    )


def _furnish_rules(project: Project, issues: list[str]) -> dict[str, list[str]]:
    """Make a role, and a rule of each kind for each issue; grouping rules have made the issues."""
    found: dict[str, list[str]] = {name: [] for name in ("role", *RULES)}
    for number, issue in enumerate(issues):
        common = {"environment": project, "filters": FILTERS, "order_key": number}
        role = Role.objects.create(organization_id=project.organization_id, name=f"role {number}")
        found["role"].append(str(role.pk))
        if number < 2:  # one issue is a person's, the next the role's
            person = Membership.objects.filter(organization_id=project.organization_id).values_list("user_id").first()
            whom = {"role": role} if number == 1 else {"user_id": person[0]} if person else {}
            if whom:
                IssueAssignment.objects.create(environment=project, issue_id=issue, **whom)
        for name, model in RULES.items():
            own = {"role": role} if name in {"assignment_rule", "grouping_rule"} else {}
            off = {"message": "off", "props": {"host": 1}} if number % 3 == 2 else None
            rule = model._default_manager.create(**common, **own, disabled_data=off)
            found[name].append(str(rule.pk))
        made = f"custom-rule:{found['grouping_rule'][-1]}"
        Fingerprint.objects.create(environment=project, issue_id=issue, fingerprint=made, first_seen=MOMENT)
    return found


def _furnish_deeds(project: Project, issues: list[str]) -> dict[str, list[str]]:
    """Make what people do with issues: of each issue a reference and a merge; and issues that are yet to be merged."""
    kinds = ("external_reference", "merging", "operation", "fingerprint", "text")
    found: dict[str, list[str]] = {kind: [] for kind in kinds}
    actor = Actor(str(uuid7()), None, None, "ada@example.com")
    for issue in issues:
        gone = Issue.objects.create(environment=project, name="gone")
        fingerprint = Fingerprint.objects.create(
            environment=project, issue=gone, fingerprint=f"gone-{project.pk}-{issue}", kind="v2", first_seen=MOMENT
        )
        done = merge(project.pk, UUID(issue), [gone.pk], actor)
        assert done.operation is not None
        reference = ExternalReference.objects.create(
            environment=project, issue_id=issue, provider="github", external_context={"url": f"https://x.test/{issue}"}
        )
        found["fingerprint"].append(str(fingerprint.pk))
        found["text"].append(fingerprint.fingerprint)
        found["operation"].append(str(done.operation.pk))
        found["external_reference"].append(str(reference.pk))
        found["merging"].append(str(Issue.objects.create(environment=project, name="merging").pk))
    return found


def _furnish_alerts(project: Project, issues: list[str]) -> dict[str, list[str]]:
    """Make a destination for each issue, and a message to it."""
    found: dict[str, list[str]] = {"destination": [], "delivery": []}
    for issue in issues:
        destination = make_destination(project)
        found["destination"].append(str(destination.pk))
        found["delivery"].append(str(make_delivery(destination, subject_id=issue).pk))
    return found


def _furnish_events(project: Project, issues: list[str]) -> list[str]:
    """Make an event of each issue, with a frame whose content is not that of any other."""
    received_at = clock.now()
    partitions.ensure([partitions.utc_day(received_at)])
    found = []
    for number, issue in enumerate(issues):
        frame = make_frame(project, context=CONTEXT, resolved=number % 2 == 0)
        record = [
            {"type": "exception", "id": str(frame.id), "pieces": ["Exception Type"]},
            {"type": "frame", "raw_id": f"{frame.raw_id}/0", "pieces": ["Resolved function name"]},
        ]
        fingerprint = Fingerprint.objects.create(
            environment=project,
            issue_id=issue,
            fingerprint=f"{project.pk} {issue}",
            kind="v2",
            record=record,
            first_seen=MOMENT,
        )
        stack: list[StoredFrame] = [
            {"frame": str(frame.id), "content": str(frame.content_id), "code_variables": {"cart": [1, None]}}
        ]
        stored: StoredEvent = {
            "v": event_payload.VERSION,
            "exceptions": [{"id": str(frame.id), "type": "KeyError", "value": "'x'", "frames": stack}],
            "properties": {"$exception_release": {"project": "web", "version": "1", "timestamp": "2026-03-01"}},
        }
        event = Event.objects.create(
            environment=project,
            received_at=received_at,
            timestamp=MOMENT,
            fingerprint=fingerprint,
            distinct_id="ann",
            payload=event_payload.pack(stored),
        )
        found.append(str(event.id))
    return found


def furnish_as_json(project_id: int, count: int) -> None:
    """Do it in another process, such as ``manage.py shell``, and print the names as a line of JSON."""
    print(json.dumps(furnish(Project.objects.get(pk=project_id), count)))
