"""Maps inside of their script: what of a data URL is read, after its ``data:``."""

from __future__ import annotations

import base64

import pytest

from errortracking.symbols.fetching_data import read

ENCODED = base64.b64encode(b'{"version":3}').decode()


@pytest.mark.parametrize(
    "url",
    [
        f"application/json;base64,{ENCODED}",
        f"application/json;charset=utf-8;base64,{ENCODED}",
        f"application/json;charset=UTF8;BASE64,{ENCODED}",
        f"application/json; charset=utf-8;base64,{ENCODED}",
        f"data:application/json;base64,{ENCODED}",
        f"application/json;base64,{ENCODED.rstrip('=')}",
        f"application/json;base64,{ENCODED.replace('=', '%3D')}",
        'application/json,{"version":3}',
        "application/json;charset=utf-8,%7B%22version%22%3A3%7D",
    ],
)
def test_json_is_read_from_base64_or_text(url: str) -> None:
    assert read(url) == b'{"version":3}'


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("application/json;base64", "there is no comma between header and data"),
        ("", "there is no comma between header and data"),
        (",{}", "its type is not application/json"),
        ("text/html;base64,e30=", "its type is not application/json"),
        ("application/json;charset=latin1;base64,e30=", "only UTF-8 is read, as text or in base64"),
        ("application/json;gzip,e30=", "only UTF-8 is read, as text or in base64"),
        ("application/json;base64;x,e30=", "only UTF-8 is read, as text or in base64"),
        ("application/json;base64,e", "its base64 is broken"),
        ("application/json;base64,e30=!", "its base64 is broken"),
        ("application/json;base64,ä", "its base64 is broken"),
    ],
)
def test_anything_else_is_refused_with_its_reason(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{reason}$"):
        read(url)
