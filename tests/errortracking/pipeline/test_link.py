"""Issues are found, made and opened again; what people suppressed is dropped (pipeline 2.9)."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from environments import clock
from environments.ids import uuid7
from environments.models import Project
from errortracking.models import Event, Fingerprint, Issue, IssueStatistics, StackFrame
from errortracking.pipeline import link
from errortracking.pipeline.batch import Batch
from errortracking.pipeline.group import group
from errortracking.pipeline.link import link_to_issues
from errortracking.pipeline.read import read_exceptions
from errortracking.pipeline.resolve import resolve_frames
from tests.errortracking.pipeline.making import (
    NOON,
    batch,
    entry,
    exception,
    make_project,
    outcomes,
    send,
)

LATER = NOON + timedelta(hours=5)


def issues(project: Project) -> list[Issue]:
    return list(Issue.objects.filter(environment_id=project.id).order_by("created_at", "id"))


def fingerprints(project: Project) -> list[Fingerprint]:
    return list(Fingerprint.objects.filter(environment_id=project.id).order_by("created_at", "id"))


def test_an_unknown_exception_makes_an_issue_and_its_fingerprint(project: Project) -> None:
    happened = NOON - timedelta(minutes=3)
    with clock.stopped_at(LATER):
        send(project, entry(exception("ValueError", "no stock"), timestamp=happened.isoformat()), received_at=LATER)

    (issue,) = issues(project)
    (fingerprint,) = fingerprints(project)
    assert (issue.name, issue.description, issue.status, issue.severity) == ("ValueError", "no stock", "active", None)
    assert issue.created_at == issue.state_updated_at == LATER
    assert (fingerprint.issue_id, fingerprint.kind, fingerprint.version) == (issue.id, "v2", 0)
    assert len(fingerprint.fingerprint) == 128
    assert (fingerprint.first_seen, fingerprint.created_at) == (happened, LATER)


def test_the_record_tells_what_the_fingerprint_was_made_of(project: Project) -> None:
    send(project, entry(exception()))

    (fingerprint,) = fingerprints(project)
    raw_id = StackFrame.objects.get(environment_id=project.id).raw_id
    first, second = fingerprint.record
    assert first["type"] == "exception"
    assert first["pieces"] == ["Exception Type"]
    assert second == {
        "type": "frame",
        "raw_id": f"{raw_id}/0",
        "pieces": ["Source file name", "Module name", "Resolved function name"],
    }


def test_an_issue_is_named_after_the_outermost_exception(project: Project) -> None:
    send(project, entry(exception("CheckoutFailed", "order 7"), exception("KeyError", "'price'")))

    assert [(issue.name, issue.description) for issue in issues(project)] == [("CheckoutFailed", "order 7")]


def test_a_clients_name_description_and_severity_go_first(project: Project) -> None:
    words = {"$issue_name": "Checkout", "$issue_description": "No money moves", "$issue_severity": "high"}
    send(project, entry(properties=words))

    (issue,) = issues(project)
    assert (issue.name, issue.description, issue.severity) == ("Checkout", "No money moves", "high")


def test_a_severity_that_does_not_exist_is_passed_over(project: Project) -> None:
    send(project, entry(properties={"$issue_severity": "apocalyptic"}))

    assert issues(project)[0].severity is None


def test_name_and_description_are_cut_to_255_bytes(project: Project) -> None:
    send(project, entry(exception("T" * 300, "é" * 200)))

    (issue,) = issues(project)
    assert issue.name == "T" * 252 + "..."
    assert issue.description == "é" * 126 + "..."  # 252 bytes are 126 characters of two


def test_the_same_exception_again_belongs_to_the_same_issue_in_one_batch_and_in_the_next(project: Project) -> None:
    send(project, entry(), entry())
    send(project, entry())

    (issue,) = issues(project)
    (fingerprint,) = fingerprints(project)
    assert fingerprint.issue_id == issue.id
    assert set(Event.objects.filter(environment_id=project.id).values_list("fingerprint_id", flat=True)) == {
        fingerprint.id
    }
    assert outcomes(project) == {"stored": 3}


def test_different_exceptions_make_different_issues(project: Project) -> None:
    send(project, entry(exception("ValueError")), entry(exception("KeyError")))

    assert sorted(issue.name or "" for issue in issues(project)) == ["KeyError", "ValueError"]


def test_the_same_exception_in_two_projects_makes_an_issue_in_each(project: Project) -> None:
    neighbour = make_project("neighbour")
    send(project, entry())
    send(neighbour, entry())

    assert len(issues(project)) == len(issues(neighbour)) == 1
    assert fingerprints(project)[0].fingerprint == fingerprints(neighbour)[0].fingerprint


@pytest.mark.parametrize("status", ["resolved", "archived", "pending_release"])
def test_an_issue_that_was_closed_is_opened_again(project: Project, status: str) -> None:
    with clock.stopped_at(NOON):
        send(project, entry())
    Issue.objects.filter(environment_id=project.id).update(status=status)
    with clock.stopped_at(LATER):
        send(project, entry())

    (issue,) = issues(project)
    assert (issue.status, issue.state_updated_at, issue.created_at) == ("active", LATER, NOON)
    assert outcomes(project) == {"stored": 2}


def test_an_active_issue_keeps_the_time_of_its_last_change(project: Project) -> None:
    with clock.stopped_at(NOON):
        send(project, entry())
    with clock.stopped_at(LATER):
        send(project, entry())

    assert issues(project)[0].state_updated_at == NOON


def test_an_exception_of_a_suppressed_issue_is_dropped_and_the_issue_stays_as_it_is(project: Project) -> None:
    with clock.stopped_at(NOON):
        send(project, entry())
    Issue.objects.filter(environment_id=project.id).update(status="suppressed")
    with clock.stopped_at(LATER):
        send(project, entry(), entry(exception("KeyError")))

    assert outcomes(project) == {"stored": 2, "suppressed/issue": 1}
    suppressed = issues(project)[0]
    assert (suppressed.status, suppressed.state_updated_at) == ("suppressed", NOON)
    assert IssueStatistics.objects.get(environment_id=project.id, issue=suppressed).occurrences == 1


@pytest.mark.parametrize(
    ("properties", "kind", "record"),
    [
        ({"$exception_fingerprint": "checkout"}, "manual", [{"type": "manual"}]),
    ],
)
def test_a_fingerprint_remembers_whose_word_it_was(
    project: Project, properties: dict[str, str], kind: str, record: object
) -> None:
    send(project, entry(properties=properties))

    (fingerprint,) = fingerprints(project)
    assert (fingerprint.fingerprint, fingerprint.kind, fingerprint.record) == ("checkout", kind, record)


def test_an_exception_whose_list_cannot_be_read_is_stored_without_an_issue(project: Project) -> None:
    send(project, entry(properties={"$exception_list": "nonsense"}))

    assert issues(project) == []
    assert Event.objects.get(environment_id=project.id).fingerprint_id is None
    assert outcomes(project) == {"stored": 1}


def grouped(project: Project, *entries: object) -> Batch:
    events = batch(project, *entries)  # type: ignore[arg-type]
    for stage in (read_exceptions, resolve_frames, group):
        stage(events)
    return events


def test_who_loses_the_race_for_a_fingerprint_takes_the_winners_issue_and_drops_its_own(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = grouped(project, entry(exception("ValueError")), entry(exception("KeyError")))
    lost = events.events[0].fingerprint
    assert lost
    # Somebody else, without the project's lock, commits the same fingerprint between the two stages.
    winner = Issue.objects.create(environment_id=project.id, name="winner", status="suppressed")
    theirs = Fingerprint.objects.create(
        environment_id=project.id, issue=winner, fingerprint=lost.value, kind="v2", first_seen=NOON
    )

    link_to_issues(events)

    assert {issue.name for issue in issues(project)} == {"winner", "KeyError"}
    assert (events.events[0].issue_id, events.events[0].fingerprint_id) == (winner.id, theirs.id)
    assert [event.outcome for event in events.events] == ["suppressed", None]


def test_an_issue_that_people_suppress_between_the_stages_is_not_opened(project: Project) -> None:
    send(project, entry())
    Issue.objects.filter(environment_id=project.id).update(status="resolved")
    events = grouped(project, entry())
    Issue.objects.filter(environment_id=project.id).update(status="suppressed")

    link_to_issues(events)

    assert issues(project)[0].status == "suppressed"


def test_statistics_start_with_the_first_event(project: Project) -> None:
    early, late = NOON - timedelta(days=2), NOON - timedelta(days=1)
    send(project, entry(timestamp=late.isoformat()), entry(timestamp=early.isoformat()))

    # The fingerprint remembers the event that brought it, the statistics the earliest.
    assert fingerprints(project)[0].first_seen == late
    assert IssueStatistics.objects.get(environment_id=project.id).first_seen == early


def test_ids_of_issues_are_of_the_time_they_were_made(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    moments: list[datetime | None] = []

    def spy(at: datetime | None = None) -> UUID:
        moments.append(at)
        return uuid7(at)

    monkeypatch.setattr(link, "uuid7", spy)
    with clock.stopped_at(LATER):
        send(project, entry())

    assert set(moments) == {LATER}
