"""What version 2 leaves out of names and messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errortracking.pipeline.fingerprint import v2


@pytest.mark.parametrize(
    ("source", "normalized"),
    [
        ("http://x.com/app.js?v=abc123", "app.js"),
        ("/assets/chunk-PGUQKT6S.js", "chunk-*.js"),
        ("chunk-PGUQKTS.js", "chunk-PGUQKTS.js"),  # seven
        ("chunk-PGUQKTSX.js", "chunk-PGUQKTSX.js"),  # eight, but no digit
        ("C:\\app\\src\\main.py", "main.py"),
        ("/a\\b/c\\d.py", "d.py"),
        ("/data/8CC63366-D88D/bundle.js", "bundle.js"),
        ("main.4f3e2d1c.chunk.0a1b2c3d4e.js", "main.*.chunk.*.js"),
        ("a/b?c/d", "b"),  # the query goes first, with the slash in it
        ("folder/", ""),
        ("", ""),
        ("über12345678.js", "ü*.js"),  # words are of ASCII letters
        ("sqlalchemy2", "*"),
    ],
)
def test_a_source_is_its_file_name_without_query_and_build_hash(source: str, normalized: str) -> None:
    assert v2.source(source) == normalized


def test_a_long_word_without_a_digit_takes_no_longer_than_its_length() -> None:
    assert v2.source("x" * 1_000_000) == "x" * 1_000_000  # quadratic, this would not end


@pytest.mark.parametrize(
    ("module", "normalized"),
    [("sqlalchemy2.orm", "sqlalchemy2.orm"), ("a/b/c12345678", "a/b/c12345678"), ("m?v=1", "m"), ("", "")],
)
def test_a_module_loses_its_query_and_nothing_else(module: str, normalized: str) -> None:
    assert v2.module(module) == normalized


@pytest.mark.parametrize(
    ("message", "normalized"),
    [
        ("cannot read 'userName' of \"x\"", "cannot read '*' of '*'"),
        ("it's 'one'", "it'*'one'"),  # quotes pair from the left
        ("'multi\nline'", "'*'"),
        ('say "it\'s"', "say '*'"),  # what begins first wins, here the double quotes
        ("at 0xdeadBEEF", "at *"),
        ("session 8cc63366-d88d-41d6-9c39-5c0824fcc036 expired", "session * expired"),
        ("commit 0123456789abcdef", "commit *"),
        ("hex 0123456789abcde", "hex #abcde"),  # fifteen
        ("timeout after 30s (attempt 2)", "timeout after #s (attempt #)"),
        ("took 45.5s, 1.2.3", "took #s, #.#"),
        ("-7 and .5", "-# and .#"),
        ("٣ errors", "# errors"),
        ("'5' of 5", "'*' of #"),
        ("", ""),
    ],
)
def test_a_message_is_masked(message: str, normalized: str) -> None:
    assert v2.message(message) == normalized


def test_a_message_is_cut_after_masking() -> None:
    assert v2.message("z" * 201) == "z" * 200
    assert v2.message("é" * 250) == "é" * 200
    assert v2.message("'" + "x" * 500 + "' " + "z" * 300) == "'*' " + "z" * 196


@given(st.text(alphabet="abc019'\"x-. ", max_size=300))
def test_numbers_and_quoted_parts_of_any_message_do_not_count(text: str) -> None:
    masked = v2.message(text)
    assert not any(character.isdecimal() for character in masked)
    assert len(masked) <= 200
