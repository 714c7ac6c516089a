"""Frames that a client sends resolved already."""

from __future__ import annotations

import pytest

from errortracking.pipeline.exceptions import Frame
from errortracking.pipeline.frames import resolved
from errortracking.pipeline.frames.base import Malformed

COMMON = {"in_app": True, "resolved": True, "synthetic": False, "suspicious": False}
SENT = {"raw_id": "abc/0", "mangled_name": "f", "in_app": True, "lang": "go", "resolved": True}


def shown(one: Frame) -> dict[str, object]:
    return {key: value for key, value in one.contents.items() if key not in ("raw_id", "junk_drawer")}


def test_a_frame_that_came_resolved_keeps_its_contents() -> None:
    one = resolved.read(
        {**SENT, "line": 3, "column": None, "source": "a.go", "unknown": 1, "code_variables": {"a": "b"}}
    )
    assert shown(one) == {**COMMON, "lang": "go", "mangled_name": "f", "line": 3, "source": "a.go"}
    assert one.code_variables == {"a": "b"}
    assert (one.part, one.resolved) == (0, True)


def test_what_else_a_client_keeps_beside_its_frame_stays_there() -> None:
    one = resolved.read({**SENT, "junk_drawer": {"raw_frame": {"a": 1}}, "suspicious": True, "resolved": False})
    assert one.contents["junk_drawer"] == {"raw_frame": {"a": 1}}
    assert (one.contents["suspicious"], one.resolved, one.contents["resolved"]) == (True, False, False)


def test_a_client_cannot_name_the_row_that_its_frame_goes_into() -> None:
    one = resolved.read(SENT)
    assert one.raw_id == resolved.read({**SENT, "raw_id": "another/1"}).raw_id
    assert one.raw_id != resolved.read({**SENT, "mangled_name": "g"}).raw_id
    assert one.contents["raw_id"] == f"{one.raw_id}/0"
    assert len(one.raw_id) == 128


@pytest.mark.parametrize("missing", ["mangled_name", "in_app", "lang", "resolved"])
def test_a_frame_that_came_resolved_must_be_whole(missing: str) -> None:
    with pytest.raises(Malformed, match=f"missing field `{missing}`"):
        resolved.read({key: value for key, value in SENT.items() if key != missing})


@pytest.mark.parametrize(
    ("key", "value"),
    [("line", -1), ("line", 1.5), ("in_app", "yes"), ("source", 4), ("junk_drawer", []), ("resolved", 1)],
)
def test_a_frame_that_came_resolved_must_have_the_right_types(key: str, value: object) -> None:
    with pytest.raises(Malformed, match=f"`{key}`"):
        resolved.read({**SENT, key: value})
