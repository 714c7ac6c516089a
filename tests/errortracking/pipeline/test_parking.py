"""The first events of an unknown script wait until its source map has been fetched, forty seconds at most."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from environments import clock
from environments.models import Project
from errortracking.models import Event, QueuedRequest, StackFrame, partitions
from errortracking.pipeline import lease, park
from errortracking.pipeline.alone.row import process_row
from errortracking.symbols import bringing, parser, records, wishes
from errortracking.symbols.failures import Failure
from errortracking.symbols.fetching import Fetched
from tests.errortracking.pipeline.making import NOON, entry, make_project, queue, stored, turn
from tests.errortracking.pipeline.mapping import (
    CALLED,
    SCRIPT,
    URL,
    answers,
    contents_of,
    jobs,
    source_map,
    thrown,
    upload,
    web,
)

OTHER = "https://shop.example/assets/vendor.js"


@pytest.fixture(autouse=True)
def fetching_is_on(settings: Any) -> Iterator[None]:
    settings.FETCH_SOURCE_MAPS = True
    yield
    parser.close()


def queued(project: Project) -> list[str]:
    """Return the scripts that are going to be fetched."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT args->>'url' FROM procrastinate_jobs WHERE task_name = %s", [wishes.FETCH])
        return sorted(url for (url,) in cursor.fetchall())


def rows(project: Project) -> list[QueuedRequest]:
    return list(QueuedRequest.objects.filter(environment_id=project.id).order_by("id"))


def events(project: Project) -> int:
    return Event.objects.filter(environment_id=project.id).count()


def test_a_request_with_an_unknown_script_waits_and_has_it_fetched(project: Project) -> None:
    queue(project, thrown())
    with clock.stopped_at(NOON):
        assert turn(project)

    (row,) = rows(project)
    until = NOON + timedelta(seconds=40)
    assert (row.waits_until, row.not_before, row.waits_for, row.attempts) == (until, until, [URL], 0)
    assert queued(project) == [URL]
    assert events(project) == 0


def test_it_goes_on_as_soon_as_the_map_is_there_and_is_resolved(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(monkeypatch, Fetched(SCRIPT.encode(), source_map().encode()))
    event = thrown()
    queue(project, event)
    turn(project)
    bringing.bring(project.id, URL)
    park.wake(project.id, URL)
    assert turn(project)

    assert rows(project) == []
    assert stored(project, event["uuid"])["properties"]["$exception_functions"] == ["refund", "pay"]
    assert {row.missing_ref for row in StackFrame.objects.filter(environment_id=project.id)} == {None}


def test_it_goes_on_as_soon_as_it_is_known_that_there_is_no_map(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(monkeypatch, Failure("JavaScript", "NoSourcemap", (URL,)))
    queue(project, thrown())
    turn(project)
    bringing.bring(project.id, URL)
    park.wake(project.id, URL)
    assert turn(project)

    assert rows(project) == []
    shown = contents_of(project)["a"]
    assert shown["resolve_failure"] == f"Could not find sourcemap for source url: {URL}"
    assert shown["resolved"] is True  # its column is one that people write in


def test_after_forty_seconds_it_is_processed_without(project: Project) -> None:
    queue(project, thrown())
    with clock.stopped_at(NOON):
        turn(project)
    with clock.stopped_at(NOON + timedelta(seconds=39.9)):
        assert not turn(project)
    with clock.stopped_at(NOON + timedelta(seconds=40)):
        assert turn(project)

    assert (rows(project), events(project)) == ([], 1)
    assert queued(project) == [URL]
    assert {row.missing_ref for row in StackFrame.objects.filter(environment_id=project.id)} == {URL}


def test_waking_it_before_there_is_anything_makes_it_wait_no_longer_in_all(project: Project) -> None:
    queue(project, thrown())
    with clock.stopped_at(NOON):
        turn(project)
    park.wake(project.id, URL)
    with clock.stopped_at(NOON + timedelta(seconds=30)):
        turn(project)

    (row,) = rows(project)
    assert row.waits_until == row.not_before == NOON + timedelta(seconds=40)


def test_only_requests_that_need_the_script_wait(project: Project) -> None:
    queue(project, entry())
    queue(project, thrown())
    queue(project, thrown(web(filename="<anonymous>")))
    turn(project)

    assert events(project) == 2
    assert [row.waits_for for row in rows(project)] == [[URL]]


def test_a_request_waits_for_all_its_scripts_and_each_is_fetched_once(project: Project) -> None:
    for _ in range(2):
        queue(project, thrown(web(), web(CALLED, "c", filename=OTHER)))
    queue(project, thrown(web()))
    turn(project)
    assert queued(project) == [URL, OTHER]

    records.record_failure(project.id, URL, Failure("JavaScript", "NoSourcemap", (URL,)))
    park.wake(project.id, URL)
    assert [(row.waits_for, row.not_before is None) for row in rows(project)] == [
        ([OTHER], False),
        ([OTHER], False),
        ([], True),
    ]
    assert turn(project)
    assert (events(project), len(rows(project))) == (1, 2)


def test_a_script_that_is_being_fetched_is_not_fetched_again(project: Project) -> None:
    queue(project, thrown())
    turn(project)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing'")
    queue(project, thrown())
    turn(project)

    assert [row.waits_for for row in rows(project)] == [[URL], [URL]]
    assert queued(project) == [URL]


def test_a_script_that_was_fetched_while_its_events_were_parked_keeps_nobody_waiting(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = wishes.fetch

    def fetched_meanwhile(environment_id: int, urls: Any) -> set[str]:
        coming = fetch(environment_id, urls)
        records.record_failure(project.id, URL, Failure("JavaScript", "NoSourcemap", (URL,)))
        park.wake(project.id, URL)  # nobody is parked yet
        return coming

    monkeypatch.setattr(wishes, "fetch", fetched_meanwhile)
    queue(project, thrown())
    turn(project)

    assert [row.not_before for row in rows(project)] == [None]


def test_projects_wait_for_themselves(project: Project) -> None:
    other = make_project("other")
    for one in (project, other):
        queue(one, thrown())
        turn(one)
    park.wake(other.id, URL)

    assert queued(project) == [URL, URL]
    assert [row.not_before is None for row in rows(project)] == [False]
    assert [row.not_before is None for row in rows(other)] == [True]


def test_of_events_that_name_too_many_scripts_only_some_wait(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wishes, "MOST_FETCHES", 3)
    for number in range(5):
        queue(project, thrown(web(filename=f"https://shop.example/{number}.js")))
    turn(project)

    assert (len(rows(project)), events(project), len(queued(project))) == (3, 2, 3)


def test_of_new_scripts_only_so_many_are_fetched_within_an_hour(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three an hour: one is known since half an hour, one is on its way, so that one more may come."""
    monkeypatch.setattr(wishes, "MOST_NEW_IN_AN_HOUR", 3)
    known = Failure("JavaScript", "NoSourcemap", ("",))
    with clock.stopped_at(NOON - timedelta(hours=2)):
        for number in range(5):
            records.record_failure(project.id, f"https://shop.example/yesterday-{number}.js", known)
    with clock.stopped_at(NOON - timedelta(minutes=30)):
        records.record_failure(project.id, "http://shop.example/lately.js", known)
        upload(project, "chunk-1")  # uploaded: it says nothing of fetching
        upload(project, "chunk-2")
        records.record_failure(make_project("other").id, "http://shop.example/elsewhere.js", known)
    with clock.stopped_at(NOON):
        wishes.fetch(project.id, [OTHER])
        for number in range(4):
            queue(project, thrown(web(filename=f"https://shop.example/{number}.js")))
        turn(project)

    assert queued(project) == sorted([OTHER, *(url for row in rows(project) for url in row.waits_for or ())])
    assert (len(rows(project)), events(project), len(queued(project))) == (1, 3, 2)


def test_an_hour_later_more_new_scripts_are_fetched(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wishes, "MOST_NEW_IN_AN_HOUR", 1)
    with clock.stopped_at(NOON):
        records.record_failure(project.id, "https://shop.example/first.js", Failure("JavaScript", "NoSourcemap", ("",)))
        assert wishes.fetch(project.id, [URL]) == set()
    with clock.stopped_at(NOON + timedelta(minutes=59, seconds=59)):
        assert wishes.fetch(project.id, [URL]) == set()
    with clock.stopped_at(NOON + timedelta(minutes=60, seconds=1)):
        assert wishes.fetch(project.id, [URL]) == {URL}


def test_where_nothing_is_fetched_nobody_waits(project: Project, settings: Any) -> None:
    settings.FETCH_SOURCE_MAPS = False
    queue(project, thrown())
    turn(project)

    assert (events(project), queued(project)) == (1, [])


def test_a_frame_whose_chunk_was_uploaded_does_not_wait_for_its_script(project: Project) -> None:
    upload(project, "chunk-1")
    queue(project, thrown(web(chunk_id="chunk-1")))
    turn(project)

    assert (events(project), queued(project)) == (1, [])


def test_a_frame_whose_chunk_is_unknown_waits_for_its_script(project: Project) -> None:
    queue(project, thrown(web(chunk_id="chunk-1")))
    turn(project)

    assert [row.waits_for for row in rows(project)] == [[URL]]


def process_alone(project: Project) -> None:
    """Process what waits as the child process for bad requests does."""
    leased = lease.take(project.id)
    for row in leased.rows:
        partitions.ensure(leased.days)
        assert (
            process_row(project.id, leased.lease, {"row": str(row.id), "deaths": {}}, lambda _: None)["kind"] == "done"
        )


def test_a_row_that_is_processed_alone_does_not_wait(project: Project) -> None:
    queue(project, thrown())
    process_alone(project)

    assert (events(project), rows(project), jobs()) == (1, [], [])


def test_frames_of_a_row_that_is_processed_alone_are_resolved_right_after_it(project: Project) -> None:
    upload(project, "chunk-1")
    jobs()
    queue(project, thrown(web(chunk_id="chunk-1")), entry(), thrown(web(chunk_id="chunk-1")))
    process_alone(project)

    assert contents_of(project)["a"]["resolved"] is False
    asked = {"environment_id": project.id, "refs": ["chunk-1"], "waited": 0}
    assert jobs() == [("errortracking.symbols.resolve_again", asked)]


def test_a_parked_row_moves_to_the_slot_in_use(project: Project) -> None:
    queue(project, thrown(), slot=0)
    with clock.stopped_at(NOON + timedelta(seconds=60)):
        turn(project)

    assert [row.slot for row in rows(project)] == [(int(NOON.timestamp()) // 60 + 1) % 3]
