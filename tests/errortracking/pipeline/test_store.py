"""What the row of an exception holds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from environments.models import Project
from errortracking.models import Event, Fingerprint, event_payload
from tests.errortracking.pipeline.making import NOON, entry, exception, frame, queue, request, send, stored, turn, uuid


def row(project: Project) -> Event:
    return Event.objects.get(environment_id=project.id)


def test_an_exception_is_a_row_under_its_own_uuid(project: Project) -> None:
    send(
        project,
        entry(uuid=uuid(5), distinct_id="ada", timestamp="2026-11-22T11:58:00.250Z"),
        received_at=NOON + timedelta(seconds=1),
    )

    event = row(project)
    assert event.id == UUID(uuid(5))
    assert event.received_at == NOON + timedelta(seconds=1)
    assert event.timestamp == NOON - timedelta(seconds=119.75)
    assert event.fingerprint_id == Fingerprint.objects.get(environment_id=project.id).id
    assert (event.distinct_id, event.sdk, event.sdk_version) == ("ada", "posthog-python", "7.91.1")


def test_the_clients_clock_is_corrected_by_when_it_says_it_sent(project: Project) -> None:
    # The client is two hours ahead: it happened a minute before it was sent.
    late = (NOON + timedelta(hours=2)).isoformat()
    happened = (NOON + timedelta(hours=2, minutes=-1)).isoformat()
    queue(project, payload=_packed(entry(timestamp=happened), sent_at=late), events=1)
    turn(project)

    assert row(project).timestamp == NOON - timedelta(minutes=1)


def test_a_client_may_ask_that_its_clock_be_believed(project: Project) -> None:
    late = (NOON + timedelta(hours=2)).isoformat()
    queue(project, payload=_packed(entry(timestamp=late, keep_timestamp=True), sent_at=late), events=1)
    turn(project)

    assert row(project).timestamp == NOON + timedelta(hours=2)


def test_an_older_sdk_tells_how_long_ago_it_happened(project: Project) -> None:
    send(project, entry(timestamp=None, offset=1500))

    assert row(project).timestamp == NOON - timedelta(seconds=1.5)


def _packed(*entries: object, **changes: object) -> bytes:
    from errortracking.models import payload

    return payload.pack(request(*entries, **changes))  # type: ignore[arg-type]


def test_an_exception_keeps_what_is_its_own(project: Project) -> None:
    mechanism = {"type": "generic", "handled": True, "synthetic": False, "exception_id": 0}
    event = entry(
        exception("ValueError", "no stock", mechanism=mechanism, module="shop", thread_id=7),
        exception("KeyError", "'price'", frames=[]),
    )
    send(project, event)

    first, second = stored(project, event["uuid"])["exceptions"]
    assert UUID(first.pop("id")).version == UUID(second.pop("id")).version == 7  # type: ignore[misc]
    assert len(first.pop("frames")) == 1  # type: ignore[misc]
    assert first == {
        "type": "ValueError",
        "value": "no stock",
        "mechanism": mechanism,
        "module": "shop",
        "thread_id": 7,
        "stack": "raw",
    }
    assert dict(second) == {"type": "KeyError", "value": "'price'", "frames": []}


def test_properties_are_stored_with_what_was_derived_and_without_the_list(project: Project) -> None:
    event = entry(
        exception(
            "ValueError",
            "no stock",
            frames=[frame("pay"), frame("urlopen", filename="a/site-packages/b.py", abs_path=...)],
        ),
        properties={"order": 12, "$exception_types": ["forged"], "$exception_issue_id": "forged"},
    )
    send(project, event)

    assert stored(project, event["uuid"])["properties"] == {
        "$lib": "posthog-python",
        "$lib_version": "7.91.1",
        "order": 12,
        "$exception_types": ["ValueError"],
        "$exception_values": ["no stock"],
        "$exception_sources": ["shop/cart.py"],
        "$exception_functions": ["pay"],
        "$exception_handled": False,
        "$exception_fingerprint_version": "v2",
    }


def test_an_event_tells_by_which_version_it_was_recognised(project: Project) -> None:
    # The second is the first as a Go SDK used to send it, with its crash first; both go by one fingerprint.
    frames = [frame("a"), frame("b")]
    events = [
        entry(exception(frames=frames), properties={"$lib": "posthog-go", "$lib_version": version})
        for version in ("1.19.0", "1.18.9")
    ]
    send(project, *events)

    versions = [stored(project, event["uuid"])["properties"]["$exception_fingerprint_version"] for event in events]
    assert versions == ["v2", "v2_legacy"]


def test_an_event_whose_client_chose_its_fingerprint_has_no_version(project: Project) -> None:
    event = entry(properties={"$exception_fingerprint": "checkout", "$exception_fingerprint_version": "v9"})
    send(project, event)

    assert "$exception_fingerprint_version" not in stored(project, event["uuid"])["properties"]


def test_frames_are_not_repeated_in_the_event(project: Project) -> None:
    event = entry(exception(frames=[frame("a_function_with_a_long_name", context_line="x" * 200)]))
    send(project, event)

    content = stored(project, event["uuid"])
    assert set(content["exceptions"][0]["frames"][0]) == {"frame", "content"}
    assert "x" * 200 not in str(content)


def test_an_unreadable_list_is_kept_as_it_was_sent_with_what_was_wrong(project: Project) -> None:
    event = entry(properties={"$exception_list": [{"value": "without a type"}]}, uuid=uuid(9))
    send(project, event)

    content = stored(project, uuid(9))
    assert content["exceptions"] == []
    assert content["properties"]["$exception_list"] == [{"value": "without a type"}]
    assert content["properties"]["$cymbal_errors"] == [
        f"Invalid properties on event {uuid(9)}, serde error: missing field `type` at $exception_list[0]"
    ]
    assert "$exception_types" not in content["properties"]


def test_an_empty_list_is_an_error_of_the_event(project: Project) -> None:
    send(project, entry(properties={"$exception_list": []}, uuid=uuid(9)))

    assert stored(project, uuid(9))["properties"]["$cymbal_errors"] == [f"Empty exception list on event {uuid(9)}"]


def test_what_ingest_had_to_cut_away_is_told_first(project: Project) -> None:
    event = entry(faults=["nested too deep"], properties={"$exception_list": [], "$cymbal_errors": ["forged"]})
    send(project, event)

    errors = stored(project, event["uuid"])["properties"]["$cymbal_errors"]
    assert errors == ["nested too deep", f"Empty exception list on event {event['uuid']}"]


def test_persons_properties_beside_the_events_are_kept(project: Project) -> None:
    beside: dict[str, Any] = {"$set": {"plan": "pro"}, "$set_once": {"seen": 1}}
    event = entry(**beside)
    send(project, event)

    properties = stored(project, event["uuid"])["properties"]
    assert (properties["$set"], properties["$set_once"]) == ({"plan": "pro"}, {"seen": 1})


def test_persons_properties_inside_the_events_go_first(project: Project) -> None:
    event = entry(properties={"$set": {"plan": "free"}}, **{"$set": {"plan": "pro"}})
    send(project, event)

    assert stored(project, event["uuid"])["properties"]["$set"] == {"plan": "free"}


def test_where_it_came_from_is_kept(project: Project) -> None:
    event = entry()
    queue(project, payload=_packed(event, ip="192.0.2.7", user_agent="posthog-python/7.91.1"), events=1)
    turn(project)

    content = stored(project, event["uuid"])
    assert (content["ip"], content["user_agent"]) == ("192.0.2.7", "posthog-python/7.91.1")
    assert set(content) == {"v", "exceptions", "properties", "ip", "user_agent"}


def test_unknown_places_of_origin_are_left_out(project: Project) -> None:
    event = entry()
    send(project, event)

    assert set(stored(project, event["uuid"])) == {"v", "exceptions", "properties"}


def test_a_payload_can_be_unpacked_again() -> None:
    event: event_payload.StoredEvent = {"v": 1, "exceptions": [], "properties": {"a": [1, None, "ü"]}}

    assert event_payload.unpack(event_payload.pack(event)) == event
    assert event_payload.unpack(memoryview(event_payload.pack(event))) == event


@pytest.mark.parametrize("packed", [b"", b"no zstd", event_payload.pack({"v": 2})], ids=["empty", "other", "version"])  # type: ignore[typeddict-item]
def test_what_is_no_stored_event_is_refused(packed: bytes) -> None:
    with pytest.raises(ValueError, match="stored event"):
        event_payload.unpack(packed)


def test_a_payload_larger_than_any_is_refused_before_it_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = event_payload.pack({"v": 1, "exceptions": [], "properties": {"a": "x" * 5000}})
    monkeypatch.setattr(event_payload, "MAXIMUM_UNPACKED_BYTES", 4000)

    with pytest.raises(ValueError, match="larger"):
        event_payload.unpack(packed)
