"""Frames of minified code are resolved before they are grouped: by chunk id, then by URL (pipeline 2.4 to 2.6)."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from environments import clock
from environments.models import Project
from errortracking.models import Event, Issue, QueuedRequest, StackFrame, SymbolSet
from errortracking.symbols import cache, container, parser, records, resolver
from errortracking.symbols.container import Contents
from errortracking.symbols.failures import Failure
from errortracking.symbols.lookups import Kind
from errortracking.symbols.storage import storage
from tests.errortracking.pipeline.making import NOON, make_project, send, stored
from tests.errortracking.pipeline.mapping import CALLED, THROWN, URL, contents_of, jobs, thrown, upload, web

MAPPING = b"com.shop.Cart -> x.b:\n    7:7:void checkout():12:12 -> a\n    7:7:int com.shop.Price.total():90:90 -> a\n"


@pytest.fixture(autouse=True)
def parsing_ends() -> Iterator[None]:
    yield
    parser.close()


def names(project: Project) -> dict[str, str | None]:
    """Return the resolved names of the project's frames by their minified ones."""
    return {name: one.get("resolved_name") for name, one in contents_of(project).items()}


def test_frames_are_resolved_by_their_chunk_id(project: Project) -> None:
    uploaded = upload(project, "chunk-1")
    event = thrown(web(CALLED, "c", chunk_id="chunk-1"), web(chunk_id="chunk-1"))
    send(project, event)

    shown = contents_of(project)
    assert [shown[name]["resolved_name"] for name in ("c", "a")] == ["refund", "pay"]
    assert [(shown[name]["line"], shown[name]["column"]) for name in ("c", "a")] == [(7, 3), (3, 9)]
    assert stored(project, event["uuid"])["properties"]["$exception_functions"] == ["refund", "pay"]
    rows = StackFrame.objects.filter(environment_id=project.id)
    assert {(row.symbol_set_id, row.missing_ref, row.platform) for row in rows} == {(uploaded.id, None, None)}


def test_frames_are_resolved_by_their_url(project: Project) -> None:
    upload(project, URL)
    send(project, thrown())

    assert names(project) == {"a": "pay", "c": "refund"}


def test_the_chunk_id_goes_before_the_url(project: Project) -> None:
    upload(project, "chunk-1", source="by-chunk.ts")
    upload(project, URL, source="by-url.ts")
    send(project, thrown(web(chunk_id="chunk-1")))

    assert contents_of(project)["a"]["source"] == "by-chunk.ts"


@pytest.mark.parametrize("pending", [False, True])
def test_a_chunk_id_that_nothing_was_uploaded_for_gives_way_to_the_url(project: Project, pending: bool) -> None:
    if pending:  # its upload has begun
        SymbolSet.objects.create(environment_id=project.id, ref="chunk-1", storage_ptr="symbolsets/x")
    by_url = upload(project, URL, source="by-url.ts")
    send(project, thrown(web(chunk_id="chunk-1")))

    assert contents_of(project)["a"]["source"] == "by-url.ts"
    assert StackFrame.objects.get(environment_id=project.id).symbol_set_id == by_url.id


def test_the_sets_of_another_project_are_not_asked(project: Project) -> None:
    upload(make_project("other"), "chunk-1")
    send(project, thrown(web(chunk_id="chunk-1")))

    assert contents_of(project)["a"]["resolve_failure"] == "No sourcemap uploaded for chunk id: chunk-1"


def test_events_of_different_builds_of_the_same_code_are_one_issue(project: Project) -> None:
    upload(project, "chunk-1")
    upload(project, "chunk-2")
    send(project, thrown(web(chunk_id="chunk-1")))
    send(project, thrown(web(chunk_id="chunk-2", filename="https://shop.example/assets/app-2.js")))

    assert Issue.objects.filter(environment_id=project.id).count() == 1
    assert Event.objects.filter(environment_id=project.id).count() == 2


def test_a_frame_without_a_set_waits_for_one_by_its_first_reference(project: Project) -> None:
    send(project, thrown(web(chunk_id="chunk-1")))

    (row,) = StackFrame.objects.filter(environment_id=project.id)
    assert (row.missing_ref, row.platform, row.symbol_set_id) == ("chunk-1", "web:javascript", None)


def test_a_place_that_the_map_does_not_know_is_a_failure_of_the_frame_alone(project: Project) -> None:
    uploaded = upload(project, "chunk-1")
    send(project, thrown(web(chunk_id="chunk-1", lineno=99)))

    (row,) = StackFrame.objects.filter(environment_id=project.id)
    assert contents_of(project)["a"]["resolve_failure"] == f"Token not found for frame: a:99:{THROWN}"
    assert (row.missing_ref, row.symbol_set_id) == ("chunk-1", uploaded.id)
    uploaded.refresh_from_db()
    assert uploaded.failure_reason is None


def test_a_set_that_cannot_be_read_is_parsed_once_and_keeps_why(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = records.store(project.id, "chunk-1", [b"no container"])
    send(project, thrown(web(chunk_id="chunk-1")))

    row = SymbolSet.objects.get(environment_id=project.id, id=id_)
    failure = contents_of(project)["a"]["resolve_failure"]
    assert failure.startswith("JSDataError: ")
    assert row.failure_reason is not None
    assert row.failure_reason.startswith('{"JavaScript":{"JSDataError":"')
    assert row.storage_ptr is not None

    monkeypatch.setattr(parser, "lookup", lambda *_: pytest.fail("parsed again"))
    send(project, thrown(web(CALLED, "c", chunk_id="chunk-1")))
    assert contents_of(project)["c"]["resolve_failure"] == failure


def test_a_defect_of_the_parser_is_a_failure_of_the_set_and_no_trouble_for_the_batch(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploaded = upload(project, "chunk-1")
    monkeypatch.setattr(parser, "_ask", lambda _: {"kind": "defect", "text": "IndexError: \0 of somebody's"})
    send(project, thrown(web(chunk_id="chunk-1")), thrown(web(CALLED, "c", chunk_id=...)))

    assert Event.objects.filter(environment_id=project.id).count() == 2
    assert contents_of(project)["a"]["resolve_failure"] == "JSDataError: a defect of the parser, IndexError"
    uploaded.refresh_from_db()
    assert uploaded.failure_reason == '{"JavaScript":{"JSDataError":"a defect of the parser, IndexError"}}'
    assert uploaded.content_hash is not None


def test_what_was_fetched_and_cannot_be_read_is_a_failed_fetch(project: Project) -> None:
    id_ = records.store(project.id, URL, [b"no container"])
    send(project, thrown(web()))

    row = SymbolSet.objects.get(environment_id=project.id, id=id_)
    assert (row.storage_ptr, row.content_hash) == (None, None)
    assert row.failure_reason is not None
    assert row.last_used is not None


def test_asking_data_of_one_kind_for_another_does_not_spoil_it(project: Project) -> None:
    upload(project, "chunk-1")
    send(project, thrown({"platform": "hermes", "function": "h", "filename": "a", "colno": 5, "chunk_id": "chunk-1"}))
    assert contents_of(project)["h"]["resolved"] is False

    send(project, thrown(web(chunk_id="chunk-1")))
    assert names(project) == {"h": None, "a": "pay"}
    assert SymbolSet.objects.get(environment_id=project.id).failure_reason is None


def test_one_java_frame_becomes_the_calls_that_were_inlined_and_stays_so_while_it_is_fresh(project: Project) -> None:
    records.store(project.id, "map-1", container.write(Contents(Kind.PROGUARD, MAPPING)))
    java = {"platform": "java", "function": "a", "module": "x.b", "lineno": 7, "map_id": "map-1"}
    events = [thrown(java, lib="custom") for _ in range(2)]
    for event in events:
        send(project, event)

    rows = StackFrame.objects.filter(environment_id=project.id).order_by("part")
    found = contents_of(project)
    assert [row.part for row in rows] == [0, 1]
    assert found["a"]["lang"] == "java"
    for event in events:
        shown = stored(project, event["uuid"])
        assert [one["frame"] for one in shown["exceptions"][0]["frames"]] == [str(row.id) for row in rows]
        assert len(shown["properties"]["$exception_functions"]) == 2


# --- failed fetches
# ------------------------------------------------------------------------------------------------------


def test_the_reason_why_a_map_could_not_be_fetched_is_the_frames(project: Project) -> None:
    records.record_failure(project.id, URL, Failure("JavaScript", "HttpStatus", (404, URL)))
    send(project, thrown(web()))

    (row,) = StackFrame.objects.filter(environment_id=project.id)
    assert contents_of(project)["a"]["resolve_failure"] == f"HTTP error 404 while fetching: {URL}"
    assert (row.missing_ref, row.symbol_set_id) == (URL, SymbolSet.objects.get(environment_id=project.id).id)


@pytest.mark.parametrize(("hours", "again"), [(23.9, False), (24, True)])
def test_a_failed_fetch_is_tried_again_after_a_day_and_nobody_waits_for_it(
    project: Project, settings: Any, hours: float, again: bool
) -> None:
    settings.FETCH_SOURCE_MAPS = True
    with clock.stopped_at(NOON):
        records.record_failure(project.id, URL, Failure("JavaScript", "NoSourcemap", (URL,)))
    with clock.stopped_at(NOON + timedelta(hours=hours)):
        send(project, thrown(web()))

    assert QueuedRequest.objects.filter(environment_id=project.id).count() == 0
    assert jobs() == ([("errortracking.symbols.fetch", {"environment_id": project.id, "url": URL})] if again else [])


# --- sets that cannot be asked now
# ------------------------------------------------------------------------------------------------------


def again(project: Project, ref: str) -> tuple[str, dict[str, Any]]:
    return "errortracking.symbols.resolve_again", {"environment_id": project.id, "refs": [ref], "waited": 60}


def test_frames_of_data_that_is_not_to_be_had_are_resolved_later(project: Project) -> None:
    uploaded = upload(project, "chunk-1")
    jobs()
    storage().delete(project.id, [uploaded.storage_ptr or ""])
    send(project, thrown(web(chunk_id="chunk-1")))

    assert contents_of(project)["a"]["resolved"] is False
    assert jobs() == [again(project, "chunk-1")]
    uploaded.refresh_from_db()
    assert uploaded.failure_reason is None


def test_frames_for_which_there_was_no_time_are_resolved_later(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(project, "chunk-1")
    jobs()
    monkeypatch.setattr(resolver, "BUDGET_SECONDS", 0.0)
    send(project, thrown(web(chunk_id="chunk-1")))

    assert contents_of(project)["a"]["resolved"] is False
    assert jobs() == [again(project, "chunk-1")]


def test_a_full_disk_keeps_frames_from_being_resolved_and_not_events_from_being_stored(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    upload(project, "chunk-1")
    jobs()
    monkeypatch.setattr(cache, "_fetch", full)
    send(project, thrown(web(chunk_id="chunk-1")))

    assert contents_of(project)["a"]["resolved"] is False
    assert jobs() == [again(project, "chunk-1")]
