"""What an event becomes whose exceptions cannot be read: it is kept, with the reason."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest

from errortracking.pipeline import parse
from errortracking.pipeline.exceptions import ParsedEvent

UUID_ = UUID("0198f0c2-7d5e-7c4a-9b1f-0123456789ab")
AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
INVALID = f"Invalid properties on event {UUID_}, serde error: "
FRAME = {"platform": "python", "filename": "app.py", "function": "run"}


def read(properties: object) -> ParsedEvent:
    return parse.parse(UUID_, properties, AT)


def read_list(*exceptions: object, **properties: object) -> ParsedEvent:
    return read({"$exception_list": list(exceptions), **properties})


def with_frames(*sent: object, kind: str = "raw") -> ParsedEvent:
    return read_list({"type": "E", "stacktrace": {"type": kind, "frames": list(sent)}})


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        (None, "invalid type: null, expected a map"),
        ([], "invalid type: sequence, expected a map"),
        ("x", 'invalid type: string "x", expected a map'),
        ({}, "missing field `$exception_list`"),
        ({"$exception_list": None}, "missing field `$exception_list`"),
        ({"$exception_list": {}}, "invalid type: map, expected a sequence for `$exception_list`"),
        ({"$exception_list": 5}, "invalid type: integer `5`, expected a sequence for `$exception_list`"),
        ({"$exception_list": ["x"]}, 'invalid type: string "x", expected a map at $exception_list[0]'),
        ({"$exception_list": [{"value": "x"}]}, "missing field `type` at $exception_list[0]"),
        (
            {"$exception_list": [{"type": "E"}, {"type": 5}]},
            "invalid type: integer `5`, expected a string for `type` at $exception_list[1]",
        ),
        (
            {"$exception_list": [{"type": "E", "value": 1.5}]},
            "invalid type: floating point `1.5`, expected a string for `value` at $exception_list[0]",
        ),
        (
            {"$exception_list": [{"type": "E", "mechanism": "generic"}]},
            'invalid type: string "generic", expected a map for `mechanism` at $exception_list[0]',
        ),
        (
            {"$exception_list": [{"type": "E", "mechanism": {"handled": "yes"}}]},
            'invalid type: string "yes", expected a boolean for `handled` at $exception_list[0]',
        ),
        (
            {"$exception_list": [{"type": "E", "thread_id": True}]},
            "invalid type: boolean `true`, expected i64 for `thread_id` at $exception_list[0]",
        ),
        (
            {"$exception_list": [{"type": "E", "stacktrace": []}]},
            "invalid type: sequence, expected a map for `stacktrace` at $exception_list[0]",
        ),
        (
            {"$exception_list": [{"type": "E", "stacktrace": {"frames": []}}]},
            "missing field `type` in `stacktrace` at $exception_list[0]",
        ),
        (
            {"$exception_list": [{"type": "E", "stacktrace": {"type": "raw"}}]},
            "missing field `frames` in `stacktrace` at $exception_list[0]",
        ),
        (
            {"$exception_list": [{"type": "E", "stacktrace": {"type": "raw", "frames": {}}}]},
            "invalid type: map, expected a sequence for `frames` at $exception_list[0]",
        ),
        (
            {"$exception_list": [{"type": "E", "stacktrace": {"type": "cooked", "frames": []}}]},
            'unknown variant string "cooked", expected `raw` or `resolved` for `stacktrace` at $exception_list[0]',
        ),
        (
            {"$exception_list": [{"type": "E"}], "$exception_fingerprint": ["x"]},
            "invalid type: sequence, expected a string for `$exception_fingerprint`",
        ),
        (
            {"$exception_list": [{"type": "E"}], "$issue_name": 5},
            "invalid type: integer `5`, expected a string for `$issue_name`",
        ),
    ],
)
def test_an_event_of_the_wrong_shape_is_kept_with_the_reason(properties: Any, reason: str) -> None:
    event = read(properties)
    assert event.exceptions == []
    assert event.errors == [INVALID + reason]
    if isinstance(properties, dict):
        assert event.properties.get("$exception_list") == properties.get("$exception_list")


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ("x", 'invalid type: string "x", expected a map'),
        ({}, "missing field `platform`"),
        ({"platform": ["python"]}, "unknown variant sequence, expected one of `apple`, `custom`"),
        ({"platform": "dotnet"}, 'unknown variant string "dotnet", expected one of `apple`, `custom`'),
        ({"platform": "python", "function": "f"}, "missing field `filename`"),
        ({**FRAME, "lineno": -1}, "invalid type: integer `-1`, expected u32 for `lineno`"),
        ({**FRAME, "lineno": 2**32}, "invalid type: integer `4294967296`, expected u32 for `lineno`"),
        ({**FRAME, "lineno": 1.0}, "invalid type: floating point `1.0`, expected u32 for `lineno`"),
        ({**FRAME, "lineno": True}, "invalid type: boolean `true`, expected u32 for `lineno`"),
        ({**FRAME, "in_app": 1}, "invalid type: integer `1`, expected a boolean for `in_app`"),
        ({**FRAME, "pre_context": "x"}, 'invalid type: string "x", expected a sequence of strings for `pre_context`'),
        ({**FRAME, "post_context": [1]}, "invalid type: sequence, expected a sequence of strings for `post_context`"),
        ({**FRAME, "context_line": {}}, "invalid type: map, expected a string for `context_line`"),
    ],
)
def test_one_malformed_frame_makes_the_list_unreadable(sent: object, reason: str) -> None:
    event = with_frames(FRAME, sent)
    assert event.exceptions == []
    (error,) = event.errors
    assert error.startswith(INVALID + reason)
    assert error.endswith(" at $exception_list[0]")


def test_a_long_value_does_not_make_a_long_error() -> None:
    (error,) = read_list({"type": "E", "mechanism": "x" * 100_000}).errors
    assert len(error) < 300


def test_an_empty_list_has_a_text_of_its_own() -> None:
    event = read_list(custom=1)
    assert (event.exceptions, event.errors) == ([], [f"Empty exception list on event {UUID_}"])
    assert event.properties == {"custom": 1, "$exception_list": []}


def deep(levels: int) -> object:
    value: object = "x"
    for _ in range(levels):
        value = [value]
    return value


def test_a_list_that_nests_too_deep_is_kept_in_part_with_the_reason() -> None:
    # The list is level 0, the exception 1, the mechanism 2: 62 more may follow.
    assert read_list({"type": "E", "mechanism": {"x": deep(61)}}).errors == []
    event = read_list({"type": "E", "mechanism": {"x": deep(62)}}, custom=1)
    assert event.exceptions == []
    assert event.errors == [f"{INVALID}Recursion limit exceeded"]
    assert event.properties["custom"] == 1
    assert b"<nested too deep>" in orjson.dumps(event.properties["$exception_list"])


def test_another_property_that_nests_too_deep_is_told_but_the_exceptions_are_read() -> None:
    event = read_list({"type": "E"}, extra=deep(100_000))
    assert [exception.type for exception in event.exceptions] == ["E"]
    assert event.errors == [f"{INVALID}Recursion limit exceeded"]
    assert b"<nested too deep>" in orjson.dumps(event.properties)
