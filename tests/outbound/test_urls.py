"""Addresses of the web, taken apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbound.errors import NotAnAddress
from outbound.urls import Url, parse


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://example.com", Url("http", "example.com", 80, "/")),
        ("HTTPS://Example.COM./a/b.js?v=1#top", Url("https", "example.com", 443, "/a/b.js?v=1")),
        ("https://example.com:8443/", Url("https", "example.com", 8443, "/")),
        ("http://[2606:4700:0::1111]:81/x", Url("http", "2606:4700::1111", 81, "/x")),
        ("http://127.1/", Url("http", "127.1", 80, "/")),
        ("https://bücher.example/ä b%20c", Url("https", "xn--bcher-kva.example", 443, "/%C3%A4%20b%20c")),
        ("https://e.example/@scope/a,b;c=1?q=a|b", Url("https", "e.example", 443, "/@scope/a,b;c=1?q=a%7Cb")),
        ("https://e.example?q", Url("https", "e.example", 443, "/?q")),
        ("https://e.example/a\r\nHost: b", Url("https", "e.example", 443, "/aHost:%20b")),
        ("http://my_host/\x00", Url("http", "my_host", 80, "/%00")),
    ],
)
def test_a_url_is_taken_apart(text: str, url: Url) -> None:
    assert parse(text) == url
    assert parse(url.text) == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "app.js",
        "//example.com/app.js",
        "ftp://example.com/",
        "file:///etc/passwd",
        "webpack:///src/a.ts",
        "javascript:alert(1)",
        "data:text/plain,x",
        "http://",
        "http:///path",
        "http://./",
        "http://user@example.com/",
        "http://user:password@127.0.0.1/",
        "http://example.com@127.0.0.1/",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://example.com:x/",
        "http://[::1/",
        "http://[::1]x/",
        "http://[fe80::1%25eth0]/",
        "http://[v1.x]/",
        "http://a b/",
        "http://a%2eb/",
        "http://a\\b/",
        "http://a..b/",
        "http://ex\u2100mple.com/",  # one sign that becomes "a/c"
        f"http://{'a' * 64}.com/",
        "http://example.com/\ud800",
        "http://example.com/" + "a" * 16_384,
    ],
)
def test_anything_else_is_none(text: str) -> None:
    with pytest.raises(NotAnAddress):
        parse(text)


@pytest.mark.parametrize(
    ("reference", "joined"),
    [
        ("b.js.map", "https://e.example:444/a/b.js.map"),
        ("/b.js.map?x", "https://e.example:444/b.js.map?x"),
        ("../b.js.map", "https://e.example:444/b.js.map"),
        ("//cdn.example/b", "https://cdn.example/b"),
        ("http://cdn.example/b", "http://cdn.example/b"),
        ("?v=2", "https://e.example:444/a/b.js?v=2"),
    ],
)
def test_a_reference_is_joined_as_browsers_do(reference: str, joined: str) -> None:
    assert parse("https://e.example:444/a/b.js?v=1").join(reference).text == joined


@pytest.mark.parametrize("reference", ["gopher://e.example/", "http://[", "http://u@e.example/"])
def test_a_reference_to_what_is_not_asked_is_refused(reference: str) -> None:
    with pytest.raises(NotAnAddress):
        parse("https://e.example/").join(reference)


@given(st.text(max_size=60), st.sampled_from(["", "http://", "https://", "http://[", "https://a/", "http://a:", "//"]))
def test_any_text_is_a_url_or_none(text: str, start: str) -> None:
    for take in (parse, parse("https://e.example/x").join):
        try:
            url = take(start + text)
        except NotAnAddress:
            continue
        assert url.target.isascii()
        assert url.target.isprintable()
        assert " " not in url.target
        assert parse(url.text) == url
