"""Every encoding, there and back; and what a bomb, a cut stream or rubbish in its place gets."""

from __future__ import annotations

import base64
import gzip
import time
import tracemalloc
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard

from errortracking.ingest import encodings, limits
from errortracking.ingest.refusal import Refused

MEGABYTE = 1024 * 1024
TEXT = b'{"event":"$exception","properties":{"line":"' + bytes(range(32, 127)) * 30 + b'"}}'


def bare_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


CODECS = {
    "gzip": (gzip.compress, encodings.expand_gzip),
    "deflate": (zlib.compress, encodings.expand_deflate),
    "deflate without zlib's header": (bare_deflate, encodings.expand_deflate),
    "br": (brotli.compress, encodings.expand_brotli),
    "zstd": (zstandard.ZstdCompressor().compress, encodings.expand_zstd),
}
Codec = Callable[[bytes], bytes]
Expand = Callable[[bytes, int], bytes]
each_codec = pytest.mark.parametrize(("compress", "expand"), CODECS.values(), ids=CODECS.keys())


@each_codec
@pytest.mark.parametrize("data", [b"", b"x", TEXT, bytes(300_000)], ids=["empty", "one byte", "text", "zeros"])
def test_what_was_compressed_comes_back(compress: Codec, expand: Expand, data: bytes) -> None:
    assert expand(compress(data), MEGABYTE) == data


@each_codec
def test_an_exact_fit_is_kept_and_a_byte_more_is_413(compress: Codec, expand: Expand) -> None:
    compressed = compress(bytes(100_000))
    assert len(expand(compressed, 100_000)) == 100_000
    with pytest.raises(Refused) as refused:
        expand(compressed, 99_999)
    assert (refused.value.status, refused.value.text) == (413, "the expanded body is limited to 99999 bytes")


@each_codec
def test_a_bomb_is_413_and_costs_no_more_memory_than_the_limit(compress: Codec, expand: Expand) -> None:
    bomb = compress(bytes(120 * MEGABYTE))
    tracemalloc.start()
    with pytest.raises(Refused) as refused:
        expand(bomb, 20 * MEGABYTE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refused.value.status == 413
    assert peak < 60 * MEGABYTE  # zlib's buffer grows by doubling; 120 would mean that everything was expanded


@each_codec
def test_a_stream_that_ends_early_is_400_wherever_it_ends(compress: Codec, expand: Expand) -> None:
    whole = compress(TEXT)
    for length in range(len(whole)):
        with pytest.raises(Refused) as refused:
            expand(whole[:length], MEGABYTE)
        assert refused.value.status == 400
        assert refused.value.text.startswith("failed to decode request: ")


@each_codec
def test_rubbish_is_400(compress: Codec, expand: Expand) -> None:
    with pytest.raises(Refused) as refused:
        expand(b"\xff\xfe this is not compressed at all", MEGABYTE)
    assert refused.value.status == 400


def test_the_reason_for_a_refusal_names_the_encoding() -> None:
    for expand, text in [
        (encodings.expand_gzip, "failed to decode request: invalid gzip data"),
        (encodings.expand_deflate, "failed to decode request: invalid deflate data"),
        (encodings.expand_brotli, "failed to decode request: invalid br data"),
        (encodings.expand_zstd, "failed to decode request: invalid zstd data"),
    ]:
        with pytest.raises(Refused) as refused:
            expand(b"\xff\xff\xff\xff\xff\xff\xff\xff", MEGABYTE)
        assert refused.value.text == text


def test_gzip_of_several_members_is_one_text_and_counts_as_one() -> None:
    members = gzip.compress(b"one, ") + gzip.compress(b"two")
    assert encodings.expand_gzip(members, 8) == b"one, two"
    with pytest.raises(Refused) as refused:
        encodings.expand_gzip(members, 7)
    assert refused.value.status == 413


def test_bytes_behind_gzip_are_ignored() -> None:
    assert encodings.expand_gzip(gzip.compress(b"text") + b"\0\0\0", 10) == b"text"


def test_zstd_of_several_frames_is_one_text_and_counts_as_one() -> None:
    compress = zstandard.ZstdCompressor().compress
    frames = compress(b"one, ") + compress(b"two")
    assert encodings.expand_zstd(frames, 8) == b"one, two"
    with pytest.raises(Refused) as refused:
        encodings.expand_zstd(frames, 7)
    assert refused.value.status == 413


@pytest.mark.parametrize(
    ("compress", "expand"),
    [(gzip.compress, encodings.expand_gzip), (zstandard.ZstdCompressor().compress, encodings.expand_zstd)],
)
def test_thousands_of_tiny_members_are_400(compress: Codec, expand: Expand) -> None:
    with pytest.raises(Refused) as refused:
        expand(compress(b"") * 5000, MEGABYTE)
    assert refused.value.status == 400


def test_a_zstd_window_beyond_eight_megabytes_is_400() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27, write_content_size=False)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    with pytest.raises(Refused) as refused:
        encodings.expand_zstd(stream.compress(TEXT) + stream.flush(), MEGABYTE)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("text", "data"),
    [
        (b"eyJhIjoxfQ==", b'{"a":1}'),
        (b"eyJhIjoxfQ", b'{"a":1}'),
        (b"  eyJh\r\nIjox\nfQ==\n", b'{"a":1}'),
        (b"++//", b"\xfb\xef\xff"),
        (b"--__", b"\xfb\xef\xff"),
        (b"  //", b"\xff"),  # blanks at the ends are blanks
        (b"A  /", b"\x03\xef\xbf"),  # within, a `+` that a form has decoded
    ],
)
def test_base64_of_both_alphabets_is_decoded(text: bytes, data: bytes) -> None:
    assert encodings.looks_like_base64(text)
    assert encodings.decode_base64(text, 100) == data


@pytest.mark.parametrize("text", [b'{"a":1}', b"", b"abc!", b"a=b=", b"====", b"abcd====", b"ab\tcd", "é".encode()])
def test_other_text_does_not_look_like_base64(text: bytes) -> None:
    assert not encodings.looks_like_base64(text)


@pytest.mark.parametrize("end", [b"!", b"= !", b"====", b"\t="])
@pytest.mark.parametrize("filling", [b" ", b"\r\n", b"A", b"A "])
def test_what_nearly_looks_like_base64_is_told_in_no_longer_time(filling: bytes, end: bytes) -> None:
    """Two kilobytes of gzip expand to two megabytes of blanks: to go back from each of them would take hours."""
    text = b"A" + filling * (64_000 // len(filling)) + end
    started = time.perf_counter()
    assert not encodings.looks_like_base64(text)
    assert time.perf_counter() - started < 1


def test_base64_beyond_the_limit_is_413_before_it_is_decoded() -> None:
    with pytest.raises(Refused) as refused:
        encodings.decode_base64(base64.b64encode(bytes(101)), 100)
    assert refused.value.status == 413


def test_an_impossible_base64_text_is_400() -> None:
    with pytest.raises(Refused) as refused:
        encodings.decode_base64(b"abcde", 100)
    assert (refused.value.status, refused.value.text) == (400, "failed to decode request: invalid base64")


def test_an_lz_string_bomb_is_413_and_costs_no_more_memory_than_the_limit() -> None:
    # 'A' × n as lz-string writes it: entries of growing length, so 40 KB hold 25 million characters and more.
    bomb = lz_string_of_one_letter(7_400)
    tracemalloc.start()
    with pytest.raises(Refused) as refused:
        encodings.expand_lz_string(bomb, 20 * MEGABYTE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refused.value.status == 413
    assert peak < 60 * MEGABYTE


def lz_string_of_one_letter(codes: int) -> bytes:
    """Return LZ-string's text for 'A' repeated 1 + 2 + … + ``codes`` times: each code is the one not yet known."""
    bits = "".join(f"{value:0{width}b}"[::-1] for value, width in _codes(codes))
    bits += "0" * (-len(bits) % 24)
    return base64.b64encode(int(bits, 2).to_bytes(len(bits) // 8, "big"))


def _codes(count: int) -> list[tuple[int, int]]:
    written = [(0, 2), (ord("A"), 8)]
    width, room, entry = 3, 4, 4
    for _ in range(count - 1):
        written.append((entry, width))
        entry += 1
        room -= 1
        if room == 0:
            room, width = 1 << width, width + 1
    return [*written, (2, width)]


def test_the_helper_of_these_tests_writes_what_lz_string_writes() -> None:
    assert encodings.expand_lz_string(lz_string_of_one_letter(4), 100) == b"A" * (1 + 2 + 3 + 4)


def test_an_lz_string_text_of_more_than_two_megabytes_is_413() -> None:
    with pytest.raises(Refused) as refused:
        encodings.expand_lz_string(b"A" * (limits.LZ_STRING_BODY + 1), 20 * MEGABYTE)
    assert refused.value.status == 413


def test_an_lz_string_text_that_was_cut_off_is_400() -> None:
    with pytest.raises(Refused) as refused:
        encodings.expand_lz_string(b"BYUwNm", 100)
    assert (refused.value.status, refused.value.text) == (400, "failed to decode request: invalid lz64 data")


@pytest.mark.parametrize(
    ("header", "data"),
    [
        ("gzip", gzip.compress(TEXT)),
        ("GZIP", gzip.compress(TEXT)),
        ("x-gzip", gzip.compress(TEXT)),
        ("gzip-js", gzip.compress(TEXT)),
        ("deflate", zlib.compress(TEXT)),
        ("br", brotli.compress(TEXT)),
        ("zstd", zstandard.ZstdCompressor().compress(TEXT)),
        ("identity", TEXT),
        ("", TEXT),
        ("gzip, br", brotli.compress(gzip.compress(TEXT))),
        ("br, identity, gzip", gzip.compress(brotli.compress(TEXT))),
    ],
)
def test_content_encoding_is_undone_last_first(header: str, data: bytes) -> None:
    assert encodings.expand_content(data, header, MEGABYTE) == TEXT


def test_an_unknown_content_encoding_is_400() -> None:
    with pytest.raises(Refused) as refused:
        encodings.expand_content(TEXT, "compress", MEGABYTE)
    assert refused.value.status == 400
    assert refused.value.text == "failed to decode request: unsupported content encoding 'compress'"


def test_more_than_four_content_encodings_are_400() -> None:
    with pytest.raises(Refused) as refused:
        encodings.expand_content(TEXT, "gzip, gzip, gzip, gzip, gzip", MEGABYTE)
    assert refused.value.text == "failed to decode request: more than 4 content encodings"
