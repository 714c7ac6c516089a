"""The steps of decoding, alone and nested, with right, missing and wrong hints."""

from __future__ import annotations

import base64
import gzip
from urllib.parse import quote, urlencode

import brotli
import pytest

from errortracking.ingest.body import fields, json_text
from errortracking.ingest.refusal import Refused

JSON = b'{"event":"a + b","text":"~~~ \xc3\xbc"}'
BASE64 = base64.b64encode(JSON)
LZ64 = b"N4IgpgbmB2AuIC4QBIAOBDA5pAlmA7iAL5A="  # lz-string's own, of {"event":"$pageview"}
FORM = "application/x-www-form-urlencoded"


def post(body: bytes, *, query: bytes = b"", content_type: str = "", encoding: str = "", limit: int = 10_000) -> bytes:
    return json_text("POST", query, content_type, encoding, body, limit)


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "", "application/octet-stream"])
def test_json_is_taken_as_it_is_whatever_its_type(content_type: str) -> None:
    assert post(JSON, content_type=content_type) == JSON


def test_blanks_and_a_byte_order_mark_before_json_do_not_matter() -> None:
    assert post(b" \r\n" + JSON) == b" \r\n" + JSON
    assert post(b"\xef\xbb\xbf" + JSON) == JSON


@pytest.mark.parametrize(
    "query", [b"", b"compression=gzip", b"compression=gzip-js", b"compression=base64", b"compression=?"]
)
def test_gzip_is_recognised_by_its_first_bytes_whatever_the_hint(query: bytes) -> None:
    assert post(gzip.compress(JSON), query=query, content_type="text/plain") == JSON


@pytest.mark.parametrize(
    "query", [b"compression=gzip", b"compression=gzip-js", b"compression=base64", b"compression=lz64"]
)
def test_plain_json_is_taken_even_where_the_hint_promises_something_else(query: bytes) -> None:
    assert post(JSON, query=query) == JSON


def test_content_encoding_and_a_hint_for_the_same_compression_undo_it_once() -> None:
    assert post(gzip.compress(JSON), query=b"compression=gzip-js", encoding="gzip") == JSON


@pytest.mark.parametrize("query", [b"", b"compression=base64"])
def test_a_body_that_is_base64_as_a_whole_is_decoded(query: bytes) -> None:
    assert post(BASE64, query=query) == JSON


def test_base64_is_unwrapped_twice() -> None:
    assert post(base64.b64encode(BASE64)) == JSON


def test_gzip_in_base64_and_base64_in_gzip_are_unwrapped() -> None:
    assert post(base64.b64encode(gzip.compress(JSON))) == JSON
    assert post(gzip.compress(BASE64)) == JSON


@pytest.mark.parametrize("hint", [b"lz64", b"LZ64", b"lz-string"])
def test_lz_string_needs_its_hint_in_the_query(hint: bytes) -> None:
    assert post(LZ64, query=b"ver=1.2.3&compression=" + hint) == b'{"event":"$pageview"}'


def test_lz_string_may_be_named_in_a_header_or_a_form() -> None:
    assert post(LZ64, encoding="lz64") == b'{"event":"$pageview"}'
    form = urlencode({"compression": "lz64", "data": LZ64.decode()}).encode()
    assert post(form, content_type=FORM) == b'{"event":"$pageview"}'


def test_a_form_may_hold_json() -> None:
    assert post(urlencode({"data": JSON}).encode(), content_type=FORM) == JSON


def test_a_form_may_hold_base64_with_its_plus_signs_turned_into_blanks() -> None:
    text = base64.b64encode(b'{"a":"\xfb\xef\xbe\xfb\xef\xbe>>>"}')
    assert b"+" in text
    assert post(b"ver=1&data=" + text, content_type=FORM) == base64.b64decode(text)
    assert post(b"data=" + quote(text).encode(), content_type=FORM) == base64.b64decode(text)


def test_the_beacon_of_browsers_is_read() -> None:
    body = urlencode({"data": BASE64.decode()}).encode()
    assert post(body, query=b"compression=base64&ip=1&_=1716&beacon=1", content_type=FORM + "; charset=UTF-8") == JSON


def test_a_form_under_another_type_is_still_a_form() -> None:
    assert post(urlencode({"data": JSON}).encode(), content_type="text/plain") == JSON


def test_json_under_the_type_of_a_form_is_still_json() -> None:
    """What ``curl -d '{…}'`` sends."""
    assert post(b'{"a":"&data=1"}', content_type=FORM) == b'{"a":"&data=1"}'


def test_a_compressed_form_is_read() -> None:
    assert post(brotli.compress(urlencode({"data": JSON}).encode()), content_type=FORM, encoding="br") == JSON


def test_a_get_carries_its_json_in_the_query() -> None:
    query = urlencode({"data": JSON, "ip": "1"}).encode()
    assert json_text("GET", query, "", "", b"ignored", 10_000) == JSON


def test_a_get_carries_base64_or_gzip_in_the_query() -> None:
    assert json_text("GET", b"data=" + BASE64 + b"&compression=base64", "", "", b"", 10_000) == JSON
    packed = quote(gzip.compress(JSON)).encode()
    assert json_text("GET", b"compression=gzip&data=" + packed, "", "", b"", 10_000) == JSON


def test_the_data_parameter_of_a_post_is_not_read() -> None:
    assert post(JSON, query=b"data=%7B%7D") == JSON


@pytest.mark.parametrize("body", [b"", b"  \r\n ", b"data=", b"data=%20"])
def test_an_empty_body_holds_no_event(body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        post(body, content_type=FORM)
    assert (refused.value.status, refused.value.text) == (400, "request holds no event")


def test_a_get_without_data_holds_no_event() -> None:
    with pytest.raises(Refused) as refused:
        json_text("GET", b"ip=1", "", "", JSON, 10_000)
    assert refused.value.text == "request holds no event"


def test_an_empty_gzip_holds_no_text() -> None:
    assert post(gzip.compress(b"")) == b""


def test_what_is_neither_json_nor_a_known_encoding_is_left_to_the_parser() -> None:
    assert post(b"hello, world") == b"hello, world"
    assert post(b"abcde") == b"abcde"  # could be base64 by its letters, not by their number


def test_a_bomb_inside_base64_is_413() -> None:
    bomb = base64.b64encode(gzip.compress(bytes(1_000_000)))
    with pytest.raises(Refused) as refused:
        post(bomb, limit=100_000)
    assert refused.value.status == 413


def test_a_bomb_inside_gzip_inside_a_form_is_413() -> None:
    inner = base64.b64encode(gzip.compress(bytes(1_000_000)))
    with pytest.raises(Refused) as refused:
        post(urlencode({"data": base64.b64encode(gzip.compress(inner)).decode()}).encode(), limit=100_000)
    assert refused.value.status == 413


def test_a_gzip_that_was_cut_inside_base64_is_400() -> None:
    with pytest.raises(Refused) as refused:
        post(base64.b64encode(gzip.compress(JSON)[:-9]))
    assert (refused.value.status, refused.value.text) == (400, "failed to decode request: the gzip data end early")


def test_five_layers_are_not_undone() -> None:
    data = JSON
    for _ in range(4):
        data = base64.b64encode(data)
    assert post(data) == JSON
    assert post(base64.b64encode(data)) == BASE64


def test_a_form_of_more_than_two_megabytes_is_413() -> None:
    with pytest.raises(Refused) as refused:
        post(b"data=" + b"A" * (2 * 1024 * 1024), content_type=FORM, limit=100_000_000)
    assert (refused.value.status, refused.value.text) == (413, "a form is limited to 2097152 bytes")


def test_of_a_field_that_stands_twice_the_first_counts_and_after_64_nothing_is_read() -> None:
    assert fields(b"a=1&b=%2B+%zz&a=2&c&=x") == {b"a": b"1", b"b": b"+ %zz", b"c": b"", b"": b"x"}
    assert len(fields(b"&".join(b"%d=1" % number for number in range(1000)))) == 64
