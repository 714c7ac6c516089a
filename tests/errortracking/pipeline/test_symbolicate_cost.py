"""Symbol sets are asked as seldom as can be, and events whose frames need none cost nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from environments import clock
from environments.models import Project
from errortracking.models import Event, Fingerprint, StackFrame
from errortracking.pipeline import symbolicate
from errortracking.pipeline.parse import parse
from errortracking.symbols import parser
from tests.errortracking.pipeline.making import NOON, batch, entry, exception, frame, send
from tests.errortracking.pipeline.mapping import contents_of, thrown, upload, web

MAPPING = b"com.shop.Cart -> x.b:\n    7:7:void checkout():12:12 -> a\n    7:7:int com.shop.Price.total():90:90 -> a\n"


@pytest.fixture(autouse=True)
def parsing_ends() -> Iterator[None]:
    yield
    parser.close()


def names(project: Project) -> dict[str, str | None]:
    """Return the resolved names of the project's frames by their minified ones."""
    return {name: one.get("resolved_name") for name, one in contents_of(project).items()}


def test_a_set_notes_every_twelve_hours_that_it_is_used(project: Project) -> None:
    uploaded = upload(project, "chunk-1")

    def used_after(hours: float, function: str) -> datetime | None:
        with clock.stopped_at(NOON + timedelta(hours=hours)):
            send(project, thrown(web(function=function, chunk_id="chunk-1")))
        uploaded.refresh_from_db()
        return uploaded.last_used

    assert used_after(0, "a") == NOON
    assert used_after(12, "b") == NOON
    assert used_after(12.1, "d") == NOON + timedelta(hours=12.1)


def test_a_fresh_frame_is_not_asked_for_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    upload(project, "chunk-1")
    with clock.stopped_at(NOON):
        send(project, thrown(web(chunk_id="chunk-1")))
    monkeypatch.setattr(parser, "lookup", lambda *_: pytest.fail("asked again"))
    with clock.stopped_at(NOON + timedelta(seconds=1799)):
        send(project, thrown(web(chunk_id="chunk-1")))

    assert names(project) == {"a": "pay"}
    assert Fingerprint.objects.filter(environment_id=project.id).count() == 1


def test_a_stale_frame_is_asked_for_again(project: Project) -> None:
    upload(project, "chunk-1")
    for seconds in (0, 1981):
        with clock.stopped_at(NOON + timedelta(seconds=seconds)):
            send(project, thrown(web(chunk_id="chunk-1")))

    (row,) = StackFrame.objects.filter(environment_id=project.id)
    assert (row.created_at, names(project)) == (NOON + timedelta(seconds=1981), {"a": "pay"})


def test_events_whose_frames_ask_for_nothing_are_neither_parsed_nor_looked_up_before_the_transaction(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(symbolicate, "parse", lambda *_: pytest.fail("parsed"))
    node = {"platform": "node:javascript", "filename": "a.js", "function": "f", "lineno": 1, "colno": 1}
    events = batch(project, entry(), thrown(node), thrown(web(filename=...))).events
    with CaptureQueriesContext(connection) as asked:
        ahead = symbolicate.look_ahead(project.id, [events], NOON)
        assert ahead.symbolicated([0]) == {}

    assert len(asked) == 0


def test_an_event_is_parsed_once_although_its_frames_are_looked_at_before(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = []

    def counted(*arguments: Any) -> Any:
        parsed.append(arguments)
        return parse(*arguments)

    monkeypatch.setattr(symbolicate, "parse", counted)
    monkeypatch.setattr("errortracking.pipeline.read.parse", counted)
    send(project, thrown(), entry())
    assert len(parsed) == 2


@pytest.mark.parametrize(
    "list_",
    [None, 7, "x", [], [None], [{}], [{"stacktrace": 1}], [{"stacktrace": {"frames": [1, None, {"platform": []}]}}]],
)
def test_whatever_was_sent_is_looked_at_without_complaint(project: Project, list_: Any) -> None:
    (event,) = batch(project, entry(properties={"$exception_list": list_})).events
    assert symbolicate.asks(event.entry) is False


def test_a_list_that_is_half_malformed_is_looked_at_without_complaint(project: Project) -> None:
    send(project, thrown(web(), {"platform": "web:javascript"}), entry(exception(frames=[frame()])))
    assert Event.objects.filter(environment_id=project.id).count() == 2
