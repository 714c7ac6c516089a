"""GET and DELETE …/stack_frames/{id}/ (contract 8)."""

from __future__ import annotations

import pytest

from errortracking.models import StackFrame
from tests.environments.world import NOT_FOUND, Api, World, answer
from tests.errortracking.api.making import (
    CONTEXT,
    MALFORMED_IDS,
    UNKNOWN,
    make_frame,
    make_release,
    make_symbol_set,
    shown_frame,
    shown_release,
)


def test_a_frame_is_shown_as_in_the_list(world: World, frames: Api) -> None:
    """8, GET one: 200."""
    release = make_release(world.project, metadata={"a": 1})
    symbols = make_symbol_set(world.project, ref="chunk", release=release)
    frame = make_frame(world.project, "abc", 3, symbol_set=symbols, context=CONTEXT)
    expected = shown_frame(frame, context=CONTEXT, symbol_set_ref="chunk", release=shown_release(release))
    assert answer(frames.get(f"{frame.id}/")) == (200, expected)
    assert answer(frames.get(""))[1]["results"] == [expected]


@pytest.mark.parametrize("frame_id", [UNKNOWN, *MALFORMED_IDS])
def test_an_unknown_or_malformed_id_is_not_found(frames: Api, frame_id: str) -> None:
    """Decision table: malformed uuid in a path."""
    assert answer(frames.get(f"{frame_id}/")) == (404, NOT_FOUND)


def test_a_foreign_frame_is_not_found(stranger: World, frames: Api) -> None:
    """1.1: object id that exists in another project."""
    assert answer(frames.get(f"{make_frame(stranger.project).id}/")) == (404, NOT_FOUND)


@pytest.mark.parametrize("frame_id", [UNKNOWN, "x", "%00"])
def test_delete_is_a_405_with_an_empty_body_whatever_the_id(frames: Api, frame_id: str) -> None:
    """Decision table: DELETE on a stack frame; the id is not looked up."""
    response = frames.delete(f"{frame_id}/")
    assert (response.status_code, response.content) == (405, b"")
    assert "Content-Type" not in response


def test_delete_leaves_the_frame(world: World, frames: Api) -> None:
    frame = make_frame(world.project)
    assert frames.delete(f"{frame.id}/").status_code == 405
    assert StackFrame.objects.filter(environment=world.project).count() == 1


def test_delete_is_a_405_for_sessions_and_for_keys_that_may_write(world: World) -> None:
    """Decision table: 405 empty for a key with `error_tracking:write` and for sessions."""
    path = f"error_tracking/stack_frames/{UNKNOWN}/"
    assert world.browser().delete(path).status_code == 405
    assert world.api("error_tracking:write").delete(path).status_code == 405
    denied = world.api("error_tracking:read").delete(path)
    assert answer(denied)[1]["detail"] == "API key missing required scope 'error_tracking:write'"
    assert world.anonymous().delete(path).status_code == 401


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH", "POST"])
def test_allow_names_the_methods_that_work(frames: Api, method: str) -> None:
    response = frames.request(method, f"{UNKNOWN}/")
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD, OPTIONS")
    if method != "DELETE":
        assert answer(response)[1]["detail"] == f'Method "{method}" not allowed.'
