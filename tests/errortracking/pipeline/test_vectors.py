"""Ids of frames and fingerprints of every platform, worked out by hand: ``tests/data/hand_vectors.json``.

Each vector is an event as its SDK sends it, and beside each hash stand the pieces that go into it, written down from
the rules and not from this code. Numbers are ``{"u32": n}`` and ``{"u64": n}``, big-endian; a fingerprint's pieces
carry the names that its record shows. Frames and exceptions are numbered in canonical order. A value here must never
change: issues and frames that exist are keyed by it.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha512
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from errortracking.pipeline import fingerprint, frames, parse
from errortracking.pipeline.exceptions import ParsedEvent
from errortracking.pipeline.frames import PLATFORMS

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parents[2] / "data" / "hand_vectors.json").read_text())
WIDTHS = {"u32": 4, "u64": 8}
each_vector = pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])


def as_bytes(piece: str | dict[str, int]) -> bytes:
    if isinstance(piece, str):
        return piece.encode()
    ((kind, number),) = piece.items()
    return number.to_bytes(WIDTHS[kind], "big")


def resolved(vector: dict[str, Any]) -> ParsedEvent:
    event = parse.parse(UUID(int=7), vector["properties"], datetime(2026, 3, 1, tzinfo=UTC))
    frames.resolve(event)
    assert event.errors == []
    return event


def record_of(event: ParsedEvent, parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the record that these parts make, with the ids that the event has."""
    shown = [frame.contents["raw_id"] for exception in event.exceptions for frame in exception.frames]
    record: list[dict[str, Any]] = []
    for part in parts:
        names = [name for name, _ in part["pieces"]]
        if "exception" in part:
            record.append({"type": "exception", "id": event.exceptions[part["exception"]].id, "pieces": names})
        else:
            record.append({"type": "frame", "raw_id": shown[part["frame"]], "pieces": names})
    return record


def test_every_platform_has_a_vector() -> None:
    sent = [frame for vector in VECTORS for one in vector["properties"]["$exception_list"] for frame in frames_of(one)]
    assert {frame["platform"] for frame in sent} == set(PLATFORMS)


def frames_of(exception: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = exception.get("stacktrace", {}).get("frames", [])
    return found


@each_vector
def test_each_hash_is_that_of_the_pieces_written_beside_it(vector: dict[str, Any]) -> None:
    for one in vector["raw_ids"]:
        assert one["sha512"] == sha512(b"".join(as_bytes(piece) for piece in one["pieces"])).hexdigest()
    for one in vector["fingerprints"].values():
        text = "".join(text for part in one["parts"] for _, text in part["pieces"])
        assert one["sha512"] == sha512(text.encode()).hexdigest()


@each_vector
def test_frames_have_these_ids(vector: dict[str, Any]) -> None:
    found = [frame.raw_id for exception in resolved(vector).exceptions for frame in exception.frames]
    assert found == [one["sha512"] for one in vector["raw_ids"]]


@each_vector
def test_what_a_frame_says_of_itself_is_what_its_contents_say(vector: dict[str, Any]) -> None:
    for exception in resolved(vector).exceptions:
        for frame in exception.frames:
            assert frame.contents["resolved"] is frame.resolved
            assert frame.contents["raw_id"] == f"{frame.raw_id}/{frame.part}"


@each_vector
def test_fingerprints_have_these_values_and_records(vector: dict[str, Any]) -> None:
    event = resolved(vector)
    found = {one.version: one for one in fingerprint.candidates(event)}
    assert list(found) == [name for name in ("v2", "v1", "v2_legacy", "v1_legacy") if name in vector["fingerprints"]]
    for version, expected in vector["fingerprints"].items():
        assert found[version].value == expected["sha512"], version
        assert found[version].record == record_of(event, expected["parts"]), version


# --- what the real SDKs sent --------------------------------------------------------------------------------

# The recorded events by SDK and number, and what is hashed of them, a mark between the pieces.
RECORDED = [
    (
        ("python", 0),
        {
            "v1": "RuntimeError‖py_wire.py‖__main__‖run‖py_wire.py‖__main__‖outer‖"
            "ValueError‖py_wire.py‖__main__‖outer‖py_wire.py‖__main__‖middle‖"
            "KeyError‖py_wire.py‖__main__‖middle‖py_wire.py‖__main__‖inner",
            "v1_legacy": "KeyError‖py_wire.py‖__main__‖middle‖py_wire.py‖__main__‖inner‖"
            "ValueError‖py_wire.py‖__main__‖outer‖py_wire.py‖__main__‖middle‖"
            "RuntimeError‖py_wire.py‖__main__‖run‖py_wire.py‖__main__‖outer",
        },
    ),
    (
        ("python", 1),
        {
            "v2": "TypeError‖py_wire.py‖__main__‖run‖ZeroDivisionError‖py_wire.py‖__main__‖run",
            "v2_legacy": "ZeroDivisionError‖py_wire.py‖__main__‖run‖TypeError‖py_wire.py‖__main__‖run",
        },
    ),
    (
        ("node", 1),
        {
            "v1": "Error‖node_wire.mjs‖node_wire‖?‖node_wire.mjs‖node_wire‖main",
            "v2": "Error‖node_wire.mjs‖node_wire‖?‖node_wire.mjs‖node_wire‖main‖"
            "client.mjs‖posthog-node.dist:client‖PostHog.captureException",
        },
    ),
    (
        ("node", 4),
        {
            "v1": "TypeError‖node_auto.mjs‖node_auto‖Timeout._onTimeout",
            "v2": "TypeError‖timers‖timers‖process.processTimers‖timers‖timers‖"
            "listOnTimeout‖node_auto.mjs‖node_auto‖Timeout._onTimeout",
        },
    ),
    # Scripts from a disk have no URL that could be looked up: readable, and no source is claimed.
    (("js", 1), {"v1": "Error‖?‖eval‖t.captureException", "v2": "Error‖?‖eval‖eval‖t.captureException"}),
]


@pytest.mark.parametrize(("which", "pieces"), RECORDED, ids=[f"{sdk} {number}" for (sdk, number), _ in RECORDED])
def test_what_the_real_sdks_sent_is_hashed_by_these_pieces(which: tuple[str, int], pieces: dict[str, str]) -> None:
    sdk, number = which
    recorded = json.loads((Path(__file__).parents[2] / "data" / "wire" / f"{sdk}.json").read_text())["requests"]
    batches = [request["body"].get("batch", []) for request in recorded if isinstance(request["body"], dict)]
    events = [event for batch in batches for event in batch if event["event"] == "$exception"]
    found = {one.version: one.value for one in fingerprint.candidates(resolved(events[number]))}
    for version, text in pieces.items():
        assert found[version] == sha512(text.replace("‖", "").encode()).hexdigest(), version
