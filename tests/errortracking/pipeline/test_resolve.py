"""Stack frames become rows that point at immutable contents (pipeline 2.3 to 2.5)."""

from __future__ import annotations

import hashlib

from environments.models import Project
from errortracking.models import SymbolSet
from tests.errortracking.pipeline.making import NOON, entry, exception, frame, make_project, send, stored
from tests.errortracking.pipeline.resolving import MINIFIED, contents, rows, send_at

# SHA-512 over context_line, filename, function, lineno in 4 bytes, module, the lines before, the lines after (pipeline
# 2.3).
RAW_ID = hashlib.sha512(b"    charge(cart)shop/cart.pypay\x00\x00\x00\x07shop.cartdef pay(cart):    return").hexdigest()


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


def test_each_occurrence_of_a_frame_in_a_batch_keeps_its_own_variables(project: Project) -> None:
    events = [entry(exception(frames=[frame(code_variables=own)])) for own in ({"total": "12"}, {"total": "13"}, None)]
    send(project, *events)

    frames = [stored(project, event["uuid"])["exceptions"][0]["frames"][0] for event in events]
    assert [one.get("code_variables") for one in frames] == [{"total": "12"}, {"total": "13"}, None]


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


def test_an_exception_without_a_stack_makes_no_frames(project: Project) -> None:
    event = entry(exception(frames=[]))
    send(project, event)

    assert rows(project) == []
    assert stored(project, event["uuid"])["exceptions"][0]["frames"] == []
