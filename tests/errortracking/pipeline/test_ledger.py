"""An exception that is sent again has no effect; within one batch or after any time below the ledger's horizon."""

from __future__ import annotations

from datetime import timedelta

from environments.models import Project
from errortracking.models import Event, EventLedger, Issue, IssueStatistics, IssueStatus, Outcome
from errortracking.pipeline.ledger import drop_duplicates
from tests.errortracking.pipeline.making import NOON, batch, entry, exception, make_project, other, outcomes, send, uuid


def test_the_first_of_two_equal_uuids_in_a_batch_goes_on_and_the_second_is_a_duplicate(project: Project) -> None:
    events = batch(project, entry(uuid=uuid(1), distinct_id="first"), entry(uuid=uuid(1), distinct_id="second"))

    drop_duplicates(events)

    assert [event.entry["distinct_id"] for event in events.live] == ["first"]
    assert [event.outcome for event in events.events] == [None, Outcome.DUPLICATE]


def test_a_uuid_that_was_accepted_before_is_a_duplicate_also_days_later(project: Project) -> None:
    send(project, entry(uuid=uuid(1)))
    send(project, entry(uuid=uuid(1)), entry(uuid=uuid(2)), received_at=NOON + timedelta(days=29))

    assert outcomes(project) == {"stored": 2, "duplicate": 1}
    assert Event.objects.filter(environment_id=project.id).count() == 2


def test_a_duplicate_is_not_counted_and_does_not_reopen_its_issue(project: Project) -> None:
    send(project, entry(uuid=uuid(1)))
    issue = Issue.objects.get(environment_id=project.id)
    issue.status = IssueStatus.RESOLVED
    issue.save()

    send(project, entry(uuid=uuid(1)))

    issue.refresh_from_db()
    assert issue.status == "resolved"
    assert IssueStatistics.objects.get(environment_id=project.id).occurrences == 1


def test_the_same_uuid_in_another_project_is_another_event(project: Project) -> None:
    neighbour = make_project("neighbour")
    send(project, entry(uuid=uuid(1)))
    send(neighbour, entry(uuid=uuid(1)))

    assert outcomes(project) == outcomes(neighbour) == {"stored": 1}


def test_the_ledger_remembers_when_an_exception_was_received(project: Project) -> None:
    send(project, entry(uuid=uuid(7)), received_at=NOON + timedelta(hours=1))

    row = EventLedger.objects.get(environment_id=project.id)
    assert (str(row.uuid), row.received_at) == (uuid(7), NOON + timedelta(hours=1))


def test_events_that_are_only_counted_do_not_enter_the_ledger(project: Project) -> None:
    send(project, other(uuid=uuid(1)), other(uuid=uuid(1)))

    assert not EventLedger.objects.filter(environment_id=project.id).exists()
    assert outcomes(project) == {"counted": 2}


def test_an_exception_whose_list_cannot_be_read_is_in_the_ledger_as_well(project: Project) -> None:
    broken = entry(exception(), uuid=uuid(1), properties={"$exception_list": "nonsense"})
    send(project, broken)
    send(project, broken)

    assert outcomes(project) == {"stored": 1, "duplicate": 1}
