"""JSON that is right, odd or wrong."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from errortracking.ingest import limits
from errortracking.ingest.parse import _ESCAPE, parse, without_depths
from errortracking.ingest.refusal import Refused


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"[]", []),
        (b' {"a" : [1, 2.5, null, true, "\xc3\xbc"]} \n', {"a": [1, 2.5, None, True, "ü"]}),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b'["\\ud83c\\udf89", "\xf0\x9f\x8e\x89"]', ["🎉", "🎉"]),
        (b"[-9223372036854775808, 18446744073709551615]", [-9223372036854775808, 18446744073709551615]),
    ],
)
def test_json_is_read(text: bytes, value: Any) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'["a\\u0000b"]', ["a\ufffdb"]),
        (b'["\\u0000\\u0000"]', ["\ufffd\ufffd"]),
        (b'{"\\u0000":"\\u0000"}', {"\ufffd": "\ufffd"}),
        (b'["a\0b"]', ["a\ufffdb"]),
        (b'["\\\\u0000"]', ["\\u0000"]),  # a backslash and the text u0000: not a NUL
        (b'["\\\\\\u0000"]', ["\\\ufffd"]),
        (b'["\\u0000", "\\ud83c\\udf89", "\\n\\"\\\\"]', ["\ufffd", "🎉", '\n"\\']),
    ],
)
def test_nul_becomes_the_replacement_character(text: bytes, value: Any) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'["\\ud800"]', ["\ufffd"]),
        (b'["\\uDC00"]', ["\ufffd"]),
        (b'["\\udc00\\ud800"]', ["\ufffd\ufffd"]),
        (b'["\\ud800\\ud83c\\udf89"]', ["\ufffd🎉"]),
        (b'["\\ud83c\\udf89\\udf89"]', ["🎉\ufffd"]),
        (b'["\\ud83cx"]', ["\ufffdx"]),
        (b'{"\\ud83c":1}', {"\ufffd": 1}),
        (b'["\\\\ud800"]', ["\\ud800"]),
        (b'["\\\\ud83c\\udf89"]', ["\\ud83c\ufffd"]),  # the first is text, so the second has no half before it
        (b'["\\\\\\ud83c\\udf89"]', ["\\🎉"]),
        (b'["\\ud83c\\\\udf89"]', ["\ufffd\\udf89"]),
        (b'["\\n\\ud800\\n"]', ["\n\ufffd\n"]),
        (b'["\xed\xa0\x80"]', ["\ufffd\ufffd\ufffd"]),  # a surrogate written as if it were UTF-8
    ],
)
def test_a_lone_surrogate_becomes_the_replacement_character(text: bytes, value: Any) -> None:
    assert parse(text) == value


def test_escapes_that_may_stay_are_not_looked_at_one_by_one() -> None:
    """25 MB of them are 25 KB of gzip, and took ten seconds."""
    for harmless in (rb"\n", rb"\u00e9", rb"\"", rb"\\"):
        assert _ESCAPE.findall(harmless * 1000) == []
    assert parse(b'["' + rb"\n\u00e9" * 1000 + rb'\u0000"]') == ["\né" * 1000 + "\ufffd"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"[NaN, Infinity, -Infinity]", [None, None, None]),
        (b'{"x":NaN,"NaN":"NaN"}', {"x": None, "NaN": "NaN"}),
        (b"[1e999, -1e999, 1e-999, 0.1]", [None, None, 0.0, 0.1]),
    ],
)
def test_what_is_not_a_number_becomes_null(text: bytes, value: Any) -> None:
    assert parse(text) == value


def test_integers_beyond_64_bits_become_floats_and_beyond_doubles_text() -> None:
    assert parse(b"[18446744073709551616, -9223372036854775809]") == [1.8446744073709552e19, -9.223372036854775808e18]
    huge = b"1" + b"0" * 5000
    assert parse(b"[" + huge + b"]") == [huge.decode()]


def test_the_slow_parser_reads_integers_as_the_fast_one() -> None:
    numbers = [0, -1, 10**17, 10**18, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 10**300]
    text = json.dumps(numbers).encode()
    read = parse(text[:-1] + b",NaN]")
    assert read == [*orjson.loads(text), None]
    # 2**64 and the float beside it are equal to Python, but only the float can be written again.
    assert [type(number) for number in read[:-1]] == [type(number) for number in orjson.loads(text)]


def test_bytes_that_are_not_utf_8_become_the_replacement_character() -> None:
    assert parse(b'["caf\xe9"]') == ["caf\ufffd"]


def test_raw_control_characters_in_texts_are_kept() -> None:
    assert parse(b'["a\tb\nc"]') == ["a\tb\nc"]


def test_a_byte_order_mark_is_skipped() -> None:
    assert parse(b"\xef\xbb\xbf[NaN]") == [None]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"hello",
        b"null",
        b'"text"',
        b"12",
        b"{",
        b"[1,]",
        b"[1] [2]",
        b'{"a":1',
        b"{'a':1}",
        b'["\\x"]',
        b'["\\u12"]',
        b'["',
        b"[01]",
        b"[NaN",
        b"[nan]",
        b"\x1f\x8b",
        b'["\\ud800',
        b'["\\u0000\\',
    ],
)
def test_what_is_not_json_is_400(text: bytes) -> None:
    if text[:1] not in (b"{", b"["):
        expected = "failed to parse request: expected a JSON object or array"
    else:
        expected = "failed to parse request: "
    with pytest.raises(Refused) as refused:
        parse(text)
    assert refused.value.status == 400
    assert refused.value.text.startswith(expected)


def nested(levels: int, inner: str = "") -> str:
    return '{"a":[' * (levels // 2) + inner + "]}" * (levels // 2)


@pytest.mark.parametrize("levels", [10, 200, 1_000, 1_100, 2_000, 100_000, 1_000_000])
def test_no_depth_is_refused(levels: int) -> None:
    value = parse(b'[1, "kept", ' + nested(levels).encode() + b', {"after": 2}]')
    assert value[:2] == [1, "kept"]
    assert value[3] == {"after": 2}


def test_beyond_the_parser_deeper_values_are_cut_at_200_levels() -> None:
    value = parse(nested(5_000).encode())
    depth = 0
    while value:
        value = value["a"] if isinstance(value, dict) else value[0]
        depth += 1
    assert (depth, value) == (200, None)


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("[[[1]]]", "[[null]]"),
        ('{"a":{"b":{"c":1}},"d":2}', '{"a":{"b":null},"d":2}'),
        ("[[1,[2],3,{},4]]", "[[1,null,3,null,4]]"),
        ('["[[[[", "\\"[[[", [[[]]]]', '["[[[[", "\\"[[[", [null]]'),
        ('[["\\\\", [1], "]]"], 5]', '[["\\\\", null, "]]"], 5]'),
        ("[[[", "[[null"),
        ('[["', '[["'),
        ("]]]][[", "]]]][["),
        ("", ""),
    ],
)
def test_cutting_at_two_levels_leaves_the_rest_as_it_was(text: str, cut: str) -> None:
    assert without_depths(text, 2) == cut


@pytest.mark.parametrize(
    "text",
    [
        '["' + '\\"' * 1_000_000,
        '"' * 1_000_001,
        "[" * 1_000_000,
        '{"":' * 500_000,
        '["' + "\\" * 1_000_001,
    ],
    ids=["escaped quotes", "quotes", "brackets", "objects", "backslashes"],
)
def test_hostile_texts_take_one_pass(text: str) -> None:
    """A pattern that goes back over what it has read would need hours here, and the test would be ended."""
    assert without_depths(text, 200)[:200] == text[:200]
    with pytest.raises(Refused):
        parse(text.encode())


@pytest.mark.parametrize(
    ("piece", "values"),  # of what is repeated
    [(b"0,", 1), (b"[],", 2), (b'{"a":1},', 2), (b'{"a":[1]},', 3), (b'[[[{"a":0}]]],', 5)],
)
def test_more_than_two_million_values_are_413(piece: bytes, values: int) -> None:
    room = limits.VALUES - 2  # a bracket around all, and a comma for what ends it
    kept = b"[" + piece * (room // values)
    parse(kept + b" " * limits.VALUES + b"0]")
    with pytest.raises(Refused) as refused:
        parse(kept + piece * 2 + b" " * limits.VALUES + b"0]")
    assert (refused.value.status, refused.value.text) == (413, "a request is limited to 2000000 values")
