"""What becomes of one event: its name, its id, who it is about, and what is kept of the rest."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from errortracking.ingest import events
from errortracking.ingest.refusal import Refused
from tests.errortracking.ingest.conftest import an_event


def entry(**changes: Any) -> Any:
    return events.entry(an_event(**changes), "phc_a")


def refusal_of(**changes: Any) -> tuple[int, str]:
    with pytest.raises(Refused) as refused:
        entry(**changes)
    return refused.value.status, refused.value.text


def test_an_event_becomes_an_entry() -> None:
    assert entry() == {
        "event": "$exception",
        "uuid": "0190f5a0-0000-7000-8000-000000000001",
        "distinct_id": "user-1",
        "timestamp": "2026-11-22T01:28:43.939Z",
        "offset": None,
        "properties": {"$lib": "web"},
    }


@pytest.mark.parametrize("name", [..., None, ""])
def test_an_event_without_a_name_is_400(name: Any) -> None:
    assert refusal_of(event=name) == (400, "event submitted with an empty event name")


def test_a_name_that_is_no_text_is_400() -> None:
    assert refusal_of(event=12) == (400, "failed to parse request: the event name must be a text")


def test_a_long_name_is_cut_to_200_characters() -> None:
    assert entry(event="ü" * 300)["event"] == "ü" * 200


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("user-1", "user-1"),
        (" ", " "),
        (23, "23"),
        (23.4, "23.4"),
        (0, "0"),
        (False, "false"),
        (["a", "b"], '["a","b"]'),
        ({"string": "a", "number": 3}, '{"number":3,"string":"a"}'),
        ("日" * 201, "日" * 200),
    ],
)
def test_a_distinct_id_of_any_kind_becomes_text_of_at_most_200_characters(sent: Any, text: str) -> None:
    assert entry(distinct_id=sent)["distinct_id"] == text
    assert entry(distinct_id=..., properties={"distinct_id": sent})["distinct_id"] == text


def test_a_distinct_id_may_stand_in_three_places_of_which_the_first_wins() -> None:
    everywhere = {"$distinct_id": "second", "properties": {"distinct_id": "third"}}
    assert entry(distinct_id="first", **everywhere)["distinct_id"] == "first"
    assert entry(distinct_id=None, **everywhere)["distinct_id"] == "second"
    assert entry(distinct_id=..., properties={"distinct_id": "third"})["distinct_id"] == "third"


@pytest.mark.parametrize("properties", [..., {}, {"distinct_id": None}])
def test_an_event_about_nobody_is_400(properties: Any) -> None:
    assert refusal_of(distinct_id=None, properties=properties) == (400, "event submitted without a distinct_id")


def test_an_empty_distinct_id_is_400_even_where_the_properties_hold_one() -> None:
    assert refusal_of(distinct_id="", properties={"distinct_id": "x"}) == (
        400,
        "event submitted with an empty distinct_id",
    )


@pytest.mark.parametrize(
    "sent",
    [
        "0190F5A0-0000-7000-8000-000000000001",
        "0190f5a0000070008000000000000001",
        "{0190f5a0-0000-7000-8000-000000000001}",
        "urn:uuid:0190f5a0-0000-7000-8000-000000000001",
        " 0190f5a0-0000-7000-8000-000000000001\n",
    ],
)
def test_a_uuid_of_any_spelling_is_kept_in_the_canonical_one(sent: str) -> None:
    assert entry(uuid=sent)["uuid"] == "0190f5a0-0000-7000-8000-000000000001"


@pytest.mark.parametrize("absent", [..., None, ""])
def test_an_event_without_a_uuid_gets_a_new_one_of_version_7(absent: Any) -> None:
    first, second = UUID(entry(uuid=absent)["uuid"]), UUID(entry(uuid=absent)["uuid"])
    assert (first.version, second.version) == (7, 7)
    assert first != second


BROKEN = ["undefined", "not-a-uuid", "00000000-0000-0000-0000-000000000000", 12, {"a": 1}, True, "0190f5a0"]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_uuid_is_replaced_and_the_same_for_each_retry_of_the_event(broken: Any) -> None:
    made = UUID(entry(uuid=broken)["uuid"])
    assert made.version == 5
    assert entry(uuid=broken)["uuid"] == str(made)


@pytest.mark.parametrize("broken", BROKEN)
def test_two_events_with_the_same_broken_uuid_are_not_one(broken: Any) -> None:
    one, other = entry(uuid=broken), entry(uuid=broken, timestamp="2026-11-22T01:28:43.940Z")
    assert one["uuid"] != other["uuid"]


def test_a_broken_uuid_is_replaced_differently_in_each_project() -> None:
    raw = an_event(uuid="undefined")
    assert events.entry(raw, "phc_a")["uuid"] != events.entry(raw, "phc_b")["uuid"]


@pytest.mark.parametrize("absent", [..., None, [], {}])
def test_properties_may_be_missing_and_php_writes_none_as_a_list(absent: Any) -> None:
    assert entry(properties=absent)["properties"] == {}


@pytest.mark.parametrize("properties", [[1], "text", 12, False])
def test_properties_that_are_no_object_are_400(properties: Any) -> None:
    assert refusal_of(properties=properties) == (400, "failed to parse request: properties must be an object")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2026-11-22T01:28:43Z", "2026-11-22T01:28:43Z"),
        ("yesterday", "yesterday"),  # for the pipeline to judge
        (1_795_310_923_939, "1795310923939"),
        ("x" * 200, "x" * 100),
        ("", None),
        (None, None),
        (True, None),
        ({"a": 1}, None),
    ],
)
def test_a_timestamp_is_kept_as_text(sent: Any, kept: str | None) -> None:
    assert entry(timestamp=sent)["timestamp"] == kept


@pytest.mark.parametrize(("sent", "kept"), [(1500, 1500), (0.5, 0.5), ("1500", None), (True, None), (None, None)])
def test_an_offset_is_a_number(sent: Any, kept: float | None) -> None:
    assert entry(offset=sent)["offset"] == kept


def test_persons_properties_are_kept_beside_the_events_when_they_are_objects() -> None:
    kept = entry(**{"$set": {"email": "a@example.com"}, "$set_once": {"first": 1}})
    assert kept["$set"] == {"email": "a@example.com"}
    assert kept["$set_once"] == {"first": 1}
    assert {"$set", "$set_once"}.isdisjoint(entry(**{"$set": [], "$set_once": "x"}))


def test_an_event_may_ask_that_its_time_be_left_alone() -> None:
    assert entry(properties={"$ignore_sent_at": True})["keep_timestamp"] is True
    assert "keep_timestamp" not in entry(properties={"$ignore_sent_at": False})


def test_unknown_fields_are_left_out() -> None:
    assert entry(type="capture", library="x", faults=["forged"], keep_timestamp=True) == entry()


def deep(levels: int) -> Any:
    """Return a value of so many levels with a number inside."""
    value: Any = 1
    for _ in range(levels):
        value = {"k": value}
    return value


def test_properties_of_64_levels_are_kept_whole() -> None:
    kept = events.entry(an_event(properties=deep(64)), "phc_a", deep=True)
    assert kept["properties"] == deep(64)
    assert "faults" not in kept


def test_deeper_properties_are_cut_and_the_event_is_marked() -> None:
    kept = events.entry(an_event(properties={"kept": "x", "k": deep(64)}), "phc_a", deep=True)
    value: Any = kept["properties"]
    assert value["kept"] == "x"
    for _ in range(64):
        value = value["k"]
    assert value is None
    assert kept["faults"] == [
        "Invalid properties on event 0190f5a0-0000-7000-8000-000000000001, serde error: Recursion limit exceeded"
    ]
