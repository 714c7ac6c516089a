"""Stack frames become rows that point at immutable contents; fresh rows are reused (pipeline 2.5)."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from environments import clock
from environments.models import Project
from errortracking.models import FrameContent, StackFrame, SymbolSet
from errortracking.pipeline.resolve import is_fresh, jitter
from tests.errortracking.pipeline.making import NOON, entry, exception, frame, make_project, send, stored

# SHA-512 over context_line, filename, function, lineno in 4 bytes, module, the lines before, the lines after (pipeline
# 2.3).
RAW_ID = hashlib.sha512(b"    charge(cart)shop/cart.pypay\x00\x00\x00\x07shop.cartdef pay(cart):    return").hexdigest()


def rows(project: Project) -> list[StackFrame]:
    return list(StackFrame.objects.filter(environment_id=project.id).order_by("raw_id", "part"))


def contents(project: Project) -> list[FrameContent]:
    return list(FrameContent.objects.filter(environment_id=project.id).order_by("created_at", "id"))


def send_at(project: Project, seconds: float, *frames: dict[str, object]) -> str:
    """Process an event with these frames so many seconds after noon; return its uuid."""
    event = entry(exception(frames=list(frames)))
    with clock.stopped_at(NOON + timedelta(seconds=seconds)):
        send(project, event)
    return event["uuid"]


def test_a_python_frame_becomes_a_row_with_its_contents_and_source_lines(project: Project) -> None:
    send_at(project, 0, frame())

    (row,) = rows(project)
    (content,) = contents(project)
    assert (row.raw_id, row.part, row.content_id, row.symbol_set_id) == (RAW_ID, 0, content.id, None)
    assert row.created_at == NOON
    assert content.resolved is True
    assert content.contents == {
        "raw_id": f"{RAW_ID}/0",
        "mangled_name": "pay",
        "resolved_name": "pay",
        "source": "shop/cart.py",
        "module": "shop.cart",
        "line": 7,
        "in_app": True,
        "lang": "python",
        "resolved": True,
        "synthetic": False,
        "suspicious": False,
    }
    assert content.context == {
        "before": [{"number": 6, "line": "def pay(cart):"}],
        "line": {"number": 7, "line": "    charge(cart)"},
        "after": [{"number": 8, "line": "    return"}],
    }


def test_a_frame_without_source_lines_has_no_context(project: Project) -> None:
    send_at(project, 0, frame(context_line=..., pre_context=..., post_context=...))

    assert contents(project)[0].context is None


def test_frames_that_occur_several_times_are_stored_once(project: Project) -> None:
    first = entry(exception(frames=[frame("pay"), frame("pay"), frame("refund")]))
    second = entry(exception(frames=[frame("refund")]), exception(frames=[frame("pay")]))
    send(project, first, second)

    assert len(rows(project)) == len(contents(project)) == 2
    ids = {row.raw_id == RAW_ID: str(row.id) for row in rows(project)}
    shown = [[used["frame"] for used in one["frames"]] for one in stored(project, second["uuid"])["exceptions"]]
    assert shown == [[ids[False]], [ids[True]]]


def test_an_event_names_the_frame_and_the_content_it_had_and_keeps_its_own_variables(project: Project) -> None:
    event = entry(exception(frames=[frame(code_variables={"total": "12"}), frame()]))
    send(project, event)

    (row,) = rows(project)
    where = {"frame": str(row.id), "content": str(row.content_id)}
    frames = stored(project, event["uuid"])["exceptions"][0]["frames"]
    assert frames == [{**where, "code_variables": {"total": "12"}}, where]
    assert "code_variables" not in contents(project)[0].contents


def test_a_fresh_resolved_frame_is_reused_with_the_content_that_it_has(project: Project) -> None:
    send_at(project, 0, frame(in_app=True))
    later = send_at(project, 1799, frame(in_app=False))

    (row,) = rows(project)
    assert row.created_at == NOON
    assert [content.contents["in_app"] for content in contents(project)] == [True]
    # What counts is the stored content, in what is derived from it too.
    assert stored(project, later)["properties"]["$exception_functions"] == ["pay"]


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


MINIFIED = {
    "platform": "web:javascript",
    "filename": "https://shop.example/app.js",
    "function": "t",
    "lineno": 1,
    "colno": 4711,
}


@pytest.mark.parametrize(("seconds", "renewed"), [(299, False), (331, True)])
def test_an_unresolved_frame_is_fresh_for_five_minutes_only(project: Project, seconds: int, renewed: bool) -> None:
    send_at(project, 0, MINIFIED)
    send_at(project, seconds, MINIFIED)

    (row,) = rows(project)
    assert contents(project)[0].resolved is False
    assert (row.created_at > NOON) is renewed


def test_the_first_of_two_frames_of_one_identity_in_a_batch_decides_its_content(project: Project) -> None:
    first, second = entry(exception(frames=[frame(in_app=False)])), entry(exception(frames=[frame(in_app=True)]))
    send(project, first, second)

    assert [content.contents["in_app"] for content in contents(project)] == [False]
    assert stored(project, second["uuid"])["properties"]["$exception_functions"] == []


def test_a_frame_points_at_the_symbol_set_of_its_reference(project: Project) -> None:
    by_chunk = SymbolSet.objects.create(environment_id=project.id, ref="chunk-1")
    SymbolSet.objects.create(environment_id=project.id, ref="https://shop.example/app.js")
    send_at(project, 0, {**MINIFIED, "chunk_id": "chunk-1"})

    assert [row.symbol_set_id for row in rows(project)] == [by_chunk.id]


def test_a_reference_without_a_symbol_set_gives_way_to_the_next_one(project: Project) -> None:
    by_url = SymbolSet.objects.create(environment_id=project.id, ref="https://shop.example/app.js")
    send_at(project, 0, {**MINIFIED, "chunk_id": "unknown"})

    assert [row.symbol_set_id for row in rows(project)] == [by_url.id]


def test_the_symbol_set_of_another_project_is_not_found(project: Project) -> None:
    SymbolSet.objects.create(environment_id=make_project("other").id, ref="https://shop.example/app.js")
    send_at(project, 0, MINIFIED)

    assert [row.symbol_set_id for row in rows(project)] == [None]


def test_projects_share_neither_frames_nor_contents(project: Project) -> None:
    neighbour = make_project("neighbour")
    send_at(project, 0, frame())
    send_at(neighbour, 0, frame())

    assert rows(project)[0].raw_id == rows(neighbour)[0].raw_id
    assert rows(project)[0].id != rows(neighbour)[0].id
    assert contents(project)[0].hash == contents(neighbour)[0].hash
    assert contents(project)[0].id != contents(neighbour)[0].id


def test_the_hash_of_a_content_is_sha256_over_resolved_contents_and_context(project: Project) -> None:
    send_at(project, 0, frame(context_line=..., pre_context=..., post_context=..., module=..., lineno=...))

    (content,) = contents(project)
    raw_id = hashlib.sha512(b"shop/cart.pypay\x00\x00\x00\x00").hexdigest()
    text = (
        f'[true,{{"in_app":true,"lang":"python","mangled_name":"pay","raw_id":"{raw_id}/0","resolved":true,'
        '"resolved_name":"pay","source":"shop/cart.py","suspicious":false,"synthetic":false},null]'
    )
    assert content.hash == hashlib.sha256(text.encode()).digest()


def test_a_part_that_a_frame_no_longer_resolves_to_is_deleted(project: Project) -> None:
    send_at(project, 0, frame())
    (row,) = rows(project)
    StackFrame.objects.create(
        environment_id=project.id, raw_id=row.raw_id, part=1, content_id=row.content_id, created_at=NOON
    )
    send_at(project, 1, frame())  # its parts are not those that are computed, so none is fresh

    (left,) = rows(project)
    assert (left.id, left.part, left.created_at) == (row.id, 0, NOON + timedelta(seconds=1))


def test_an_exception_without_a_stack_makes_no_frames(project: Project) -> None:
    event = entry(exception(frames=[]))
    send(project, event)

    assert rows(project) == []
    assert stored(project, event["uuid"])["exceptions"][0]["frames"] == []


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
