"""Where a token may stand, which one wins, and what is wrong with a bad one."""

from __future__ import annotations

from typing import Any

import pytest

from errortracking.ingest import project_token, wire
from errortracking.ingest.refusal import Refused


def token_of(document: Any) -> str:
    return project_token.of_request(document, wire.raw_events(document))


def refusal_of(document: Any) -> tuple[int, str]:
    with pytest.raises(Refused) as refused:
        token_of(document)
    return refused.value.status, refused.value.text


@pytest.mark.parametrize("key", ["api_key", "token"])
def test_a_batch_names_it_once(key: str) -> None:
    assert token_of({key: "phc_a", "batch": [{"event": "e"}]}) == "phc_a"


@pytest.mark.parametrize(
    "event", [{"token": "phc_a"}, {"$token": "phc_a"}, {"api_key": "phc_a"}, {"properties": {"token": "phc_a"}}]
)
def test_an_event_names_it_in_one_of_four_places(event: dict[str, Any]) -> None:
    assert token_of(event) == "phc_a"
    assert token_of([event]) == "phc_a"
    assert token_of({"batch": [event]}) == "phc_a"


def test_the_batchs_token_wins_over_its_events() -> None:
    assert token_of({"api_key": "phc_a", "batch": [{"token": "phc_b"}, {"properties": {"token": "phc_c"}}]}) == "phc_a"


def test_an_events_own_token_wins_over_its_properties() -> None:
    assert token_of({"api_key": "phc_a", "properties": {"token": "phc_b"}}) == "phc_a"


def test_an_event_without_a_token_belongs_to_the_others() -> None:
    assert token_of([{"event": "e"}, {"token": "phc_a"}, {"token": None}]) == "phc_a"


def test_events_with_different_tokens_are_refused() -> None:
    assert refusal_of([{"token": "phc_a"}, {"token": "phc_b"}]) == (
        401,
        "batch submitted with inconsistent api_key values",
    )


@pytest.mark.parametrize(
    "document", [{"event": "e"}, [{"event": "e"}], {"batch": [{"event": "e"}]}, {"api_key": None, "batch": [{}]}]
)
def test_no_token_at_all_is_refused(document: Any) -> None:
    assert refusal_of(document) == (401, "event submitted without an api_key")


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("", "empty"),
        (" \t\n", "empty"),
        ("a" * 65, "too_long"),
        ("phc_é", "not_ascii"),
        ("phx_abc", "personal_api_key"),
        (" phx_abc", "personal_api_key"),
        ("phc\0a", "null_byte"),
        ("phc\ufffda", "null_byte"),  # what the parser makes of a NUL
    ],
)
def test_a_bad_token_is_refused_with_its_reason(token: str, reason: str) -> None:
    assert refusal_of({"api_key": token, "batch": [{}]}) == (401, f"API key is not valid: {reason}")
    assert refusal_of({"token": token}) == (401, f"API key is not valid: {reason}")


@pytest.mark.parametrize("token", ["phc_a", " phc_a\n", "anything-else", "a" * 64, "phc_phx_"])
def test_other_tokens_are_accepted_without_blanks_around_them(token: str) -> None:
    assert token_of({"api_key": token, "batch": [{}]}) == token.strip()


@pytest.mark.parametrize("token", [12, True, ["phc_a"], {}])
def test_a_token_that_is_no_text_is_400(token: Any) -> None:
    assert refusal_of({"api_key": token, "batch": [{}]}) == (400, "failed to parse request: api_key must be a text")


@pytest.mark.parametrize("header", ["Bearer phc_a", "bearer phc_a", "BEARER   phc_a  ", " Bearer phc_a"])
def test_a_header_names_it_with_bearer_in_any_case(header: str) -> None:
    assert project_token.of_header(header) == "phc_a"


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("", "event submitted without an api_key"),
        ("Bearer", "API key is not valid: empty"),
        ("Bearer phx_a", "API key is not valid: personal_api_key"),
        ("Basic abc", "API key is not valid: the Authorization header must use the Bearer scheme"),
    ],
)
def test_a_header_without_a_good_token_is_401(header: str, text: str) -> None:
    with pytest.raises(Refused) as refused:
        project_token.of_header(header)
    assert (refused.value.status, refused.value.text) == (401, text)
