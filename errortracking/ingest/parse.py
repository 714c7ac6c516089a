"""JSON text → Python values, for clients that are not always right.

orjson reads what is JSON. Where it refuses, a slower parser takes over, because a 400 is final for SDKs and the whole
batch would be lost for one odd value in it:

- NUL and lone surrogates (a text cut in the middle of an emoji) become U+FFFD: PostgreSQL stores neither;
- ``NaN``, ``Infinity`` and numbers beyond a double become null: an exception must not be lost because a local variable
  of one of its frames was not a number, and ``json.dumps`` of Python writes these words;
- bytes that are not UTF-8 become U+FFFD, raw control characters in texts are kept;
- integers beyond 64 bits become floats (as orjson reads them), or text where a double cannot hold them;
- values nested deeper than the parsers can follow become null.

Of a key that stands twice in an object the last one counts.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final

import orjson

from errortracking.ingest import limits
from errortracking.ingest.refusal import too_large, unparsable

_NUL: Final = b"\\u0000"
_REPLACEMENT: Final = b"\\ufffd"
_VALUES: Final = (b",", b"[", b"{")

# What cannot stay: NUL, and a surrogate that is not one half of a pair. Backslashes belong to one another two by two,
# so of a run of them (group 1) the last begins an escape where their number is odd. Group 2: a second half. Only these
# are looked at: a text of 25 MB may be twelve million harmless escapes.
_ESCAPE: Final = re.compile(
    rb"(?<!\\)(\\+)u(?:[dD][89abAB][0-9a-fA-F]{2}(\\u[dD][c-fC-F][0-9a-fA-F]{2})?|[dD][c-fC-F][0-9a-fA-F]{2}|0000)"
)
# Strings as a whole, so that brackets in them don't count. Possessive and with an optional end: an unfinished string
# takes the rest of the text at once, and neither time nor memory grows faster than the text.
_TOKEN: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?+|[\[\]{}]', re.DOTALL)


def parse(text: bytes) -> Any:
    """Return the value of a JSON text.

    Raises ``Refused``: 400 when it is not an object or array, 413 when it holds more values than `limits.VALUES`. The
    result holds no NUL, no lone surrogate and no number that orjson would not write again, but it can be nested deeper
    than orjson writes: see ``depth``.
    """
    if not text.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
        raise unparsable("expected a JSON object or array")
    # Smaller texts cannot hold more. Commas inside of texts count, too: to tell them apart would be to read the JSON.
    if len(text) > limits.VALUES and sum(map(text.count, _VALUES)) > limits.VALUES:
        raise too_large("a request", limits.VALUES, "values")
    if _NUL not in text:
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            pass
    return _parse_odd(text)


def _parse_odd(text: bytes) -> Any:
    text = _ESCAPE.sub(_repaired, text)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    characters = text.decode("utf-8-sig", "replace").replace("\0", "\ufffd")
    try:
        return json.loads(
            without_depths(characters, limits.TEXT_DEPTH),
            strict=False,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_nothing,
        )
    except ValueError as error:
        raise unparsable(str(error)) from error


def _repaired(escape: re.Match[bytes]) -> bytes:
    backslashes, second_half = escape.groups()
    if len(backslashes) % 2 == 0:  # what follows them is text; a second half behind that has no first
        return escape[0] if second_half is None else escape[0][: -len(second_half)] + _REPLACEMENT
    return backslashes[:-1] + _REPLACEMENT if second_half is None else escape[0]


def _nothing(_word: str) -> None:
    return None


def _float(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _integer(digits: str) -> int | float | str:
    if len(digits) < 19:
        return int(digits)
    # float() and not int(): Python refuses to read more than 4,300 digits, and this is linear.
    number = float(digits)
    if not math.isfinite(number):
        return digits
    if -(2**63) <= number <= 2**64:  # a double may be rounded up to the bound
        exact = int(digits)
        if -(2**63) <= exact < 2**64:
            return exact
    return number


def without_depths(text: str, levels: int) -> str:
    """Return the JSON ``text`` with null in place of every array and object that lies deeper than ``levels``.

    One pass over the text; whether it is JSON otherwise does not matter here.
    """
    kept: list[str] = []
    depth = 0
    copied = 0  # everything before this place is in `kept` or cut away
    for token in _TOKEN.finditer(text):
        character = text[token.start()]
        if character in "[{":
            depth += 1
            if depth == levels + 1:
                kept += (text[copied : token.start()], "null")
                copied = len(text)  # should it never close, the rest belongs to it
        elif character in "]}":
            if depth == levels + 1:
                copied = token.end()
            depth -= 1
    kept.append(text[copied:])
    return "".join(kept)
