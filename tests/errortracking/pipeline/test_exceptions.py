"""Reading an event: what is accepted, and what is cleaned and cut."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from errortracking.pipeline import frames, parse
from errortracking.pipeline.exceptions import ParsedEvent
from errortracking.pipeline.images import DebugImage

UUID_ = UUID("0198f0c2-7d5e-7c4a-9b1f-0123456789ab")
AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
WIRE = Path(__file__).parents[2] / "data" / "wire"
FRAME = {"platform": "python", "filename": "app.py", "function": "run"}


def read(properties: object) -> ParsedEvent:
    return parse.parse(UUID_, properties, AT)


def read_list(*exceptions: object, **properties: object) -> ParsedEvent:
    return read({"$exception_list": list(exceptions), **properties})


def with_frames(*sent: object, kind: str = "raw") -> ParsedEvent:
    return read_list({"type": "E", "stacktrace": {"type": kind, "frames": list(sent)}})


# --- what is accepted ---------------------------------------------------------------------------------------


def test_an_exception_with_everything() -> None:
    event = read_list(
        {
            "id": "the client's own",
            "type": "ValueError",
            "value": "bad",
            "module": "builtins",
            "thread_id": 140234567890123,
            "mechanism": {"type": "generic", "handled": True, "exception_id": 0, "source": None},
            "stacktrace": {"type": "raw", "frames": [FRAME]},
        },
        custom="x",
    )
    (exception,) = event.exceptions
    assert (exception.type, exception.value, exception.module) == ("ValueError", "bad", "builtins")
    assert exception.thread_id == 140234567890123
    assert exception.mechanism == {"type": "generic", "handled": True, "exception_id": 0, "source": None}
    assert exception.stack == "raw"
    assert exception.raw_frames == [{**FRAME, "in_app": True, "synthetic": False}]
    assert event.properties == {"custom": "x"}
    assert event.errors == []


def test_the_smallest_exception_is_a_type() -> None:
    (exception,) = read_list({"type": "E"}).exceptions
    assert (exception.value, exception.mechanism, exception.stack, exception.frames) == ("", None, None, [])


def test_null_counts_as_absent() -> None:
    event = read_list(
        {"type": "E", "value": None, "mechanism": None, "module": None, "thread_id": None, "stacktrace": None}
    )
    assert event.errors == []
    event = with_frames({**FRAME, "pre_context": None, "lineno": None, "in_app": None, "synthetic": None})
    assert event.errors == []


@pytest.mark.parametrize("number", [-(2**63), 0, 2**63 - 1])
def test_the_id_of_a_thread_has_64_bits(number: int) -> None:
    assert read_list({"type": "E", "thread_id": number}).exceptions[0].thread_id == number
    assert read_list({"type": "E", "thread_id": 2**63}).exceptions == []


def test_each_exception_gets_an_id_of_ours_dated_by_receipt() -> None:
    first, second = read_list({"type": "A", "id": "x"}, {"type": "B", "id": "x"}).exceptions
    assert first.id != second.id
    for one in (first, second):
        assert UUID(one.id).version == 7
        assert UUID(one.id).int >> 80 == int(AT.timestamp() * 1000)


def test_a_stack_that_came_resolved_is_taken_as_it_is() -> None:
    sent = {"raw_id": "x/0", "mangled_name": "f", "in_app": True, "lang": "go", "resolved": True}
    event = with_frames(sent, kind="resolved")
    frames.resolve(event)
    assert [frame.contents["mangled_name"] for frame in event.exceptions[0].frames] == ["f"]
    assert event.exceptions[0].stack == "resolved"


def test_exceptions_and_frames_are_put_into_canonical_order() -> None:
    go = [{"platform": "go", "filename": "a.go", "function": name, "lineno": 1} for name in ("crash", "entry")]
    exceptions = [{"type": "A", "stacktrace": {"type": "raw", "frames": go}}, {"type": "B"}]
    event = read_list(*exceptions, **{"$lib": "posthog-go", "$lib_version": "1.0.0"})
    assert [raw["function"] for raw in event.exceptions[0].raw_frames] == ["entry", "crash"]
    event = read_list(*exceptions, **{"$lib": "posthog-python", "$lib_version": "7.30.0"})
    assert [exception.type for exception in event.exceptions] == ["B", "A"]


def test_the_client_may_choose_the_fingerprint_and_the_issue() -> None:
    event = read_list(
        {"type": "E"},
        **{"$exception_fingerprint": "mine", "$issue_name": "Name", "$issue_description": "What it is"},
    )
    assert (event.fingerprint, event.issue_name, event.issue_description) == ("mine", "Name", "What it is")
    assert event.properties == {"$issue_name": "Name", "$issue_description": "What it is"}


def test_names_that_this_server_answers_with_are_thrown_away() -> None:
    reserved = {
        "$exception_sources": ["x"],
        "$exception_types": ["x"],
        "$exception_values": ["x"],
        "$exception_functions": ["x"],
        "$exception_handled": True,
        "$exception_release": {"version": "x"},
        "$exception_fingerprint_version": "v9",
        "$exception_proposed_fingerprint": "x",
        "$exception_fingerprint_record": [{"type": "manual"}],
        "$exception_issue_id": str(UUID_),
        "$cymbal_errors": ["x"],
    }
    kept = {"$exception_level": "error", "$exception_source": "s", "$exception_steps": [1]}
    assert read_list({"type": "E"}, **reserved, **kept).properties == kept
    assert read({**reserved, **kept}).properties == kept  # without exceptions too


def test_debug_images_are_read_and_malformed_ones_passed_over() -> None:
    images = [
        {"debug_id": "a", "image_addr": "0x1000", "image_size": 16},
        {"debug_id": "b", "image_addr": "2000", "image_size": "large"},
        {"debug_id": "c", "image_addr": "nowhere"},
        {"debug_id": "d", "image_addr": "0x3000", "image_size": True},
        {"image_addr": "0x1"},
        "no image",
    ]
    event = read_list({"type": "E"}, **{"$debug_images": images})
    assert list(event.debug_images) == [
        DebugImage("a", 0x1000, 16),
        DebugImage("b", 0x2000, None),
        DebugImage("d", 0x3000, None),
    ]
    assert event.properties["$debug_images"] == images
    assert read_list({"type": "E"}, **{"$debug_images": "none"}).errors == []


@pytest.mark.parametrize("sdk", ["python", "node", "js"])
def test_every_event_that_the_real_sdks_sent_is_read(sdk: str) -> None:
    requests = json.loads((WIRE / f"{sdk}.json").read_text())["requests"]
    bodies = [request["body"] for request in requests if isinstance(request["body"], dict)]
    sent = [event for body in bodies for event in body.get("batch", []) if event["event"] == "$exception"]
    assert len(sent) >= 4
    for one in sent:
        event = read(one["properties"])
        assert event.errors == []
        assert [exception.type for exception in event.exceptions] == [
            exception["type"] for exception in one["properties"]["$exception_list"]
        ]


# --- what is cleaned and cut --------------------------------------------------------------------------------


def test_texts_are_cut_in_bytes() -> None:
    event = read_list(
        {"type": "T" * 300, "value": "é" * 6000},
        **{"$issue_name": "n" * 256, "$issue_description": "d" * 255},
    )
    (exception,) = event.exceptions
    assert exception.type == "T" * 252 + "..."
    assert exception.value == "é" * 4998 + "..."  # 9,996 bytes and three; half of the next would be left
    assert event.properties["$issue_name"] == event.issue_name == "n" * 252 + "..."
    assert event.issue_description == "d" * 255


def test_nul_and_lone_surrogates_are_replaced_everywhere() -> None:
    event = read_list({"type": "a\0", "value": "b\ud800", "mechanism": {"x\0": "y\0"}}, **{"k\0": "v\0"})
    (exception,) = event.exceptions
    assert (exception.type, exception.value) == ("a\ufffd", "b\ufffd")
    assert exception.mechanism == {"x\ufffd": "y\ufffd"}
    assert event.properties == {"k\ufffd": "v\ufffd"}


def test_screenfuls_of_blanks_are_trimmed_from_messages_only() -> None:
    blanks = "x" + " " * 600
    event = with_frames({**FRAME, "context_line": blanks, "pre_context": [blanks]})
    raw = event.exceptions[0].raw_frames[0]
    assert (raw["context_line"], raw["pre_context"]) == (blanks, [blanks])
    assert read_list({"type": "E", "value": blanks}).exceptions[0].value == "x<ws trimmed>"
    assert read_list({"type": "E"}, note=blanks).properties["note"] == blanks


def test_of_too_many_exceptions_both_ends_are_kept_and_the_cut_is_told() -> None:
    event = read_list(*({"type": f"E{number}"} for number in range(60)))
    types = [exception.type for exception in event.exceptions]
    assert types == [f"E{number}" for number in (*range(25), *range(35, 60))]
    assert event.errors == [f"Exception list cut on event {UUID_}: 50 of 60 kept"]


def test_of_too_many_frames_both_ends_are_kept_and_the_cut_is_told() -> None:
    event = with_frames(*({**FRAME, "lineno": number} for number in range(1500)))
    lines = [raw["lineno"] for raw in event.exceptions[0].raw_frames]
    assert lines == [*range(500), *range(1000, 1500)]
    assert event.errors == [f"Stack trace cut on event {UUID_}: 1000 of 1500 frames kept"]
