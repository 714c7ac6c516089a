"""Masking the events of a request."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errortracking.ingest.masking.walk import mask_events
from tests.errortracking.ingest import recorded

MASK = "$$_posthog_redacted_based_on_masking_rules_$$"


def mask(properties: dict[str, Any], **more: Any) -> tuple[dict[str, Any], dict[str, int]]:
    entry: Any = {"event": "$exception", "distinct_id": "password", "properties": properties, **more}
    found = mask_events([entry])
    return entry["properties"], dict(found)


def test_a_value_is_masked_by_its_key_at_any_depth() -> None:
    assert mask({"a": [{"b": {"dbPassword": "hunter2", "user": "bob"}}]}) == (
        {"a": [{"b": {"dbPassword": MASK, "user": "bob"}}]},
        {"name": 1},
    )


@pytest.mark.parametrize("value", ["x", 1234, 0, 1.5, ["a"], {"a": "b"}])
def test_whatever_stands_under_a_secrets_name_is_masked_as_a_whole(value: Any) -> None:
    assert mask({"credentials": value}) == ({"credentials": MASK}, {"name": 1})


@pytest.mark.parametrize("value", [None, True, False, "", [], {}, MASK])
def test_that_there_is_none_may_be_known(value: Any) -> None:
    assert mask({"password": value}) == ({"password": value}, {})


def test_a_projects_own_token_is_public() -> None:
    assert mask({"token": "phc_abc", "$lib": "web"}) == ({"token": "phc_abc", "$lib": "web"}, {})


def test_persons_properties_are_masked_too() -> None:
    entry: Any = {"properties": {}, "$set": {"password": "x"}, "$set_once": {"note": "4111 1111 1111 1111"}}
    assert mask_events([entry]) == {"name": 1, "card": 1}
    assert entry == {"properties": {}, "$set": {"password": MASK}, "$set_once": {"note": MASK}}


def test_variables_messages_and_lines_of_a_frame_are_masked() -> None:
    frame = {
        "function": "pay",
        "context_line": 'connect("postgres://shop:hunter2@db")',
        "pre_context": ["KEY = '''", "-----BEGIN PRIVATE KEY-----", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC" * 2, "ok"],
        "code_variables": {"card": "'5555555555554444'", "api_key": "'abc'", "total": "12"},
    }
    exception = {"type": "DeclinedError", "value": "4111111111111111 declined", "stacktrace": {"frames": [frame]}}
    properties, found = mask({"$exception_list": [exception]})
    assert properties["$exception_list"] == [
        {
            "type": "DeclinedError",
            "value": f"{MASK} declined",
            "stacktrace": {
                "frames": [
                    {
                        "function": "pay",
                        "context_line": f'connect("postgres://shop:{MASK}@db")',
                        "pre_context": ["KEY = '''", MASK, MASK, "ok"],
                        "code_variables": {"card": f"'{MASK}'", "api_key": MASK, "total": "12"},
                    }
                ]
            },
        }
    ]
    assert found == {"card": 2, "url": 1, "pem": 2, "name": 1}


def test_a_card_number_may_be_a_number() -> None:
    assert mask({"card": 4111111111111111, "id": 4111111111111112, "at": 1763800000000}) == (
        {"card": MASK, "id": 4111111111111112, "at": 1763800000000},
        {"card": 1},
    )


@pytest.mark.parametrize("text", ["a\n{}", "a\t{}\n", "\r\n{}", '"{}"', "[{}]", "{}", "é{}"])
def test_a_card_number_is_found_whatever_stands_before_it(text: str) -> None:
    before = text.format("4111111111111111")
    assert mask({"note": before}) == ({"note": text.format(MASK)}, {"card": 1})


def test_the_name_of_an_event_and_its_distinct_id_stay() -> None:
    entry: Any = {"event": "4111111111111111", "distinct_id": "4111111111111111", "properties": {"a": 1}}
    mask_events([entry])
    assert (entry["event"], entry["distinct_id"]) == ("4111111111111111", "4111111111111111")


@pytest.mark.parametrize("key", ["context_line", "pre_context", "post_context"])
def test_what_source_code_assigns_stays_and_keys_of_machines_do_not(key: str) -> None:
    line = "    login(password='hunter2', dsn='https://me:secret@db')"
    shown = f"    login(password='hunter2', dsn='https://me:{MASK}@db')"
    frame: dict[str, Any] = {key: line if key == "context_line" else [line]}
    masked, found = mask({"$exception_list": [{"value": "password='hunter2'", "frames": [frame]}]})
    [exception] = masked["$exception_list"]
    assert exception["value"] == f"password='{MASK}'"
    assert exception["frames"] == [{key: shown if key == "context_line" else [shown]}]
    assert found == {"url": 1, "name": 1}


def test_of_what_the_sdks_themselves_send_nothing_is_masked() -> None:
    bodies = [request.document for request in recorded.requests() if isinstance(request.document, dict)]
    events = [event for body in bodies for event in body.get("batch", []) if "properties" in event]
    assert len(events) > 15
    for event in events:
        before = copy.deepcopy(event)
        assert mask_events([event]) == {}
        assert event == before


def test_deep_nesting_is_walked_without_recursion() -> None:
    deep: Any = {"password": "x"}
    for _ in range(60):
        deep = {"a": [deep]}
    assert mask(deep)[1] == {"name": 1}


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=12), _json, max_size=5), st.text(min_size=1))
def test_a_secret_never_survives_whatever_is_around_it(properties: dict[str, Any], secret: str) -> None:
    properties |= {"nested": [{"client_secret": f"hunter2-{secret}"}]}
    masked, found = mask(properties)
    assert masked["nested"] == [{"client_secret": MASK}]
    assert found["name"] >= 1
