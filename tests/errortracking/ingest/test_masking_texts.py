"""Secrets inside texts. The card numbers are those that payment processors publish for testing."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errortracking.ingest.masking.texts import is_block_line, is_card, masked

MASK = "$$_posthog_redacted_based_on_masking_rules_$$"
KEY = "phx_" + "a1B2" * 11

CARDS = [
    "4111111111111111",
    "4222222222222",
    "5555555555554444",
    "2223003122003222",
    "378282246310005",
    "30569309025904",
    "38520000023237",
    "6011111111111117",
    "3530111333300000",
    "6200000000000005",
]


def mask(text: str) -> tuple[str, dict[str, int]]:
    found: Counter[str] = Counter()
    return masked(text, found), dict(+found)


@pytest.mark.parametrize("number", CARDS)
def test_a_card_number_is_masked_wherever_it_stands(number: str) -> None:
    assert mask(f"card {number} was declined") == (f"card {MASK} was declined", {"card": 1})
    assert mask(number) == (MASK, {"card": 1})


@pytest.mark.parametrize(
    "written",
    ["4111 1111 1111 1111", "4111-1111-1111-1111", "3782 822463 10005", "3056 930902 5904", "4000 0000 0000 0000 006"],
)
def test_a_card_number_may_be_written_in_groups(written: str) -> None:
    assert mask(f"pay {written}.") == (f"pay {MASK}.", {"card": 1})


@pytest.mark.parametrize(
    "number",
    [
        "4111111111111112",  # Luhn's sum is 1
        "1763800000000000",  # microseconds of the epoch
        "4111111111111",  # 13 digits, of a wrong sum
        "41111111111111111111",  # 20 digits
        "9411111111111111",  # no issuer begins with 9
        "341234567890123456",  # an id of 18 digits
        "0198c0de-4111-1111-1111-11111111aaaa",
    ],
)
def test_other_long_numbers_stay(number: str) -> None:
    assert mask(f"id {number}") == (f"id {number}", {})


@pytest.mark.parametrize(
    "numbers",
    [
        "43 74 76 36 95 97 36 2 41 94 75 91 72 48 25",
        "[4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1]",
        "41 11 11 11 11 11 11 11",
        "23101199-6554-4579-aee7-2b04526c8d11",  # its first 16 digits pass Luhn's test
        "4111111 111111111",
    ],
)
def test_digits_in_other_groups_are_no_card(numbers: str) -> None:
    assert mask(f"got {numbers}") == (f"got {numbers}", {})


@pytest.mark.parametrize("before", ["2 ", "order 5 ", "2 3 ", "12-", "40 "])
@pytest.mark.parametrize("card", ["4111111111111111", "4111 1111 1111 1111"])
def test_numbers_before_a_card_do_not_hide_it(before: str, card: str) -> None:
    assert mask(f"{before}{card} declined") == (f"{before}{MASK} declined", {"card": 1})


@pytest.mark.parametrize("after", [" 123", "-737", " 12", " 1225", "-1", ", 100"])
@pytest.mark.parametrize("card", ["4111111111111111", "4111 1111 1111 1111"])
def test_numbers_after_a_card_do_not_hide_it(card: str, after: str) -> None:
    assert mask(f"paid with {card}{after}.") == (f"paid with {MASK}{after}.", {"card": 1})


def test_digits_within_a_word_are_no_card() -> None:
    assert mask("sha4111111111111111") == ("sha4111111111111111", {})


@given(st.from_regex(r"\A4[0-9]{14}\Z"))
def test_exactly_one_last_digit_makes_a_visa_card(digits: str) -> None:
    assert sum(is_card(digits + last) for last in "0123456789") == 1


def test_a_private_key_is_masked_as_a_whole() -> None:
    block = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc\n-----END RSA PRIVATE KEY-----"
    assert mask(f"key: {block} read") == (f"key: {MASK} read", {"pem": 1})


def test_a_private_key_that_is_cut_off_is_masked_to_the_end_it_has() -> None:
    assert mask("x -----BEGIN PRIVATE KEY-----\nMIIEow\nab") == (f"x {MASK}", {"pem": 1})
    assert mask("MIIEow\n-----END EC PRIVATE KEY-----\n)") == (f"{MASK}\n)", {"pem": 1})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgres://shop:hunter2@db/shop failed", f"postgres://shop:{MASK}@db/shop failed"),
        ("redis://:s3cr3t@cache:6379/0", f"redis://:{MASK}@cache:6379/0"),
        ("https://example.com:8000/a@b", "https://example.com:8000/a@b"),
        ("mailto:bob@example.com", "mailto:bob@example.com"),
    ],
)
def test_the_password_in_an_address_is_masked(text: str, expected: str) -> None:
    assert mask(text) == (expected, {"url": 1} if MASK in expected else {})


def test_parameters_of_an_address_are_masked_by_their_names() -> None:
    assert mask("https://a.example/r?token=abc&page=2&api_key=x#f") == (
        f"https://a.example/r?token={MASK}&page=2&api_key={MASK}#f",
        {"name": 2},
    )
    assert mask("https://a.example/r?token_type=bearer&page=2")[1] == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"password":"hunter2","user":"bob"}', f'{{"password":"{MASK}","user":"bob"}}'),
        ('{"password": "hun\\"ter2", "n": 1}', f'{{"password": "{MASK}", "n": 1}}'),
        ("{'api_key': 'abc', 'author': 'eve'}", f"{{'api_key': '{MASK}', 'author': 'eve'}}"),
        ("{'token': None}", "{'token': None}"),
        ("{'token': ''}", "{'token': ''}"),
    ],
)
def test_what_a_printed_object_calls_a_secret_is_masked(text: str, expected: str) -> None:
    assert mask(text)[0] == expected


def test_an_api_key_of_this_server_is_masked() -> None:
    assert mask(f"401 for {KEY}!") == (f"401 for {MASK}!", {"key": 1})
    assert mask("phx_short") == ("phx_short", {})


def test_a_text_without_secrets_is_returned_as_it_is() -> None:
    text = "TypeError: token of undefined is not a function (author: eve) = 4111"
    assert masked(text, Counter()) is text


def test_masking_twice_masks_once() -> None:
    once, _ = mask("https://a.example/?token=abc {'password': 'x'} 4111111111111111")
    assert mask(once) == (once, {})


@pytest.mark.parametrize(
    "line", ["MIIEowIBAAKCAQEA" * 4, '    "MIIEowIBAAKCAQEA+/' + "a" * 45 + '\\n"', "A" * 62 + "=="]
)
def test_lines_of_a_key_are_recognised(line: str) -> None:
    assert is_block_line(line)


@pytest.mark.parametrize("line", ["", "return total", "-" * 64, "a " * 40, "def " + "a" * 64])
def test_lines_of_code_are_not(line: str) -> None:
    assert not is_block_line(line)


@given(st.text())
def test_any_text_can_be_looked_through(text: str) -> None:
    masked(text, Counter())
