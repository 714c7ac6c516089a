"""A symbol set that comes after the fact: the next event lands in the issue of those that came before it."""

from __future__ import annotations

import pytest

from environments.models import Project
from errortracking.models import (
    Event,
    Fingerprint,
    Issue,
    SymbolSet,
)
from errortracking.pipeline import lead, resolve_again
from tests.errortracking.pipeline.making import send, stored
from tests.errortracking.pipeline.mapping import contents_of, thrown, upload, web
from tests.errortracking.pipeline.resolving_again import TWO, WEB, again, issue_of, issues, parsing_ends, waits

__all__ = ["parsing_ends"]


def test_the_next_event_lands_in_the_issue_of_the_old_one(project: Project) -> None:
    old, new = thrown(*WEB), thrown(*WEB)
    send(project, old)
    upload(project, "chunk-1")
    again(project, "chunk-1")
    send(project, new)

    assert issues(project) == 1
    fingerprints = Fingerprint.objects.filter(environment_id=project.id).order_by("created_at", "id")
    assert [row.kind for row in fingerprints] == ["v2", "v2"]
    assert [row.first_seen for row in fingerprints] == [fingerprints[0].first_seen] * 2
    shown = stored(project, new["uuid"])["properties"]
    assert shown["$exception_functions"] == ["refund", "pay"]
    assert Event.objects.get(environment_id=project.id, id=new["uuid"]).fingerprint_id == fingerprints[1].id
    assert waits(project) == 0


def test_each_issue_that_the_frame_was_seen_in_learns_its_new_fingerprint(project: Project) -> None:
    shared = web(chunk_id="chunk-1")
    stacks = [[web(1000 + number, f"f{number}", filename="<anonymous>"), shared] for number in range(3)]
    old = [thrown(*stack) for stack in stacks]
    send(project, *old)
    assert issues(project) == 3
    upload(project, "chunk-1")
    again(project, "chunk-1")
    new = [thrown(*stack) for stack in stacks]
    send(project, *new)

    assert issues(project) == 3
    assert [issue_of(project, event) for event in new] == [issue_of(project, event) for event in old]


def test_pages_make_no_difference(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolve_again, "PAGE", 1)
    monkeypatch.setattr(lead, "PAGE", 1)
    stacks = [WEB, [*WEB, *WEB], [WEB[1]]]
    old = [thrown(*stack) for stack in stacks]
    send(project, *old)
    upload(project, "chunk-1")
    again(project, "chunk-1")
    new = [thrown(*stack) for stack in stacks]
    send(project, *new)

    assert issues(project) == 3
    assert [issue_of(project, event) for event in new] == [issue_of(project, event) for event in old]
    assert waits(project) == 0


def test_an_event_of_several_sets_is_led_along_with_each(project: Project) -> None:
    events = [thrown(*TWO) for _ in range(3)]
    send(project, events[0])
    upload(project, "chunk-1")
    again(project, "chunk-1")
    send(project, events[1])
    upload(project, "chunk-2")
    again(project, "chunk-2")
    send(project, events[2])

    assert issues(project) == 1
    assert stored(project, events[2]["uuid"])["properties"]["$exception_functions"] == ["refund", "pay"]
    assert waits(project) == 0


def test_an_issue_that_was_known_by_the_new_fingerprint_keeps_it(project: Project) -> None:
    upload(project, "chunk-2")
    readable = thrown(web(chunk_id="chunk-2", filename="https://shop.example/old.js"))
    unreadable = thrown(web(chunk_id="chunk-1"))
    send(project, readable, unreadable)
    assert issues(project) == 2
    upload(project, "chunk-1")
    again(project, "chunk-1")
    new = thrown(web(chunk_id="chunk-1"))
    send(project, new)

    assert issue_of(project, new) == issue_of(project, readable)
    assert issues(project) == 2


def test_the_new_fingerprint_goes_to_the_issue_where_the_old_one_is_now(project: Project) -> None:
    old = thrown(*WEB)
    send(project, old)
    target = Issue.objects.create(environment_id=project.id, name="merged")
    Fingerprint.objects.filter(environment_id=project.id).update(issue_id=target.id)
    upload(project, "chunk-1")
    again(project, "chunk-1")
    new = thrown(*WEB)
    send(project, new)

    assert issue_of(project, new) == target.id


def test_an_event_that_is_gone_is_passed_over(project: Project) -> None:
    send(project, thrown(*WEB))
    Event.objects.filter(environment_id=project.id).delete()
    upload(project, "chunk-1")
    again(project, "chunk-1")

    assert {one["resolved"] for one in contents_of(project).values()} == {True}
    assert (waits(project), Fingerprint.objects.filter(environment_id=project.id).count()) == (0, 1)


def test_doing_it_twice_does_no_harm(project: Project) -> None:
    send(project, thrown(*WEB))
    upload(project, "chunk-1")
    again(project, "chunk-1")
    before = list(Fingerprint.objects.filter(environment_id=project.id).values())
    again(project, "chunk-1")

    assert list(Fingerprint.objects.filter(environment_id=project.id).values()) == before


def test_ended_after_the_fingerprints_it_does_the_rest_the_next_time(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(project, thrown(*WEB))
    upload(project, "chunk-1")
    with monkeypatch.context() as patched:
        patched.setattr(resolve_again, "_write", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            again(project, "chunk-1")
    send(project, thrown(*WEB))  # still as before
    again(project, "chunk-1")
    send(project, thrown(*WEB))

    assert (issues(project), waits(project)) == (1, 0)
    assert {one["resolved"] for one in contents_of(project).values()} == {True}


def test_a_set_that_nobody_waits_for_costs_a_look(project: Project) -> None:
    again(project, "chunk-1")
    assert SymbolSet.objects.filter(environment_id=project.id).count() == 0
