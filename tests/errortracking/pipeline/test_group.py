"""Which fingerprint an exception goes by: the newest that is known, else the newest (pipeline 2.8)."""

from __future__ import annotations

import pytest

from environments.models import Project
from errortracking.models import Fingerprint, Issue
from errortracking.pipeline.batch import Batch
from errortracking.pipeline.group import group
from errortracking.pipeline.read import read_exceptions
from errortracking.pipeline.resolve import resolve_frames
from tests.errortracking.pipeline.making import NOON, batch, entry, exception, frame, make_project

# A library that used to send its frames the wrong way round, so that legacy fingerprints exist.
OLD = {"$lib": "posthog-go", "$lib_version": "1.0.0"}


def grouped(project: Project, *entries: object) -> Batch:
    events = batch(project, *entries)  # type: ignore[arg-type]
    for stage in (read_exceptions, resolve_frames, group):
        stage(events)
    return events


def know(project: Project, value: str, kind: str) -> Fingerprint:
    issue = Issue.objects.create(environment_id=project.id)
    return Fingerprint.objects.create(
        environment_id=project.id, issue=issue, fingerprint=value, kind=kind, first_seen=NOON
    )


def candidates(project: Project, **options: object) -> dict[str | None, str]:
    """Return the fingerprints of one event by their version."""
    (event,) = grouped(project, entry(exception(frames=[frame("a"), frame("b")]), **options)).events  # type: ignore[arg-type]
    return {one.version: one.value for one in event.candidates}


def chosen(project: Project, **options: object) -> str | None:
    (event,) = grouped(project, entry(exception(frames=[frame("a"), frame("b")]), **options)).events  # type: ignore[arg-type]
    assert event.fingerprint is not None
    return event.fingerprint.version


def test_an_unknown_exception_goes_by_the_newest_version(project: Project) -> None:
    assert chosen(project) == "v2"


def test_an_older_version_that_belongs_to_an_issue_wins_over_a_newer_that_does_not(project: Project) -> None:
    know(project, candidates(project)["v1"], "v1")

    assert chosen(project) == "v1"


def test_of_several_known_versions_the_newest_wins(project: Project) -> None:
    know(project, candidates(project)["v1"], "v1")
    know(project, candidates(project)["v2"], "v2")

    assert chosen(project) == "v2"


@pytest.mark.parametrize("version", ["v1_legacy", "v2_legacy"])
def test_an_exception_is_recognised_by_how_its_sdk_used_to_send_it(project: Project, version: str) -> None:
    know(project, candidates(project, properties=OLD)[version], version)

    assert chosen(project, properties=OLD) == version


def test_what_another_project_knows_does_not_count(project: Project) -> None:
    know(make_project("other"), candidates(project)["v1"], "v1")

    assert chosen(project) == "v2"


def test_a_clients_own_fingerprint_is_the_only_candidate(project: Project) -> None:
    assert candidates(project, properties={"$exception_fingerprint": "checkout"}) == {None: "checkout"}


def test_an_exception_whose_list_cannot_be_read_has_no_fingerprint(project: Project) -> None:
    events = grouped(project, entry(properties={"$exception_list": []}))

    assert events.events[0].fingerprint is None
    assert events.known == {}


NEW = {"$lib": "posthog-go", "$lib_version": "1.19.0"}


def test_a_fingerprint_that_is_new_in_the_batch_is_known_to_the_next_event(project: Project) -> None:
    # Sent in the same order, but only the second is of a version whose order is turned round: its legacy fingerprint is
    # the first one's, and its own v2 is another.
    frames = [frame("a"), frame("b")]
    events = grouped(
        project, entry(exception(frames=frames), properties=NEW), entry(exception(frames=frames), properties=OLD)
    )

    first, second = (event.fingerprint for event in events.events)
    assert first
    assert second
    assert (first.version, second.version) == ("v2", "v2_legacy")
    assert first.value == second.value


def test_the_new_fingerprint_of_a_legacy_match_is_known_to_the_next_event_too(project: Project) -> None:
    # The second is recognised by its legacy order, and its own v2, of (b, a), will be added to the same issue. The
    # third's v1 is just that, for the frame of the library does not count; its v2 is nobody's.
    a, b = (frame(name, filename="cart.py") for name in "ab")
    library = frame("lib", filename="lib.py", in_app=False)
    events = grouped(
        project,
        entry(exception(frames=[a, b]), properties=NEW),
        entry(exception(frames=[a, b]), properties=OLD),
        entry(exception(frames=[b, a, library]), properties={"$lib": "web"}),
    ).events

    assert [event.fingerprint.version for event in events if event.fingerprint] == ["v2", "v2_legacy", "v1"]
    assert events[2].fingerprint
    assert events[2].fingerprint.value == events[1].candidates[0].value


def test_known_fingerprints_come_with_their_issue_and_its_status(project: Project) -> None:
    row = know(project, "checkout", "manual")

    known = grouped(project, entry(properties={"$exception_fingerprint": "checkout"})).known

    assert known == {"checkout": (row.id, row.issue_id, "active")}
