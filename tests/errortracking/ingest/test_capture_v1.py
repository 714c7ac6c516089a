"""Capture V1: the token in a header, typed options, a verdict for each event."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import brotli
import pytest
import zstandard

from errortracking.ingest.capture_v1 import decode
from errortracking.ingest.refusal import Refused
from errortracking.ingest.wire import Accepted, Request
from tests.errortracking.ingest.conftest import an_event

FIRST = "0190f5a0-0000-7000-8000-000000000001"
SECOND = "0190f5a0-0000-7000-8000-000000000002"


def accepted(document: Any, **request: Any) -> Accepted:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    fields = {"authorization": "Bearer phc_a", "sdk_info": "posthog-python/7.91.1", **request}
    return decode(Request(method="POST", route="i/v1/analytics/events", body=body, **fields))


def refusal_of(document: Any, **request: Any) -> tuple[int, str]:
    with pytest.raises(Refused) as refused:
        accepted(document, **request)
    return refused.value.status, refused.value.text


def batch(*events: Any, **fields: Any) -> dict[str, Any]:
    return {"created_at": "2026-11-22T01:28:44Z", "batch": list(events), **fields}


def test_each_event_gets_its_verdict_by_its_uuid() -> None:
    found = accepted(batch(an_event(), an_event(uuid=SECOND)))
    assert found.results == {FIRST: {"result": "ok"}, SECOND: {"result": "ok"}}
    assert [event["uuid"] for event in found.events] == [FIRST, SECOND]
    assert found.token == "phc_a"


def test_the_sdk_comes_from_its_header() -> None:
    [event] = accepted(batch(an_event(properties={"own": 1}))).events
    assert event["properties"] == {"own": 1, "$lib": "posthog-python", "$lib_version": "7.91.1"}


@pytest.mark.parametrize(
    ("info", "properties"),
    [
        ("posthog/sub-sdk/2.3.4", {"$lib": "posthog/sub-sdk", "$lib_version": "2.3.4"}),
        ("  posthog-rs / 1.2.3  ", {"$lib": "posthog-rs", "$lib_version": "1.2.3"}),
        ("no-slash", {}),
        ("/1.0.0", {}),
        ("posthog-rs/", {}),
        ("", {}),
        ("posthog-rs/" + "9" * 89, {"$lib": "posthog-rs", "$lib_version": "9" * 89}),  # a hundred characters
        ("posthog-rs/" + "9" * 90, {}),
    ],
)
def test_a_header_that_names_no_sdk_is_not_believed(info: str, properties: dict[str, str]) -> None:
    assert accepted(batch(an_event(properties={})), sdk_info=info).events[0]["properties"] == properties


def test_what_the_sdk_lifted_out_of_the_properties_is_put_back() -> None:
    options = {
        "cookieless_mode": False,
        "disable_skew_correction": True,
        "product_tour_id": "tour",
        "process_person_profile": False,
        "unknown": 1,
    }
    [event] = accepted(
        batch(an_event(properties={}, options=options, session_id="s", window_id="w")), sdk_info=""
    ).events
    assert event["properties"] == {
        "$session_id": "s",
        "$window_id": "w",
        "$cookieless_mode": False,
        "$ignore_sent_at": True,
        "$product_tour_id": "tour",
        "$process_person_profile": False,
    }
    assert event["keep_timestamp"] is True


@pytest.mark.parametrize("options", [None, [], "text", {}, {"cookieless_mode": None}])
def test_options_that_are_none_are_no_error(options: Any) -> None:
    assert accepted(batch(an_event(properties={}, options=options)), sdk_info="").events[0]["properties"] == {}


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("br", brotli.compress),
        ("zstd", zstandard.ZstdCompressor().compress),
    ],
)
def test_a_batch_may_be_compressed_in_each_way_that_the_sdk_knows(
    encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    packed = pack(json.dumps(batch(an_event())).encode())
    assert accepted(packed, content_encoding=encoding).results == {FIRST: {"result": "ok"}}


def test_a_bad_event_is_dropped_and_its_neighbours_are_kept() -> None:
    found = accepted(batch(an_event(), an_event(uuid=SECOND, distinct_id="")))
    assert [event["uuid"] for event in found.events] == [FIRST]
    assert found.results == {
        FIRST: {"result": "ok"},
        SECOND: {"result": "drop", "details": "event submitted with an empty distinct_id"},
    }


def test_an_event_with_a_broken_uuid_has_its_verdict_under_the_uuid_its_client_knows() -> None:
    found = accepted(batch(an_event(uuid="NOT-A-UUID")))
    assert found.results == {"NOT-A-UUID": {"result": "ok"}}
    assert found.events[0]["uuid"] != "NOT-A-UUID"


def test_an_event_without_a_uuid_has_its_verdict_under_the_one_it_was_given() -> None:
    found = accepted(batch(an_event(uuid=...)))
    assert found.results == {found.events[0]["uuid"]: {"result": "ok"}}


def test_a_dropped_event_without_a_uuid_has_no_verdict() -> None:
    found = accepted(batch(an_event(uuid=..., event="")))
    assert (found.events, found.results) == ([], {})


def test_the_moment_of_sending_is_the_header_else_when_the_batch_was_made() -> None:
    assert accepted(batch(an_event()), request_timestamp="2026-11-22T01:28:45Z").sent_at == "2026-11-22T01:28:45Z"
    assert accepted(batch(an_event())).sent_at == "2026-11-22T01:28:44Z"


def test_a_historical_migration_is_noted() -> None:
    assert accepted(batch(an_event(), historical_migration=True)).historical_migration is True
    assert accepted(batch(an_event())).historical_migration is False


@pytest.mark.parametrize("authorization", ["", "Bearer phx_a", "phc_a"])
def test_without_a_good_token_in_the_header_the_request_is_401(authorization: str) -> None:
    assert refusal_of(batch(an_event(token="phc_a")), authorization=authorization)[0] == 401


@pytest.mark.parametrize(
    ("document", "text"),
    [
        (b"", "request holds no event"),
        (b"{}", "request holds no event"),
        (batch(), "request holds no event"),
        ([an_event()], "failed to parse request: missing field `batch`"),
        ({"event": "e"}, "failed to parse request: missing field `batch`"),
        ({"batch": 1}, "failed to parse request: batch must be an array"),
        ({"batch": [1]}, "failed to parse request: an event must be an object"),
        (b"hello", "failed to parse request: expected a JSON object or array"),
    ],
)
def test_a_request_of_another_shape_is_400(document: Any, text: str) -> None:
    assert refusal_of(document) == (400, text)


def test_an_event_nested_too_deep_is_kept_and_marked() -> None:
    deep: Any = 1
    for _ in range(100):
        deep = {"k": deep}
    found = accepted(batch(an_event(properties={"x": deep}), an_event(uuid=SECOND)))
    assert found.events[0]["faults"] == [f"Invalid properties on event {FIRST}, serde error: Recursion limit exceeded"]
    assert "faults" not in found.events[1]
    assert found.results == {FIRST: {"result": "ok"}, SECOND: {"result": "ok"}}
