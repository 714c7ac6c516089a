"""GET …/stack_frames/ (contract 8)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.environments.world import Api, World, answer
from tests.errortracking.api.making import (
    CONTEXT,
    make_frame,
    make_release,
    make_symbol_set,
    shown_frame,
    shown_release,
)


def test_an_empty_project_has_no_frames(frames: Api) -> None:
    """8, GET list: the envelope."""
    assert answer(frames.get("")) == (200, {"count": 0, "next": None, "previous": None, "results": []})


def test_a_frame_has_the_fields_of_the_contract_in_their_order(world: World, frames: Api) -> None:
    """8: the object; raw_id is composed of two columns."""
    frame = make_frame(world.project, "abc", 2)
    body = answer(frames.get(""))[1]
    assert body["results"] == [shown_frame(frame)]
    assert body["results"][0]["raw_id"] == "abc/2"
    assert list(body["results"][0]) == [
        *("id", "raw_id", "created_at", "contents", "resolved", "context", "symbol_set_ref", "release")
    ]


def test_a_resolved_frame_shows_context_symbol_set_and_release(world: World, frames: Api) -> None:
    """8: context, symbol_set_ref, release."""
    release = make_release(world.project, metadata={"git": {"branch": "main"}})
    symbols = make_symbol_set(world.project, ref="chunk-a", release=release)
    frame = make_frame(world.project, symbol_set=symbols, context=CONTEXT)
    expected = shown_frame(frame, context=CONTEXT, symbol_set_ref="chunk-a", release=shown_release(release))
    assert answer(frames.get(""))[1]["results"] == [expected]


def test_a_symbol_set_without_release_leaves_the_release_null(world: World, frames: Api) -> None:
    """8: release object or null."""
    symbols = make_symbol_set(world.project, ref="https://example.com/app.js")
    frame = make_frame(world.project, symbol_set=symbols, resolved=False)
    expected = shown_frame(frame, resolved=False, symbol_set_ref="https://example.com/app.js")
    assert answer(frames.get(""))[1]["results"] == [expected]


def test_a_release_without_metadata_is_still_an_object(world: World, frames: Api) -> None:
    release = make_release(world.project, metadata=None)
    make_frame(world.project, symbol_set=make_symbol_set(world.project, release=release))
    assert answer(frames.get(""))[1]["results"][0]["release"]["metadata"] is None


def test_frames_with_and_without_release_do_not_mix(world: World, frames: Api) -> None:
    one, two = make_release(world.project, version="1"), make_release(world.project, version="2")
    first = make_frame(world.project, symbol_set=make_symbol_set(world.project, ref="a", release=one))
    second = make_frame(world.project)
    third = make_frame(world.project, symbol_set=make_symbol_set(world.project, ref="b", release=two))
    shown = {item["id"]: item for item in answer(frames.get(""))[1]["results"]}
    assert shown == {
        str(first.id): shown_frame(first, symbol_set_ref="a", release=shown_release(one)),
        str(second.id): shown_frame(second),
        str(third.id): shown_frame(third, symbol_set_ref="b", release=shown_release(two)),
    }


def test_pages_are_100_frames_and_together_hold_each_once(world: World, frames: Api) -> None:
    """8: paginated 100; the order is ours: by id."""
    made = sorted(str(make_frame(world.project).id) for _ in range(130))
    first = answer(frames.get(""))[1]
    second = answer(frames.get("?offset=100"))[1]
    assert (first["count"], len(first["results"])) == (130, 100)
    assert [item["id"] for item in first["results"] + second["results"]] == made


def test_a_foreign_frame_is_not_listed(world: World, stranger: World, frames: Api) -> None:
    """1.1: all querysets are filtered by project."""
    make_frame(stranger.project)
    mine = make_frame(world.project)
    body = answer(frames.get(""))[1]
    assert (body["count"], [item["id"] for item in body["results"]]) == (1, [str(mine.id)])


def test_texts_of_events_pass_unchanged(world: World, frames: Api) -> None:
    """What came from an event is shown, never interpreted."""
    contents: dict[str, Any] = {
        "name": "<script>alert(1)</script>",
        "ключ": '💥 \\ " \n \u2028',
        "n": [1, -2.5, 1e20, None, {}],
    }
    make_frame(world.project, "<b>&amp;", contents=contents)
    response = frames.get("")
    shown = answer(response)[1]["results"][0]
    assert (shown["raw_id"], shown["contents"]) == ("<b>&amp;/0", contents)
    assert response["Content-Type"] == "application/json"
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_other_methods_are_a_405(frames: Api, method: str) -> None:
    response = frames.request(method, "", {})
    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD, OPTIONS"
