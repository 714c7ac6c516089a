"""Texts as they may be stored, and their cuts."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from errortracking.pipeline import clean
from errortracking.pipeline.clean import Cleaner

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=700)  # lone surrogates included
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT
ANY_JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4)
)


def nested(levels: int, innermost: object = "x") -> object:
    """Return lists nested ``levels`` deep around a value, made without recursion."""
    value = innermost
    for _ in range(levels):
        value = [value]
    return value


# --- texts --------------------------------------------------------------------------------------------------


def test_nul_becomes_the_replacement_character() -> None:
    assert clean.text("hello\0world") == "hello\ufffdworld"


def test_a_lone_surrogate_becomes_the_replacement_character() -> None:
    assert clean.text("a\ud83db\udc00") == "a\ufffdb\ufffd"


def test_a_real_pair_is_one_character_and_stays() -> None:
    assert clean.text("a😀b") == "a😀b"


def test_a_clean_text_is_returned_as_the_very_same_object() -> None:
    text = "naïve " * 40
    assert clean.text(text) is text


def test_fifty_blanks_in_a_long_text_are_trimmed() -> None:
    assert clean.text("a" * 500 + " " * 50 + "b") == "a" * 500 + "<ws trimmed>b"


def test_forty_nine_blanks_stay() -> None:
    text = "a" * 500 + " " * 49 + "b"
    assert clean.text(text) == text


def test_blanks_of_any_kind_count_together() -> None:
    assert clean.text("a" * 500 + "\n\t \u2003\xa0" * 10 + "b") == "a" * 500 + "<ws trimmed>b"


def test_separators_that_only_python_takes_for_whitespace_do_not_count() -> None:
    text = "a" * 500 + "\x1c" * 60
    assert clean.text(text) == text


def test_a_short_text_keeps_its_blanks() -> None:
    text = "a" + " " * 60 + "b"
    assert clean.text(text) == text


def test_a_short_text_with_nul_does_not_keep_its_blanks() -> None:
    assert clean.text("\0" + " " * 60 + "b") == "\ufffd<ws trimmed>b"


def test_long_is_measured_in_bytes() -> None:
    blanks = " " * 60
    assert clean.text("é" * 226 + blanks) == "é" * 226 + blanks  # 452 + 60 = 512 bytes
    assert clean.text("é" * 227 + blanks) == "é" * 227 + "<ws trimmed>"  # 514 bytes
    assert clean.text("a" * 453 + blanks) == "a" * 453 + "<ws trimmed>"  # 513 bytes
    assert clean.text("a" * 452 + blanks) == "a" * 452 + blanks  # 512 bytes


def test_each_of_several_runs_is_trimmed() -> None:
    assert clean.text("x" * 600 + " " * 60 + "y" + "\n" * 60) == "x" * 600 + "<ws trimmed>y<ws trimmed>"


def test_a_source_line_keeps_its_indentation_and_loses_only_nul() -> None:
    assert clean.line(" " * 600 + "return\0") == " " * 600 + "return\ufffd"


@given(ANY_TEXT)
def test_cleaning_a_second_time_changes_nothing(text: str) -> None:
    once = clean.text(text)
    assert clean.text(once) == once
    assert clean.storable(clean.storable(text)) == clean.storable(text)


@given(ANY_TEXT)
def test_what_was_cleaned_can_be_encoded_and_holds_no_nul(text: str) -> None:
    for cleaned in (clean.text(text), clean.storable(text)):
        assert b"\0" not in cleaned.encode()


# --- cuts ---------------------------------------------------------------------------------------------------


def test_a_text_of_just_the_limit_is_not_cut() -> None:
    assert clean.cut("a" * 255, 255) == "a" * 255


def test_one_byte_too_many_costs_three_for_the_ellipsis() -> None:
    assert clean.cut("a" * 256, 255) == "a" * 252 + "..."


def test_a_character_is_never_split() -> None:
    assert clean.cut("€" * 5, 12) == "€€€..."  # 15 bytes; 9 are left, three euros
    assert clean.cut("€" * 5, 13) == "€€€..."  # 10 are left: the fourth does not fit


def test_a_limit_is_in_bytes_also_where_characters_are_wide() -> None:
    assert clean.cut("😀" * 64, 255) == "😀" * 63 + "..."  # 256 bytes; 252 are left


@given(ANY_TEXT, st.integers(min_value=3, max_value=800))
def test_a_cut_never_grows_past_its_limit_and_a_second_one_changes_nothing(text: str, limit: int) -> None:
    cut = clean.cut(clean.text(text), limit)
    assert len(cut.encode()) <= limit
    assert clean.cut(cut, limit) == cut


@given(ANY_TEXT, st.integers(min_value=3, max_value=800))
def test_what_a_cut_keeps_is_the_beginning(text: str, limit: int) -> None:
    text = clean.storable(text)
    cut = clean.cut(text, limit)
    assert cut == text or (cut.endswith("...") and text.startswith(cut[:-3]) and len(text.encode()) > limit)


# --- JSON values --------------------------------------------------------------------------------------------


def test_texts_and_keys_are_cleaned_at_any_depth() -> None:
    assert Cleaner().clean({"a\0": ["x\0", {"b": "\ud800"}]}) == {"a\ufffd": ["x\ufffd", {"b": "\ufffd"}]}


def test_a_clean_value_is_returned_as_the_very_same_object() -> None:
    value = {"a": ["b", 1, 2.5, None, True, {"c": "ü" * 300}]}
    assert Cleaner(exceptions=True).clean(value) is value


def test_only_what_changed_is_copied() -> None:
    value = {"clean": {"a": ["b"]}, "dirty": ["\0"]}
    cleaned = Cleaner().clean(value)
    assert isinstance(cleaned, dict)
    assert cleaned["clean"] is value["clean"]
    assert value == {"clean": {"a": ["b"]}, "dirty": ["\0"]}


def test_blanks_are_trimmed_in_the_exception_list_and_nowhere_else() -> None:
    blanks = " " * 600
    assert Cleaner(exceptions=True).clean({"value": blanks}) == {"value": "<ws trimmed>"}
    assert Cleaner().clean({"value": blanks}) == {"value": blanks}


@pytest.mark.parametrize("key", ["context_line", "pre_context", "post_context"])
def test_source_lines_of_the_exception_list_keep_their_blanks(key: str) -> None:
    line = " " * 600 + "x\0"
    sent = line if key == "context_line" else [line]
    kept = " " * 600 + "x\ufffd"
    assert Cleaner(exceptions=True).clean({key: sent}) == {key: kept if key == "context_line" else [kept]}


def test_sixty_four_levels_are_kept() -> None:
    cleaner = Cleaner()
    value = nested(64)
    assert cleaner.clean(value) == value
    assert not cleaner.too_deep


def test_the_sixty_fifth_level_is_replaced_and_told() -> None:
    cleaner = Cleaner()
    assert cleaner.clean(nested(65)) == nested(65, "<nested too deep>")
    assert cleaner.too_deep


def test_source_lines_are_no_way_around_the_depth() -> None:
    value: object = "x"
    for _ in range(5000):
        value = {"pre_context": [value]}
    cleaner = Cleaner(exceptions=True)
    cleaner.clean(value)
    assert cleaner.too_deep


def test_a_value_nested_deeper_than_python_recurses_does_no_harm() -> None:
    cleaner = Cleaner()
    cleaner.clean(nested(100_000))
    assert cleaner.too_deep


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (2**64 - 1, 2**64 - 1),
        (-(2**63), -(2**63)),
        (2**64, 18446744073709551616.0),
        (-(2**63) - 1, -9223372036854775808.0),
        (10**400, None),
        (float("nan"), None),
        (float("inf"), None),
        (1.5, 1.5),
        (True, True),
    ],
)
def test_numbers_that_json_cannot_carry_are_replaced(sent: object, kept: object) -> None:
    cleaned = Cleaner().clean(sent)
    assert cleaned == kept
    assert type(cleaned) is type(kept)


@given(ANY_JSON, st.booleans())
def test_cleaning_any_value_twice_is_cleaning_it_once(value: object, exceptions: bool) -> None:
    once = Cleaner(exceptions=exceptions).clean(value)
    assert Cleaner(exceptions=exceptions).clean(once) == once


# Unicode's property White_Space, character by character.
WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
BLANK_TEXTS = st.lists(
    st.text(st.sampled_from(WHITE_SPACE), min_size=45, max_size=60) | st.text("aé\0\ud800\x1c", max_size=300),
    max_size=6,
).map("".join)


@given(BLANK_TEXTS | ANY_TEXT)
def test_any_text_is_cleaned_by_the_rule(text: str) -> None:
    stored = "".join("\ufffd" if one == "\0" or "\ud800" <= one <= "\udfff" else one for one in text)
    expected, run = "", ""
    for one in [*stored, ""]:
        if one and one in WHITE_SPACE:
            run += one
            continue
        expected += ("<ws trimmed>" if len(run) >= 50 else run) + one
        run = ""
    trimmed = "\0" in text or len(stored.encode()) > 512
    assert clean.text(text) == (expected if trimmed else stored)
    assert clean.line(text) == clean.storable(text) == stored


@given(ANY_JSON, st.booleans())
def test_any_value_that_was_cleaned_can_be_written_and_holds_no_nul(value: object, exceptions: bool) -> None:
    written = orjson.dumps(Cleaner(exceptions=exceptions).clean(value))
    assert b"\\u0000" not in written
    assert orjson.loads(written) == Cleaner(exceptions=exceptions).clean(value)
