"""Fresh rows of stack frames are reused, stale ones made anew (pipeline 2.5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from environments import clock
from environments.models import Project
from errortracking.models import StackFrame, SymbolSet
from errortracking.pipeline import frames
from errortracking.pipeline.exceptions import Frame, RawFrame
from errortracking.pipeline.frames.base import Images
from errortracking.pipeline.frames.base import contents as contents_of
from errortracking.pipeline.resolve import is_fresh, jitter
from tests.errortracking.pipeline.making import NOON, entry, exception, frame, send, stored
from tests.errortracking.pipeline.resolving import MINIFIED, contents, rows, send_at


def test_a_fresh_resolved_frame_is_reused_with_the_content_that_it_has(project: Project) -> None:
    send_at(project, 0, frame(in_app=True))
    later = [entry(exception(frames=[frame(in_app=False)])) for _ in range(2)]
    with clock.stopped_at(NOON + timedelta(seconds=1799)):
        send(project, *later)

    (row,) = rows(project)
    assert row.created_at == NOON
    assert [content.contents["in_app"] for content in contents(project)] == [True]
    # What counts is the stored content, in what is derived from it too, for each event of the batch.
    for event in later:
        assert stored(project, event["uuid"])["properties"]["$exception_functions"] == ["pay"]


def test_a_stale_resolved_frame_is_renewed_and_points_at_its_new_content(project: Project) -> None:
    first = send_at(project, 0, frame(in_app=True))
    later = send_at(project, 1981, frame(in_app=False))  # 1800 s and ten percent are over

    (row,) = rows(project)
    old, new = contents(project)
    assert (row.created_at, row.content_id) == (NOON + timedelta(seconds=1981), new.id)
    assert (old.contents["in_app"], new.contents["in_app"]) == (True, False)
    assert stored(project, first)["exceptions"][0]["frames"][0]["content"] == str(old.id)
    assert stored(project, later)["exceptions"][0]["frames"][0]["content"] == str(new.id)


def test_a_stale_frame_that_is_as_before_gets_a_new_time_and_keeps_its_content(project: Project) -> None:
    send_at(project, 0, frame())
    send_at(project, 1981, frame())

    assert [row.created_at for row in rows(project)] == [NOON + timedelta(seconds=1981)]
    assert len(contents(project)) == 1


@pytest.mark.parametrize(("seconds", "renewed"), [(299, False), (331, True)])
def test_an_unresolved_frame_is_fresh_for_five_minutes_only(project: Project, seconds: int, renewed: bool) -> None:
    send_at(project, 0, MINIFIED)
    send_at(project, seconds, MINIFIED)

    (row,) = rows(project)
    assert contents(project)[0].resolved is False
    assert (row.created_at > NOON) is renewed


def test_a_part_that_a_frame_no_longer_resolves_to_is_deleted(project: Project) -> None:
    send_at(project, 0, frame())
    (row,) = rows(project)
    StackFrame.objects.create(
        environment_id=project.id, raw_id=row.raw_id, part=1, content_id=row.content_id, created_at=NOON
    )
    send_at(project, 1, frame())  # its parts are not those that are computed, so none is fresh

    (left,) = rows(project)
    assert (left.id, left.part, left.created_at) == (row.id, 0, NOON + timedelta(seconds=1))


def in_two_parts(raw: RawFrame, id_: str, images: Images) -> list[Frame]:
    """Resolve as a compiler's inlining would have it: one raw frame is two calls."""
    return [
        Frame(id_, part, contents_of(raw, id_, "go", name, part=part), None, True)
        for part, name in enumerate(("outer", "inlined"))
    ]


def test_if_one_part_of_a_frame_is_stale_all_are_renewed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(frames.PLATFORMS, "go", replace(frames.PLATFORMS["go"], resolve=in_two_parts))
    go = {"platform": "go", "filename": "a.go", "function": "f", "lineno": 1}
    event = send_at(project, 0, go)
    # The second part is older than the first by half an hour and ten percent.
    StackFrame.objects.filter(environment_id=project.id, part=1).update(created_at=NOON - timedelta(seconds=1980))
    assert len(stored(project, event)["exceptions"][0]["frames"]) == 2

    send_at(project, 1, go)
    assert [(row.part, row.created_at) for row in rows(project)] == [
        (0, NOON + timedelta(seconds=1)),
        (1, NOON + timedelta(seconds=1)),
    ]
    send_at(project, 1800, go)  # both are fresh still
    assert {row.created_at for row in rows(project)} == {NOON + timedelta(seconds=1)}


def test_a_part_that_a_frame_did_not_have_is_added_and_the_others_renewed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = {"platform": "go", "filename": "a.go", "function": "f", "lineno": 1}
    send_at(project, 0, go)
    monkeypatch.setitem(frames.PLATFORMS, "go", replace(frames.PLATFORMS["go"], resolve=in_two_parts))
    event = send_at(project, 1, go)

    assert {(row.part, row.created_at) for row in rows(project)} == {
        (part, NOON + timedelta(seconds=1)) for part in (0, 1)
    }
    assert len(stored(project, event)["exceptions"][0]["frames"]) == 2


@pytest.mark.parametrize(("seconds", "found"), [(299, False), (331, True)])
def test_a_symbol_set_that_came_later_is_found_when_the_frame_is_renewed(
    project: Project, seconds: int, found: bool
) -> None:
    send_at(project, 0, MINIFIED)
    later = SymbolSet.objects.create(environment_id=project.id, ref="https://shop.example/app.js")
    send_at(project, seconds, MINIFIED)

    assert [row.symbol_set_id for row in rows(project)] == [later.id if found else None]


# FNV-1a, 64 bits, of "a" is 0xaf63dc4c8601ec8c (the algorithm's published test vector).
def test_jitter_is_fnv_1a_as_a_share_of_its_range() -> None:
    assert jitter("a") == 0xAF63DC4C8601EC8C / 2**64
    assert jitter("") == 0xCBF29CE484222325 / 2**64


@pytest.mark.parametrize(
    ("resolved", "seconds", "fresh"),
    [
        # jitter("a") is 0.68512…: 1800 s and 6.8 % are 1923.3 s, 300 s and 6.8 % are 320.5 s
        (True, 1800, True),
        (True, 1923, True),
        (True, 1924, False),
        (True, 1980, False),
        (False, 300, True),
        (False, 320, True),
        (False, 321, False),
    ],
)
def test_freshness_ends_after_the_limit_and_the_frames_own_share_of_ten_percent(
    resolved: bool, seconds: int, fresh: bool
) -> None:
    assert is_fresh("a", resolved, timedelta(seconds=seconds)) is fresh
