"""What an event gains from its exceptions."""

from __future__ import annotations

from typing import Any

import pytest

from errortracking.pipeline import derive
from errortracking.pipeline.exceptions import Frame, JsonObject, ParsedException


def frame(in_app: bool, **contents: Any) -> Frame:
    shown = {"raw_id": "r/0", "mangled_name": "mangled", "in_app": in_app, "lang": "x", "resolved": True, **contents}
    return Frame("r", 0, {"synthetic": False, "suspicious": False, **shown}, None, True)  # type: ignore[typeddict-item]


def exception(type_: str, value: str, *frames: Frame, mechanism: JsonObject | None = None) -> ParsedException:
    return ParsedException(id="1", type=type_, value=value, stack="raw", frames=list(frames), mechanism=mechanism)


def test_types_and_values_are_unique_and_in_the_order_of_the_list() -> None:
    found = derive.outputs([exception("Z", "z"), exception("A", "a"), exception("Z", "z"), exception("M", "a")])
    assert found["$exception_types"] == ["Z", "A", "M"]
    assert found["$exception_values"] == ["z", "a"]


def test_sources_and_functions_are_those_of_in_app_frames_across_all_exceptions() -> None:
    first = exception(
        "A",
        "",
        frame(True, source="b.py", resolved_name="run"),
        frame(False, source="lib.py", resolved_name="call"),
        frame(True, source="a.py", resolved_name="run"),
    )
    second = exception("B", "", frame(True, source="a.py", resolved_name="walk"), frame(True))
    found = derive.outputs([first, second])
    assert found["$exception_sources"] == ["b.py", "a.py"]
    assert found["$exception_functions"] == ["run", "walk"]  # a mangled name is no function's name


@pytest.mark.parametrize(
    ("mechanism", "handled"),
    [(None, False), ({}, False), ({"handled": None}, False), ({"handled": False}, False), ({"handled": True}, True)],
)
def test_handled_is_what_the_outermost_exception_says(mechanism: JsonObject | None, handled: bool) -> None:
    other: JsonObject = {"handled": not handled}
    found = derive.outputs([exception("A", "", mechanism=mechanism), exception("B", "", mechanism=other)])
    assert found["$exception_handled"] is handled


def test_without_exceptions_everything_is_empty() -> None:
    assert derive.outputs([]) == {
        "$exception_types": [],
        "$exception_values": [],
        "$exception_sources": [],
        "$exception_functions": [],
        "$exception_handled": False,
    }
