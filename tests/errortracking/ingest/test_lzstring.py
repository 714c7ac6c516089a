"""LZ-string's base64 form. The texts were compressed by lz-string 1.5.0 itself."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from errortracking.ingest.lzstring import decompress_from_base64
from tests.errortracking.ingest.lz import compress_to_base64

WRITTEN_BY_LZ_STRING = [
    ("", b"Q==="),
    ("a", b"IZA="),
    ("aaaaaaaaaa", b"IY1o"),
    ("hello", b"BYUwNmD2Q==="),
    ('{"event":"$pageview"}', b"N4IgpgbmB2AuIC4QBIAOBDA5pAlmA7iAL5A="),
    ("Grüße 🎉 日本語", b"OIJwPw+wpgBIPBuEj9mhT00DTmg8qKA="),
    ("\x00\x01", b"AAQCA==="),
    (
        '{"api_key":"phc_localtesttoken","event":"$exception","distinct_id":"user-1","properties":'
        '{"$lib":"web","$exception_list":[{"type":"Error","value":"x"}]}}',
        b"N4IghgDglg+g1gUwJ4gFwggCwMYwDYD22YeALggM6mkGIB2IANCAgG4J2logAkCAHtgQRSUAg2YATKFSh1spGFEncArhQQAn"
        b"ALQBGJhk0EIW0ZTSgeeKACNuAdwR3mfQcNHj8MrqgDaoUiQTbgBRTSNNA1YSVQRufhAAXwBdRMSgA===",
    ),
]


@pytest.mark.parametrize(("text", "compressed"), WRITTEN_BY_LZ_STRING)
def test_what_lz_string_wrote_is_read(text: str, compressed: bytes) -> None:
    assert decompress_from_base64(compressed, 1000) == text.encode()


@pytest.mark.parametrize(("text", "compressed"), WRITTEN_BY_LZ_STRING)
def test_the_padding_may_be_missing(text: str, compressed: bytes) -> None:
    assert decompress_from_base64(compressed.rstrip(b"="), 1000) == text.encode()


def test_a_lone_surrogate_becomes_the_replacement_character() -> None:
    # lz-string's output for the UTF-16 code units 61, d83d, 62.
    assert decompress_from_base64(b"IaXg2EZA", 100) == "a\ufffdb".encode()


@pytest.mark.parametrize("compressed", [text for _, text in WRITTEN_BY_LZ_STRING if len(text) > 8])
def test_a_text_that_was_cut_off_is_refused_wherever_it_was_cut(compressed: bytes) -> None:
    whole = compressed.rstrip(b"=")
    # The last characters hold the rest of the end code; all of them before it are part of the text.
    for length in range(1, len(whole) - 3):
        with pytest.raises(ValueError, match=r"ends early|never given out|beginning"):
            decompress_from_base64(whole[:length], 10_000)


@pytest.mark.parametrize("text", [b"!!!!", b"A", b"", b"wwww", "日本".encode()])
def test_what_lz_string_did_not_write_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        decompress_from_base64(text, 100)


def test_the_output_is_counted_in_code_units_and_stops_at_the_limit() -> None:
    assert decompress_from_base64(b"IY1o", 10) == b"aaaaaaaaaa"
    assert decompress_from_base64(b"IY1o", 9) is None


@pytest.mark.parametrize(("text", "compressed"), WRITTEN_BY_LZ_STRING)
def test_the_helper_of_these_tests_writes_what_lz_string_writes(text: str, compressed: bytes) -> None:
    assert compress_to_base64(text) == compressed


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300) | st.text("ab", max_size=2000))
@example('{"a":"' + "ab" * 5000 + '"}')
def test_any_text_comes_back(text: str) -> None:
    data = text.encode()
    units = len(text.encode("utf-16-le")) // 2
    assert decompress_from_base64(compress_to_base64(text), units) == data
    if units:
        assert decompress_from_base64(compress_to_base64(text), units - 1) is None
