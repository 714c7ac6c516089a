"""Issues are found, made and opened again; what people suppressed is dropped (pipeline 2.9)."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from environments import clock
from environments.ids import uuid7
from environments.models import Project
from errortracking.models import Event, Fingerprint, Issue, IssueStatistics, StackFrame, payload
from errortracking.pipeline import link
from errortracking.pipeline.batch import Batch
from errortracking.pipeline.fingerprint import hashing
from errortracking.pipeline.group import group
from errortracking.pipeline.link import link_to_issues
from errortracking.pipeline.read import read_exceptions
from errortracking.pipeline.resolve import resolve_frames
from tests.errortracking.pipeline.making import (
    NOON,
    batch,
    entry,
    exception,
    frame,
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


def test_an_exception_recognised_by_a_legacy_fingerprint_adds_its_new_one_to_the_old_issue(project: Project) -> None:
    frames = [frame("a"), frame("b")]
    old = {"$lib": "posthog-go", "$lib_version": "1.0.0"}
    new = {"$lib": "posthog-go", "$lib_version": "1.19.0"}
    # What the old server made of the old library: an issue under the order in which it sent its frames.
    send(project, entry(exception(frames=frames), properties=new))
    send(project, entry(exception(frames=frames), properties=old))

    (issue,) = issues(project)
    kinds = {fingerprint.kind: fingerprint for fingerprint in fingerprints(project)}
    by_value = {fingerprint.fingerprint: fingerprint for fingerprint in fingerprints(project)}
    assert len(by_value) == 2
    assert all(fingerprint.issue_id == issue.id for fingerprint in by_value.values())
    # The event goes by the one it was recognised by; the next one of its kind by the new one.
    assert IssueStatistics.objects.get(environment_id=project.id).occurrences == 2
    send(project, entry(exception(frames=frames), properties=old))
    added = max(by_value.values(), key=lambda fingerprint: fingerprint.id)
    assert Event.objects.filter(environment_id=project.id, fingerprint_id=added.id).count() == 1
    assert set(kinds) == {"v2"}


def test_a_legacy_match_within_one_batch_leads_to_the_issue_made_in_it(project: Project) -> None:
    frames = [frame("a"), frame("b")]
    send(
        project,
        entry(exception(frames=frames), properties={"$lib": "posthog-go", "$lib_version": "1.19.0"}),
        entry(exception(frames=frames), properties={"$lib": "posthog-go", "$lib_version": "1.0.0"}),
        entry(exception(frames=frames[::-1]), properties={"$lib": "posthog-go", "$lib_version": "1.19.0"}),
    )

    assert len(issues(project)) == 1
    assert len(fingerprints(project)) == 2
    assert outcomes(project) == {"stored": 3}


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

    assert [issue.name for issue in issues(project)] == ["winner", "KeyError"]
    assert (events.events[0].issue_id, events.events[0].fingerprint_id) == (winner.id, theirs.id)
    assert [event.outcome for event in events.events] == ["suppressed", None]


def go(version: str, *frames: dict[str, object]) -> payload.EventEntry:
    """Return an event of the Go SDK, which sent frames the other way round before 1.19.0."""
    properties = {"$lib": "posthog-go", "$lib_version": version}
    return entry(exception(frames=frames), properties=properties)


@pytest.mark.parametrize(("status", "outcome"), [("active", None), ("suppressed", "suppressed")])
def test_a_twin_of_a_fingerprint_that_somebody_else_makes_first_joins_the_winners_issue(
    project: Project, status: str, outcome: str | None
) -> None:
    events = grouped(project, go("1.19.0", frame("a"), frame("b")), go("1.0.0", frame("a"), frame("b")))
    (made, twin) = events.events[0].candidates[0], events.events[1].candidates[0]
    assert events.events[1].fingerprint
    assert events.events[1].fingerprint.value == made.value != twin.value
    winner = Issue.objects.create(environment_id=project.id, name="winner", status=status)
    Fingerprint.objects.create(
        environment_id=project.id, issue=winner, fingerprint=made.value, kind="v2", first_seen=NOON
    )

    link_to_issues(events)

    assert [issue.name for issue in issues(project)] == ["winner"]
    assert {one.fingerprint: one.issue_id for one in fingerprints(project)} == {
        made.value: winner.id,
        twin.value: winner.id,
    }
    assert [event.issue_id for event in events.events] == [winner.id, winner.id]
    assert [event.outcome for event in events.events] == [outcome, outcome]
    assert events.known[twin.value].status == status


def test_a_twin_that_somebody_else_makes_first_stays_where_they_put_it(project: Project) -> None:
    send(project, go("1.19.0", frame("a"), frame("b")))
    events = grouped(project, go("1.0.0", frame("a"), frame("b")))
    (ours,) = issues(project)
    winner = Issue.objects.create(environment_id=project.id, name="winner")
    twin = Fingerprint.objects.create(
        environment_id=project.id,
        issue=winner,
        fingerprint=events.events[0].candidates[0].value,
        kind="v2",
        first_seen=NOON,
    )

    link_to_issues(events)

    assert len(issues(project)) == 2
    assert Fingerprint.objects.get(environment_id=project.id, id=twin.id).issue_id == winner.id
    assert events.events[0].issue_id == ours.id


def test_a_twin_of_a_twin_follows_it_to_the_winners_issue(project: Project) -> None:
    events = grouped(project, entry(), entry())
    oldest, older, newest = (hashing.Fingerprint(text, "v2_legacy", []) for text in ("oldest", "older", "newest"))
    for event, candidates in zip(events.events, [[older, oldest], [newest, older]], strict=True):
        event.candidates, event.fingerprint = candidates, candidates[1]
    winner = Issue.objects.create(environment_id=project.id, name="winner")
    Fingerprint.objects.create(environment_id=project.id, issue=winner, fingerprint="older", kind="v2", first_seen=NOON)
    events.known = {}

    link_to_issues(events)

    by_text = {one.fingerprint: one.issue_id for one in fingerprints(project)}
    assert by_text["newest"] == by_text["older"] == winner.id
    assert by_text["oldest"] not in (winner.id, None)
    assert len(issues(project)) == 2


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
