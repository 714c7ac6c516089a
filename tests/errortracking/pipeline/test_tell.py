"""Issues made, opened again and spiking are told, in the transaction of the batch."""

from __future__ import annotations

from datetime import timedelta

import pytest

from environments import clock
from environments.models import Project
from errortracking.models import Issue, partitions
from errortracking.pipeline import process
from notifications.models import Delivery
from tests.errortracking.pipeline.making import NOON, entry, exception, queue, send, turn
from tests.errortracking.pipeline.spiking import come, configure, fingerprint
from tests.notifications.making import deliveries, make_destination

LATER = NOON + timedelta(hours=5)


def told(project: Project) -> list[tuple[str, str, str | None]]:
    """Return event, title and severity of what was told, in order."""
    return [(row.event, row.title, row.message["severity"]) for row in deliveries(project)]


def test_a_new_issue_is_told_once(project: Project) -> None:
    make_destination(project)
    words = {"$issue_severity": "high"}
    with clock.stopped_at(LATER):
        send(project, entry(exception("ValueError", "no stock"), properties=words), received_at=NOON)
        send(project, entry(exception("ValueError", "no stock")), received_at=NOON)

    [message] = deliveries(project)
    issue = Issue.objects.get(environment_id=project.pk)
    assert (message.event, message.subject_id, message.title) == ("issue_created", issue.pk, "ValueError")
    fingerprint_ = message.message["properties"]["fingerprint"]
    assert len(fingerprint_) == 128
    assert message.message == {
        "summary": "no stock",
        "link": f"/admin/errortracking/issue/{issue.pk}/change/",
        "severity": "high",
        "kind": None,
        "properties": {"fingerprint": fingerprint_},
        "happened_at": "2026-11-22T12:00:00Z",
    }
    assert message.created_at == LATER


def test_an_issue_that_was_resolved_is_told_when_it_comes_back(project: Project) -> None:
    send(project, entry())
    make_destination(project)
    Issue.objects.filter(environment_id=project.pk).update(status="resolved", severity="low", name="Cart")
    send(project, entry(), entry())
    assert told(project) == [("issue_reopened", "Cart", "low")]


def test_an_issue_that_people_suppressed_is_not_told(project: Project) -> None:
    send(project, entry())
    make_destination(project)
    Issue.objects.filter(environment_id=project.pk).update(status="suppressed")
    send(project, entry())
    assert told(project) == []


def test_an_issue_without_a_name_is_untitled(project: Project) -> None:
    send(project, entry())
    make_destination(project)
    Issue.objects.filter(environment_id=project.pk).update(status="resolved", name=None, description=None)
    send(project, entry())
    assert told(project) == [("issue_reopened", "Untitled issue", None)]


def test_a_spike_is_told_with_its_numbers_and_not_again_while_it_is_snoozed(project: Project) -> None:
    partitions.ensure([NOON.date()])
    configure(project)
    make_destination(project)
    issue = Issue.objects.create(environment=project, name="KeyError", description="'price'", severity="critical")
    one = fingerprint(project, issue)
    come(project, (one, 1, NOON - timedelta(minutes=5)), (one, 2, NOON - timedelta(minutes=50)))
    come(project, (one, 20, NOON))
    come(project, (one, 20, NOON + timedelta(minutes=1)))

    [message] = deliveries(project)
    assert (message.event, message.subject_id, message.title) == ("issue_spiking", issue.pk, "KeyError")
    assert message.message == {
        "summary": "20 exceptions in five minutes, where 1.5 are usual.",
        "link": f"/admin/errortracking/issue/{issue.pk}/change/",
        "severity": "critical",
        "kind": None,
        "properties": {"description": "'price'", "computed_baseline": 1.5, "current_bucket_value": 20},
        "happened_at": "2026-11-22T12:00:00Z",
    }


def test_what_is_told_goes_with_a_batch_that_fails(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    make_destination(project)

    def failing(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(process, "STAGES", (*process.STAGES, failing))
    queue(project, entry())
    turn(project)
    assert not Delivery.objects.filter(environment_id=project.pk).exists()
    assert not Issue.objects.filter(environment_id=project.pk).exists()


def test_a_thousand_new_issues_are_a_bounded_number_of_messages(project: Project) -> None:
    make_destination(project, hourly_limit=7)
    send(project, *[entry(properties={"$exception_fingerprint": f"fp {number}"}) for number in range(1000)])
    assert Issue.objects.filter(environment_id=project.pk).count() == 1000
    assert len(deliveries(project)) == 7
