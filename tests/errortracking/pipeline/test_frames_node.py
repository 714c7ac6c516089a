"""Frames of Node.js, from what their SDK sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from errortracking.pipeline import frames
from errortracking.pipeline.exceptions import Frame

WIRE = Path(__file__).parents[2] / "data" / "wire"
NODE = {"platform": "node:javascript", "filename": "app.mjs", "function": "run"}


def node(**fields: object) -> Frame:
    (frame,) = frames.resolve_frame(frames.read({**NODE, **fields}))
    return frame


def test_a_node_id_is_hashed_as_a_python_one() -> None:
    # SHA-512 of: raise Boom() ‖ app.py ‖ run ‖ 00 00 00 07 ‖ app.main ‖ def run(): ‖ ····pass ‖ done
    fields = {
        "filename": "app.py",
        "module": "app.main",
        "lineno": 7,
        "context_line": "raise Boom()",
        "pre_context": ["def run():", "    pass"],
        "post_context": ["done"],
    }
    assert node(**fields).raw_id[:32] == "2d7f37d597bfbff00a9c5f75df6cdf6d"
    assert node(**fields, colno=157).raw_id == node(**fields).raw_id
    assert node(**fields, colno=157, chunk_id="c").raw_id == node(**fields).raw_id  # the line is all there
    assert node(**fields, chunk_id="c").raw_id == node(**fields).raw_id


def test_two_places_of_a_function_in_a_bundle_are_two_frames() -> None:
    # SHA-512 of: b.js ‖ pay ‖ 00 00 00 02 ‖ 00 00 00 9d, where only the column tells the places apart
    fields = {"filename": "b.js", "function": "pay", "lineno": 2, "chunk_id": "c"}
    assert node(**fields, colno=157).raw_id[:32] == "e4a3d55bcf923c5af773cba0b2091524"
    assert node(**fields, colno=190).raw_id[:32] == "8b9e70ccb2d31bc4477f58f32d73d1f4"
    assert node(**fields, colno=140).raw_id == node(**fields, colno=7).raw_id
    cut = fields | {"context_line": "x" * 140 + "..."}
    assert node(**cut, colno=157).raw_id != node(**cut, colno=190).raw_id


def test_a_node_frame_is_complete_as_sent_and_shows_no_column() -> None:
    frame = node(lineno=4, colno=9, module="app", context_line="boom()", pre_context=["a", "b"], post_context=["c"])
    assert frame.contents == {
        "raw_id": f"{frame.raw_id}/0",
        "mangled_name": "run",
        "line": 4,
        "source": "app.mjs",
        "module": "app",
        "in_app": True,
        "resolved_name": "run",
        "lang": "javascript",
        "resolved": True,
        "synthetic": False,
        "suspicious": False,
    }
    assert frame.context == {
        "before": [{"number": 3, "line": "b"}, {"number": 2, "line": "a"}],
        "line": {"number": 4, "line": "boom()"},
        "after": [{"number": 5, "line": "c"}],
    }


@pytest.mark.parametrize(
    "filename", ["/app/node_modules/pg/lib/client.js", "node_modules/x.mjs", "node:internal/timers"]
)
def test_dependencies_and_node_itself_are_not_the_application(filename: str) -> None:
    assert node(filename=filename).contents["in_app"] is False


@pytest.mark.parametrize(
    ("filename", "sent", "shown"), [("/app/src/user.js", True, True), ("/app/src/user.js", False, False)]
)
def test_other_files_are_what_the_client_said(filename: str, sent: bool, shown: bool) -> None:
    assert node(filename=filename, in_app=sent).contents["in_app"] is shown


def test_a_chunk_id_without_an_upload_has_failed_but_readable_lines_speak_for_the_frame() -> None:
    frame = node(lineno=4, colno=9, chunk_id="c1", context_line="boom()", pre_context=["let a"], post_context=["let b"])
    assert frame.resolved is True
    assert frame.contents["resolved_name"] == "run"
    assert frame.contents["resolve_failure"] == "No sourcemap uploaded for chunk id: c1"
    assert (frame.contents["line"], frame.contents["column"]) == (4, 9)
    assert "source" not in frame.contents
    assert frame.contents["junk_drawer"]["raw_frame"]["filename"] == "app.mjs"  # type: ignore[index,call-overload]
    assert frame.symbol_refs == ("c1",)


def test_minified_lines_speak_against_it() -> None:
    frame = node(lineno=1, colno=9, chunk_id="c1", context_line="x", pre_context=["y" * 301], post_context=["z" * 400])
    assert frame.resolved is False
    assert frame.contents["resolved"] is False
    assert "resolved_name" not in frame.contents


def test_without_lines_around_it_is_taken_for_readable() -> None:
    assert node(lineno=1, colno=9, chunk_id="c1").resolved is True
    assert node(lineno=1, colno=9, chunk_id="c1", context_line="x" * 500).resolved is True


def test_a_chunk_id_without_a_location_is_no_failure() -> None:
    frame = node(chunk_id="c1", lineno=3)
    assert "resolve_failure" not in frame.contents
    assert frame.contents["source"] == "app.mjs"


def test_what_is_kept_of_a_failed_frame_is_cut_as_the_context_is() -> None:
    frame = node(lineno=1, colno=9, chunk_id="c1", context_line="x" * 5000, pre_context=["y" * 5000] * 80)
    kept: Any = frame.contents["junk_drawer"]["raw_frame"]
    assert kept["context_line"] == "x" * 300 + "...✂️"
    assert kept["pre_context"] == ["y" * 300 + "...✂️"] * 50


def test_every_frame_that_the_real_node_sdk_sent_is_resolved() -> None:
    sent = _sent("node")
    assert len(sent) > 20
    for one in sent:
        frame = node(**one)
        assert frame.resolved is True
        assert frame.contents["source"] == one["filename"]
        assert frame.contents["in_app"] == one["in_app"]
        assert (frame.context is None) == ("context_line" not in one)


def _sent(sdk: str) -> list[dict[str, Any]]:
    requests = json.loads((WIRE / f"{sdk}.json").read_text())["requests"]
    bodies = [request["body"] for request in requests if isinstance(request["body"], dict)]
    events = [event for body in bodies for event in body.get("batch", [])]
    lists = [event["properties"].get("$exception_list", []) for event in events]
    return [frame for exceptions in lists for one in exceptions for frame in one["stacktrace"]["frames"]]
