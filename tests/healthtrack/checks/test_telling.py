"""Health issues that begin and end are told, with the words of their check; dismissed ones are not."""

from __future__ import annotations

from datetime import timedelta

from environments.models import Project
from healthtrack.checks import recording
from healthtrack.checks.base import Finding
from healthtrack.checks.registry import CHECKS
from healthtrack.models import HealthIssue, HealthSeverity
from tests.environments.world import statements
from tests.errortracking.pipeline.making import make_project
from tests.notifications.making import NOON, deliveries, make_destination

CHECK = CHECKS["set_aside_events"]
PAYLOAD = {"reason": "7 events were set aside", "count": 7}
FOUND = [Finding(HealthSeverity.CRITICAL, PAYLOAD)]


def record(*projects: Project, found: bool = True, minutes: int = 0) -> None:
    ids = [project.pk for project in projects]
    findings = dict.fromkeys(ids, FOUND) if found else {}
    recording.record(CHECK, ids, findings, NOON + timedelta(minutes=minutes))


def test_an_issue_is_told_when_it_begins_and_when_it_ends_and_not_between(db: None) -> None:
    project = make_project()
    make_destination(project)
    record(project)
    record(project, minutes=1)
    record(project, found=False, minutes=2)
    record(project, found=False, minutes=3)

    firing, resolved = deliveries(project)
    issue = HealthIssue.objects.get(environment_id=project.pk)
    assert (firing.event, resolved.event) == ("health_issue_firing", "health_issue_resolved")
    assert firing.subject_id == resolved.subject_id == issue.pk
    assert firing.title == CHECK.title_of(PAYLOAD)
    assert firing.message == {
        "summary": CHECK.summary_of(PAYLOAD, "critical"),
        "link": CHECK.link,
        "severity": "critical",
        "kind": "set_aside_events",
        "properties": {"payload": PAYLOAD},
        "happened_at": "2026-11-22T12:00:00Z",
    }
    assert resolved.message["happened_at"] == "2026-11-22T12:02:00Z"


def test_an_issue_that_becomes_worse_is_told_once_more_and_one_that_becomes_milder_is_not(db: None) -> None:
    project = make_project()
    make_destination(project, severities=["critical"])
    ids = [project.pk]
    for minute, severity in enumerate(("warning", "critical", "critical", "warning", "critical")):
        found = {project.pk: [Finding(HealthSeverity(severity), PAYLOAD)]}
        changes = recording.record(CHECK, ids, found, NOON + timedelta(minutes=minute))
        assert [one.severity for one in changes.worse] == (["critical"] if minute in (1, 4) else [])
    first, second = deliveries(project)
    assert (first.event, first.message["happened_at"]) == ("health_issue_firing", "2026-11-22T12:01:00Z")
    assert (second.event, second.message["happened_at"]) == ("health_issue_firing", "2026-11-22T12:04:00Z")
    assert first.subject_id == second.subject_id


def test_the_end_of_a_dismissed_issue_is_not_told(db: None) -> None:
    project = make_project()
    make_destination(project)
    record(project)
    HealthIssue.objects.filter(environment_id=project.pk).update(dismissed=True)
    record(project, found=False, minutes=1)
    assert [row.event for row in deliveries(project)] == ["health_issue_firing"]


def test_a_recurrence_is_told_as_another_issue(db: None) -> None:
    project = make_project()
    make_destination(project, events=["health_issue_firing"])
    for minute, found in enumerate((True, False, True)):
        record(project, found=found, minutes=minute)
    first, second = deliveries(project)
    assert first.subject_id != second.subject_id


def test_each_project_is_told_of_its_own_by_one_look_up(db: None) -> None:
    mine, other, deaf = make_project(), make_project(), make_project()
    for project in (mine, other):
        make_destination(project)
    with statements() as sent:
        record(mine, other, deaf)
    assert len([text for text in sent if "notifications_" in text]) == 2  # who wants to be told, and the messages
    for project in (mine, other):
        [message] = deliveries(project)
        assert message.subject_id == HealthIssue.objects.get(environment_id=project.pk).pk
    assert deliveries(deaf) == []
