"""A whole request, from bytes to what is stored of it."""

from __future__ import annotations

import gzip
import json
from typing import Any

import orjson
import pytest

from errortracking.ingest.refusal import Refused
from errortracking.ingest.wire import Accepted, Request, decode, sent_at
from tests.errortracking.ingest.conftest import an_event


def accepted(document: Any, **request: Any) -> Accepted:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return decode(Request(**{"method": "POST", "route": "batch", "body": body, **request}))


def refusal_of(document: Any, **request: Any) -> tuple[int, str]:
    with pytest.raises(Refused) as refused:
        accepted(document, **request)
    return refused.value.status, refused.value.text


ENTRY = {
    "event": "$exception",
    "uuid": "0190f5a0-0000-7000-8000-000000000001",
    "distinct_id": "user-1",
    "timestamp": "2026-11-22T01:28:43.939Z",
    "offset": None,
    "properties": {"$lib": "web"},
}


def test_a_batch_is_accepted() -> None:
    document = {
        "api_key": "phc_a",
        "batch": [an_event(), an_event(uuid="0190f5a0-0000-7000-8000-000000000002")],
        "sent_at": "2026-11-22T01:28:44Z",
        "historical_migration": True,
    }
    assert accepted(document) == Accepted(
        token="phc_a",
        events=[ENTRY, {**ENTRY, "uuid": "0190f5a0-0000-7000-8000-000000000002"}],  # type: ignore[list-item,typeddict-item]
        sent_at="2026-11-22T01:28:44Z",
        historical_migration=True,
    )


def test_an_array_of_events_is_accepted() -> None:
    assert accepted([an_event(token="phc_a"), an_event()]) == Accepted(token="phc_a", events=[ENTRY, ENTRY])  # type: ignore[list-item]


def test_one_event_is_accepted_with_the_moment_of_sending_beside_it() -> None:
    found = accepted(an_event(api_key="phc_a", sent_at="2026-11-22T01:28:44Z"))
    assert found == Accepted(token="phc_a", events=[ENTRY], sent_at="2026-11-22T01:28:44Z")  # type: ignore[list-item]


@pytest.mark.parametrize(
    "document", [[], {"api_key": "phc_a", "batch": []}, {"api_key": "phc_a", "batch": None}, b"", b" "]
)
def test_a_request_without_events_is_400(document: Any) -> None:
    assert refusal_of(document) == (400, "request holds no event")


@pytest.mark.parametrize(
    ("document", "text"),
    [
        (b"hello", "failed to parse request: expected a JSON object or array"),
        ([1], "failed to parse request: an event must be an object"),
        ({"api_key": "phc_a", "batch": [None]}, "failed to parse request: an event must be an object"),
        ({"api_key": "phc_a", "batch": {}}, "failed to parse request: batch must be an array"),
    ],
)
def test_other_json_is_400(document: Any, text: str) -> None:
    assert refusal_of(document) == (400, text)


def test_one_bad_event_refuses_the_whole_request() -> None:
    batch = [an_event(), an_event(distinct_id=None), an_event()]
    assert refusal_of({"api_key": "phc_a", "batch": batch}) == (400, "event submitted without a distinct_id")


def test_more_than_ten_thousand_events_are_413() -> None:
    small = {"event": "e", "distinct_id": "d"}
    assert len(accepted({"api_key": "phc_a", "batch": [small] * 10_000}).events) == 10_000
    assert refusal_of({"api_key": "phc_a", "batch": [small] * 10_001}) == (413, "a request is limited to 10000 events")


def test_persons_properties_sent_to_engage_need_no_name() -> None:
    document = {"$token": "phc_a", "$distinct_id": "user-1", "$set": {"email": "a@example.com"}}
    [entry] = accepted(document, route="engage").events
    assert (entry["event"], entry["distinct_id"], entry["$set"]) == ("$identify", "user-1", {"email": "a@example.com"})
    assert refusal_of(document, route="e") == (400, "event submitted with an empty event name")
    assert refusal_of({**document, "event": ""}, route="engage") == (400, "event submitted with an empty event name")


def test_recordings_are_kept_without_what_they_recorded() -> None:
    snapshot = an_event(
        token="phc_a",
        event="$snapshot",
        properties={"$lib": "web", "$snapshot_data": ["…"] * 1000, "$snapshot_items": [1], "$session_id": "s"},
    )
    [entry] = accepted([snapshot], route="s").events
    assert entry["properties"] == {"$lib": "web", "$session_id": "s"}
    [untouched] = accepted([snapshot], route="e").events
    assert len(untouched["properties"]["$snapshot_data"]) == 1000


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (b"_=1795310923939&ip=1", "2026-11-22T01:28:43.939000+00:00"),
        (b"ip=1&_=1795310923939", "2026-11-22T01:28:43.939000+00:00"),
        (b"_=1795310923", None),  # seconds, from older SDKs
        (b"_=99999999999999999999999", None),
        (b"_=soon", None),
        (b"__=1795310923939", None),
        (b"", None),
    ],
)
def test_the_moment_of_sending_may_stand_in_the_query(query: bytes, expected: str | None) -> None:
    assert accepted([an_event(token="phc_a")], query=query).sent_at == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-22T01:28:44Z", "2026-11-22T01:28:44Z"),
        ("x" * 200, "x" * 100),
        (1_795_310_923_939, "2026-11-22T01:28:43.939000+00:00"),
        (12, None),
        (True, None),
        ([], None),
        ("", None),
    ],
)
def test_the_moment_of_sending_in_the_body_wins(value: Any, expected: str | None) -> None:
    assert sent_at(value, b"_=1600000000000") == expected
    assert sent_at(value) == expected


@pytest.mark.parametrize("value", [False, None, "true", 1])
def test_only_true_is_a_historical_migration(value: Any) -> None:
    assert not accepted({"api_key": "phc_a", "batch": [an_event()], "historical_migration": value}).historical_migration


def test_an_exception_is_not_lost_because_a_variable_was_not_a_number() -> None:
    body = json.dumps({"api_key": "phc_a", "batch": [an_event(properties={"x": float("nan"), "kept": 1})]}).encode()
    assert b"NaN" in body
    assert accepted(body).events[0]["properties"] == {"x": None, "kept": 1}


def nested(levels: int) -> str:
    return '{"k":' * levels + "1" + "}" * levels


@pytest.mark.parametrize("levels", [65, 200, 250, 1_000, 1_100, 50_000])
@pytest.mark.parametrize("shape", ['{"api_key":"phc_a","batch":[…]}', "[…]", "…"])
def test_an_event_nested_too_deep_is_kept_without_its_depths(levels: int, shape: str) -> None:
    head = '{"token":"phc_a","event":"$exception","distinct_id":"d","properties":{"kept":1,"x":'
    found = accepted(shape.replace("…", head + nested(levels - 1) + "}}").encode()).events[0]
    assert found["properties"]["kept"] == 1
    value: Any = found["properties"]["x"]
    for _ in range(63):
        value = value["k"]
    assert value is None
    assert found["faults"] == [f"Invalid properties on event {found['uuid']}, serde error: Recursion limit exceeded"]
    orjson.dumps(found)


def test_only_the_event_that_is_too_deep_is_marked() -> None:
    deep = '{"event":"e","distinct_id":"d","properties":{"x":' + nested(2_000) + "}}"
    flat = json.dumps(an_event())
    found = accepted(('{"api_key":"phc_a","batch":[' + ",".join([flat, deep, flat]) + "]}").encode()).events
    assert ["faults" in entry for entry in found] == [False, True, False]
    assert found[0] == ENTRY


@pytest.mark.parametrize("shape", ['{"api_key":"phc_a","batch":[…]}', "[…]", "…"])
def test_64_levels_are_kept_whole_in_every_shape(shape: str) -> None:
    event = '{"token":"phc_a","event":"$exception","distinct_id":"d","properties":' + nested(64) + "}"
    found = accepted(shape.replace("…", event).encode()).events[0]
    assert "faults" not in found
    assert found["properties"] == json.loads(nested(64))


@pytest.mark.parametrize("field", ["distinct_id", "uuid", "timestamp", "$set", "unknown"])
def test_depth_in_other_fields_is_no_error_either(field: str) -> None:
    event = '{"api_key":"phc_a","event":"e","distinct_id":"d","' + field + '":' + nested(3_000) + "}"
    orjson.dumps(accepted(event.encode()).events)


def test_depth_beside_the_events_does_not_matter() -> None:
    body = '{"api_key":"phc_a","batch":[' + json.dumps(an_event()) + '],"sent_at":' + nested(3_000) + "}"
    assert accepted(body.encode()).events == [ENTRY]


def test_a_request_may_be_a_get() -> None:
    query = b"data=" + json.dumps(an_event(token="phc_a")).replace("+", "%2B").encode()
    assert accepted(b"", method="GET", route="e", query=query).events == [ENTRY]


def test_what_was_sent_compressed_is_accepted_as_if_it_was_not() -> None:
    document = {"api_key": "phc_a", "batch": [an_event()]}
    assert accepted(gzip.compress(json.dumps(document).encode())) == accepted(document)
