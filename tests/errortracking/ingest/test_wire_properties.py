"""What holds for every request: nothing is lost or changed on the way, and no bytes bring the decoder down."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import brotli
import orjson
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from errortracking.ingest import capture_v1, wire
from errortracking.ingest.refusal import Refused
from errortracking.models import payload
from tests.errortracking.ingest.lz import compress_to_base64

FORM = "application/x-www-form-urlencoded"

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = st.recursive(
    SCALARS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
EVENTS = st.fixed_dictionaries(
    {
        "event": TEXTS.filter(bool),
        "distinct_id": TEXTS.filter(bool),
        "uuid": st.uuids().filter(lambda value: value.int).map(str),
        "properties": st.dictionaries(
            TEXTS.filter(lambda name: name not in ("token", "$ignore_sent_at")), VALUES, max_size=5
        ),
        "timestamp": st.datetimes().map(lambda moment: moment.isoformat()),
    }
)

# How a client may put events into a document.
SHAPES: dict[str, Callable[[list[Any]], Any]] = {
    "batch": lambda found: {"api_key": "phc_a", "batch": found},
    "array": lambda found: [{**event, "token": "phc_a"} for event in found],
    "one": lambda found: {**found[0], "api_key": "phc_a"},
}

# How it may encode the document: the request's fields around a JSON text.
ENCODINGS: dict[str, Callable[[bytes], dict[str, Any]]] = {
    "plain": lambda text: {"body": text},
    "gzip": lambda text: {"body": gzip.compress(text), "content_encoding": "gzip"},
    "gzip without a word": lambda text: {"body": gzip.compress(text), "content_type": "text/plain"},
    "gzip-js": lambda text: {"body": gzip.compress(text), "query": b"compression=gzip-js"},
    "deflate": lambda text: {"body": zlib.compress(text), "content_encoding": "deflate"},
    "br": lambda text: {"body": brotli.compress(text, quality=1), "content_encoding": "br"},
    "zstd": lambda text: {"body": zstandard.ZstdCompressor().compress(text), "content_encoding": "zstd"},
    "lz64": lambda text: {"body": compress_to_base64(text.decode()), "query": b"compression=lz64"},
    "lz64 in a form": lambda text: {
        "body": urlencode({"compression": "lz64", "data": compress_to_base64(text.decode()).decode()}).encode(),
        "content_type": FORM,
    },
    "base64": lambda text: {"body": base64.b64encode(text)},
    "base64 twice": lambda text: {"body": base64.b64encode(base64.b64encode(text))},
    "gzip in base64": lambda text: {"body": base64.b64encode(gzip.compress(text))},
    "form": lambda text: {"body": urlencode({"data": text}).encode(), "content_type": FORM},
    "base64 in a form": lambda text: {
        "body": b"compression=base64&data=" + base64.b64encode(text),
        "content_type": FORM,
    },
    "GET": lambda text: {"method": "GET", "query": b"data=" + quote(text).encode()},
    "base64 in a GET": lambda text: {"method": "GET", "query": b"compression=base64&data=" + base64.b64encode(text)},
}
WRITERS: dict[str, Callable[[Any], bytes]] = {
    "orjson": orjson.dumps,
    "json": lambda document: json.dumps(document).encode(),
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("encoding", ENCODINGS)
@settings(max_examples=10, deadline=None)
@given(found=st.lists(EVENTS, min_size=1, max_size=3))
def test_what_was_sent_is_what_is_stored(encoding: str, shape: str, writer: str, found: list[Any]) -> None:
    text = WRITERS[writer](SHAPES[shape](found))
    request = wire.Request(**{"method": "POST", "route": "e", **ENCODINGS[encoding](text)})
    accepted = wire.decode(request)
    sent = found[:1] if shape == "one" else found
    assert accepted.token == "phc_a"
    assert accepted.events == [
        {**event, "event": event["event"][:200], "distinct_id": event["distinct_id"][:200], "offset": None}
        for event in sent
    ]
    content: payload.Payload = {
        "v": 1,
        "events": accepted.events,
        "sent_at": None,
        "received_at": "2026-11-22T01:28:43+00:00",
        "ip": None,
        "user_agent": None,
    }
    assert payload.unpack(payload.pack(content)) == content


def check(request: wire.Request) -> None:
    """Decode a request both ways; any exception but a refusal comes through and fails the test."""
    for decode in (wire.decode, capture_v1.decode):
        status = 200
        try:
            accepted = decode(request)
        except Refused as refused:
            status = refused.status
        else:
            orjson.dumps([accepted.events, accepted.results, accepted.sent_at])  # can be stored
        assert status in (200, 400, 401, 413)


REQUESTS: dict[str, Any] = {
    "method": st.sampled_from(["GET", "POST"]),
    "route": st.sampled_from(["e", "batch", "s", "engage"]),
    "query": st.binary(max_size=60)
    | st.sampled_from([b"compression=lz64", b"compression=gzip", b"_=1795310923939", b"data=e30"]),
    "content_type": st.sampled_from(["", FORM, "application/json", "text/plain"]),
    "content_encoding": st.sampled_from(["", "gzip", "deflate", "br", "zstd", "lz64", "gzip, br"])
    | st.text(max_size=10),
    "authorization": st.sampled_from(["", "Bearer phc_a"]) | st.text(max_size=20),
    "sdk_info": st.text(max_size=20),
    "request_timestamp": st.text(max_size=20),
}


@settings(max_examples=1500, deadline=None)
@given(body=st.binary(max_size=300), fields=st.fixed_dictionaries(REQUESTS))
def test_any_bytes_are_accepted_or_refused(body: bytes, fields: dict[str, Any]) -> None:
    check(wire.Request(body=body, **fields))


@settings(max_examples=800, deadline=None)
@given(
    body=st.binary(max_size=200),
    compress=st.sampled_from(
        [gzip.compress, zlib.compress, brotli.compress, zstandard.ZstdCompressor().compress, base64.b64encode]
    ),
    place=st.integers(0, 200),
    byte=st.integers(0, 255),
    fields=st.fixed_dictionaries(REQUESTS),
)
def test_damaged_streams_are_accepted_or_refused(
    body: bytes, compress: Callable[[bytes], bytes], place: int, byte: int, fields: dict[str, Any]
) -> None:
    packed = bytearray(compress(body) or b"=")
    packed[place % len(packed)] = byte
    check(wire.Request(body=bytes(packed), **fields))


# Pieces of JSON, right and wrong, that a random text would hardly hold.
WORDS = "batch api_key phc_a event distinct_id uuid properties token null NaN -Infinity 1e999 - \\u0000 \\ud800 \\udc00"
SIGNS = '{ } [ ] , : " {" ": "x" \\ é "batch":['
LONG = [
    "[" * 300,
    '{"a":' * 300,
    "9" * 400,
    "\0",
    "\ufeff",
    '{"api_key":"phc_a","event":"e","distinct_id":"d","properties":',
]
PIECES = st.sampled_from([*WORDS.split(), *SIGNS.split(), *LONG])


@settings(max_examples=1500, deadline=None)
@given(pieces=st.lists(PIECES, max_size=30), fields=st.fixed_dictionaries(REQUESTS))
def test_any_text_that_is_nearly_json_is_accepted_or_refused(pieces: list[str], fields: dict[str, Any]) -> None:
    check(wire.Request(body="".join(pieces).encode(), **{**fields, "method": "POST", "content_encoding": ""}))


@settings(max_examples=800, deadline=None)
@given(
    raw=st.dictionaries(
        st.sampled_from(
            ["event", "distinct_id", "$distinct_id", "uuid", "timestamp", "offset", "properties", "$set", "options"]
        ),
        VALUES,
    ),
    fields=st.fixed_dictionaries(REQUESTS),
)
def test_any_values_in_an_event_are_accepted_or_refused(raw: dict[str, Any], fields: dict[str, Any]) -> None:
    body = orjson.dumps({"api_key": "phc_a", "batch": [raw]})
    check(wire.Request(body=body, **{**fields, "method": "POST", "content_encoding": ""}))
