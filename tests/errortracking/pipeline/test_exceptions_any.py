"""Any value at all, given as an event's properties, gives a result: never an exception."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from hypothesis import example, given
from hypothesis import strategies as st

from errortracking.pipeline import derive, fingerprint, frames, parse
from errortracking.pipeline.exceptions import ParsedEvent

UUID_ = UUID("0198f0c2-7d5e-7c4a-9b1f-0123456789ab")
AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def read(properties: object) -> ParsedEvent:
    return parse.parse(UUID_, properties, AT)


TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=12)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))


def almost(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects with these fields, each of them sometimes missing and sometimes anything."""
    return st.fixed_dictionaries({}, optional={key: value | JSON for key, value in fields.items()})


NUMBERS = st.integers(0, 2**32 - 1)
FRAMES = almost(
    platform=st.sampled_from(sorted(frames.PLATFORMS)),
    filename=TEXT | st.sampled_from(["http://a.test/b.js:1:2", "https://[", "<frozen os>"]),
    function=TEXT,
    module=TEXT,
    lang=TEXT,
    abs_path=TEXT,
    lineno=NUMBERS,
    colno=NUMBERS,
    context_line=TEXT,
    pre_context=st.lists(TEXT, max_size=3),
    post_context=st.lists(TEXT, max_size=3),
    chunk_id=TEXT,
    map_id=TEXT,
    in_app=st.booleans(),
    instruction_addr=TEXT | st.just("0x10"),
    image_addr=TEXT | st.just("0x1"),
    mangled_name=TEXT,
    resolved=st.booleans(),
    code_variables=JSON,
)
EXCEPTIONS = almost(
    type=TEXT,
    value=TEXT,
    mechanism=almost(handled=st.booleans(), type=TEXT),
    stacktrace=almost(type=st.sampled_from(["raw", "resolved"]), frames=st.lists(FRAMES, max_size=3)),
)
PROPERTIES = almost(
    **{
        "$exception_list": st.lists(EXCEPTIONS, max_size=3),
        "$exception_fingerprint": TEXT,
        "$issue_name": TEXT,
        "$lib": st.sampled_from(["posthog-python", "posthog-go", "web"]),
        "$lib_version": TEXT | st.just("1.0.0"),
        "$debug_images": st.lists(almost(debug_id=TEXT, image_addr=st.just("0x1"), image_size=NUMBERS), max_size=2),
    }
)


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
