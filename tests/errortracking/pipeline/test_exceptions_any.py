"""Any value at all, given as an event's properties, gives a result: never an exception."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from hypothesis import example, given

from errortracking.pipeline import derive, fingerprint, frames, parse
from errortracking.pipeline.exceptions import ParsedEvent
from tests.errortracking.pipeline.anything import JSON, PROPERTIES

UUID_ = UUID("0198f0c2-7d5e-7c4a-9b1f-0123456789ab")
AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def read(properties: object) -> ParsedEvent:
    return parse.parse(UUID_, properties, AT)


@given(PROPERTIES | JSON)
@example("\0")
@example(10**5000)
@example({"$exception_list": "\0"})
@example({"$exception_list": [{"type": "E", "stacktrace": {"type": "\0", "frames": []}}]})
@example({"$exception_list": [{"type": "E", "stacktrace": {"type": "raw", "frames": [{"platform": "\ud800"}]}}]})
def test_any_value_given_as_properties_gives_a_result_that_can_be_stored(properties: object) -> None:
    event = read(properties)
    frames.resolve(event)
    assert event.exceptions or event.errors
    stored: list[object] = [event.properties, event.errors, event.fingerprint, derive.outputs(event.exceptions)]
    for exception in event.exceptions:
        stored += [exception.id, exception.type, exception.value, exception.module, exception.mechanism]
        stored += [(frame.contents, frame.context, frame.code_variables) for frame in exception.frames]
        assert all(len(frame.raw_id) == 128 for frame in exception.frames)
    if event.exceptions:
        found = fingerprint.candidates(event)
        stored += [(one.value, one.version, one.record) for one in found]
        assert len({one.version for one in found}) == len(found)
    assert b"\\u0000" not in orjson.dumps(stored)


@given(PROPERTIES)
def test_what_was_given_is_not_changed(properties: dict[str, Any]) -> None:
    before = repr(properties)
    frames.resolve(read(properties))
    assert repr(properties) == before
