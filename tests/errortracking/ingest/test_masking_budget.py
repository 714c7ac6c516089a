"""Masking within a budget: a request that is all places to look at costs no more than any other."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from errortracking.ingest.masking.budget import LOOKS, OF_A_TEXT, Budget, Spent
from errortracking.ingest.masking.texts import has_card, masked
from errortracking.ingest.masking.walk import mask_events

MASK = "$$_posthog_redacted_based_on_masking_rules_$$"


def entry(**properties: Any) -> Any:
    return {"event": "$exception", "distinct_id": "u", "properties": properties}


def test_what_is_spent_stays_spent() -> None:
    budget = Budget(2)
    budget.take(2)
    for _ in range(2):
        with pytest.raises(Spent):
            budget.take()


@pytest.mark.parametrize(
    "text",
    [
        "?password=abcd" + "&a=b" * 9,
        "password='abcd'" + " a='b'" * 9,
        "token=abcd1" + " a=b" * 9,
        "://a:b@ " * 9,
        "-----BEGIN A-----\n-----END A-----" * 9,
        "4111 1111 1111 1112, " * 9,
        "Bearer aaaaaaaaaaaaaaaa " * 9,
    ],
)
def test_a_text_with_too_many_places_is_masked_as_a_whole(text: str) -> None:
    found: Counter[str] = Counter()
    assert masked(text, found, Budget(OF_A_TEXT + 8)) == MASK
    assert found == {"text": 1}
    assert masked(text, Counter(), Budget(OF_A_TEXT + 40)) != MASK


def test_each_text_that_may_hold_a_secret_costs_something() -> None:
    found: Counter[str] = Counter()
    budget = Budget(2 * (OF_A_TEXT + 1))
    texts = ["a text", "password='abcd1'", "no secret in it", "password='abcd2'", "password='abcd3'", "a text"]
    named = f"password='{MASK}'"
    assert [masked(text, found, budget) for text in texts] == [
        "a text",
        named,
        "no secret in it",
        named,
        MASK,
        "a text",
    ]
    assert found == {"name": 2, "text": 1}


def test_the_budget_is_the_requests_and_texts_that_hold_nothing_stay_when_it_is_spent() -> None:
    much = entry(url="https://example.com/?password=abcd" + "&a=b" * LOOKS)
    after = entry(message="password='hunter2' is wrong", note="nothing", password="hunter2", url="postgres://a:b@c/d")
    found = mask_events([much, after])
    assert much["properties"] == {"url": MASK}
    assert after["properties"] == {"message": MASK, "note": "nothing", "password": MASK, "url": MASK}
    assert found == {"text": 3, "name": 1}
    assert mask_events([entry(message="password='hunter2' is wrong")]) == {"name": 1}


NEARLY = "4111111111111112"  # a card's number but for its last digit


def test_numbers_that_may_be_cards_are_looked_at_within_the_budget() -> None:
    """20 MB of them are 20 KB of gzip, and took ten seconds."""
    assert not has_card(f"{NEARLY}, {NEARLY}".encode(), Budget(2))
    assert has_card(
        f"{NEARLY}, {NEARLY}, {NEARLY}".encode(), Budget(2)
    )  # as likely as not, so the texts are looked into
    assert has_card(b"4111111111111111", Budget(1))
    assert not has_card(b"1" * 100 + b", 1763800000000000, 17" * 100, Budget(0))


def test_a_text_of_nothing_but_such_numbers_is_masked_as_a_whole() -> None:
    much = entry(text=f"{NEARLY} " * (LOOKS + 1), note="nothing")
    assert mask_events([much]) == {"text": 1}
    assert much["properties"] == {"text": MASK, "note": "nothing"}


def test_numbers_that_are_no_texts_are_masked_when_the_budget_is_spent() -> None:
    much = entry(
        numbers=[int(NEARLY)] * (LOOKS + 1), card=4111111111111111, moment=1763800000000000, word="4111111111111111"
    )
    found = mask_events([much])
    properties = much["properties"]
    assert properties["numbers"].count(int(NEARLY)) <= LOOKS
    assert set(properties["numbers"]) == {int(NEARLY), MASK}
    assert (properties["card"], properties["moment"], properties["word"]) == (MASK, 1763800000000000, MASK)
    assert sum(found.values()) == properties["numbers"].count(MASK) + 2
