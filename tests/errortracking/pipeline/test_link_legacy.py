"""Exceptions of SDKs that used to send their lists the other way round keep their issues (pipeline 2.8, 2.9)."""

from __future__ import annotations

import pytest

from environments.models import Project
from errortracking.models import Event, Fingerprint, Issue, IssueStatistics, payload
from errortracking.pipeline.batch import Batch
from errortracking.pipeline.fingerprint import hashing
from errortracking.pipeline.group import group
from errortracking.pipeline.link import link_to_issues
from errortracking.pipeline.read import read_exceptions
from errortracking.pipeline.resolve import resolve_frames
from tests.errortracking.pipeline.making import NOON, batch, entry, exception, frame, outcomes, send


def issues(project: Project) -> list[Issue]:
    return list(Issue.objects.filter(environment_id=project.id).order_by("created_at", "id"))


def fingerprints(project: Project) -> list[Fingerprint]:
    return list(Fingerprint.objects.filter(environment_id=project.id).order_by("created_at", "id"))


def grouped(project: Project, *entries: object) -> Batch:
    events = batch(project, *entries)  # type: ignore[arg-type]
    for stage in (read_exceptions, resolve_frames, group):
        stage(events)
    return events


def go(version: str, *frames: dict[str, object]) -> payload.EventEntry:
    """Return an event of the Go SDK, which sent frames the other way round before 1.19.0."""
    properties = {"$lib": "posthog-go", "$lib_version": version}
    return entry(exception(frames=frames), properties=properties)


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


@pytest.mark.parametrize(
    ("decided", "status", "ended"),
    [("resolved", "active", {"stored": 2}), ("suppressed", "suppressed", {"stored": 1, "suppressed/issue": 1})],
)
def test_what_people_decided_on_an_issue_holds_for_who_is_recognised_by_a_legacy_fingerprint(
    project: Project, decided: str, status: str, ended: dict[str, int]
) -> None:
    send(project, go("1.19.0", frame("a"), frame("b")))
    Issue.objects.filter(environment_id=project.id).update(status=decided)
    send(project, go("1.0.0", frame("a"), frame("b")))

    (issue,) = issues(project)
    assert issue.status == status
    assert [fingerprint.issue_id for fingerprint in fingerprints(project)] == [issue.id, issue.id]
    assert outcomes(project) == ended


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
