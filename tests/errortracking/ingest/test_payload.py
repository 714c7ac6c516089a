"""The contract of the queue's rows: what is packed is what is unpacked."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
import zstandard

from errortracking.models import payload

PAYLOAD: payload.Payload = {
    "v": 1,
    "events": [
        {
            "event": "$exception",
            "uuid": "0190f5a0-0000-7000-8000-000000000001",
            "distinct_id": "user-1",
            "timestamp": None,
            "offset": 1.5,
            "properties": {"$lib": "web", "text": "ü🎉", "big": 2**64 - 1},
            "$set": {"a": 1},
            "faults": ["…"],
        }
    ],
    "sent_at": None,
    "received_at": "2026-11-22T01:28:43.939000+00:00",
    "ip": "127.0.0.1",
    "user_agent": None,
}


def test_what_is_packed_is_what_is_unpacked() -> None:
    assert payload.unpack(payload.pack(PAYLOAD)) == PAYLOAD
    assert payload.unpack(memoryview(payload.pack(PAYLOAD))) == PAYLOAD


def test_a_payload_is_json_under_zstd_so_that_an_operator_can_read_it() -> None:
    assert orjson.loads(zstandard.ZstdDecompressor().decompress(payload.pack(PAYLOAD))) == PAYLOAD


def test_many_frames_of_one_text_take_little_space() -> None:
    big: Any = {**PAYLOAD, "events": PAYLOAD["events"] * 1000}
    assert len(payload.pack(big)) < 1500


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"not zstd",
        zstandard.ZstdCompressor().compress(b"not json"),
        zstandard.ZstdCompressor().compress(b"[]"),
        zstandard.ZstdCompressor().compress(b'{"v":2,"events":[]}'),
        payload.pack(PAYLOAD)[:-5],
    ],
)
def test_other_bytes_are_no_payload(packed: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        payload.unpack(packed)


def test_a_payload_that_claims_to_be_huge_is_not_expanded() -> None:
    claims_a_gigabyte = b"\x28\xb5\x2f\xfd\xa0" + (2**30).to_bytes(4, "little") + b"\x03\x00\x00\x00"
    assert zstandard.frame_content_size(claims_a_gigabyte) == 2**30
    with pytest.raises(ValueError, match="larger than any"):
        payload.unpack(claims_a_gigabyte)
