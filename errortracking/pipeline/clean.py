"""Texts as they may be stored, and their cuts. Pure; returns the same object where nothing had to change.

Three kinds of cleaning, from the weakest:

- ``storable``: NUL and lone surrogates become U+FFFD. PostgreSQL stores no NUL and UTF-8 has no surrogates.
  Every text of an event, keys too.
- ``line``: the same for a line of source code, by another name because it says why whitespace stays:
  indentation has meaning.
- ``text``: for the texts of ``$exception_list``. A text that holds NUL or is longer than 512 bytes also has
  its runs of 50 and more whitespace characters replaced: an exception's message that is a screenful of blanks
  says nothing more.
"""

from __future__ import annotations

import re
from math import isfinite

from errortracking.pipeline.exceptions import Json, JsonObject

WHITESPACE_RUN = 50  # characters
WHITESPACE_MARK = "<ws trimmed>"
LONG_TEXT = 512  # bytes; shorter texts keep their whitespace
MAX_DEPTH = 64  # deeper than any SDK nests; also far below the 254 levels that the JSON encoder can write
DEPTH_MARK = "<nested too deep>"
ELLIPSIS = "..."
REPLACEMENT = "\ufffd"

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
# Unicode's White_Space spelt out: Python's \s also counts the separators U+001C to U+001F, the original's
# does not.
_BLANKS = re.compile(
    "[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]{%d,}" % WHITESPACE_RUN  # noqa: UP031
)
_SOURCE_LINES = frozenset({"pre_context", "context_line", "post_context"})
_MIN_INTEGER, _MAX_INTEGER = -(2**63), 2**64 - 1  # what the JSON encoder writes


def storable(value: str) -> str:
    """Return ``value`` with NUL and lone surrogates replaced by U+FFFD."""
    if value.isascii() and "\0" not in value:
        return value
    return _UNSTORABLE.sub(REPLACEMENT, value) if _UNSTORABLE.search(value) else value


line = storable


def text(value: str) -> str:
    """Return a text of the exception list: ``storable``, and its blanks trimmed where it is long or held NUL."""
    if value.isascii():
        if len(value) <= LONG_TEXT and "\0" not in value:
            return value
    elif "\0" not in value and not longer(value, LONG_TEXT):
        return storable(value)
    return _BLANKS.sub(WHITESPACE_MARK, storable(value))


def longer(value: str, limit: int) -> bool:
    """Tell whether ``value`` takes more than ``limit`` bytes of UTF-8 (a lone surrogate: 3, as what replaces it)."""
    if len(value) > limit:
        return True
    return len(value) * 4 > limit and len(value.encode("utf-8", "surrogatepass")) > limit


def cut(value: str, limit: int) -> str:
    """Return at most ``limit`` bytes of ``value`` (3 or more), "..." included where something was cut off.

    A character is never split: the result may be up to three bytes shorter.
    """
    if not longer(value, limit):
        return value
    kept = value.encode("utf-8", "surrogatepass")[: limit - len(ELLIPSIS)]
    return kept.decode("utf-8", "ignore") + ELLIPSIS


class Cleaner:
    """Cleans one JSON value of any shape; ``too_deep`` tells afterwards whether it nests below ``MAX_DEPTH``.

    ``exceptions=True`` cleans as in the exception list (``text``, source lines as lines), else as any
    property (``storable``). Numbers that JSON's writers refuse are replaced as well: integers beyond 64 bits
    by the nearest float, NaN and infinity by null. Recursion is bounded by ``MAX_DEPTH``. What nests deeper
    is replaced by a mark and not kept as text: writing it out would recurse as deep as it nests.
    """

    __slots__ = ("exceptions", "too_deep")

    def __init__(self, *, exceptions: bool = False) -> None:
        self.exceptions = exceptions
        self.too_deep = False

    def clean(self, value: object, depth: int = 0, source: bool = False) -> Json:
        """Return ``value`` cleaned, the same object where it was clean.

        ``value`` is what a JSON parser returned, ``depth`` how deep it stands, ``source`` whether it holds
        source lines.
        """
        if depth > MAX_DEPTH:
            self.too_deep = True
            return DEPTH_MARK
        if isinstance(value, str):
            return text(value) if self.exceptions and not source else storable(value)
        if value is None or value is True or value is False:
            return value
        if isinstance(value, dict):
            return self._object(value, depth)
        if isinstance(value, list):
            return self._list(value, depth, source)
        return _number(value)

    # Most texts of most events are short and plain ASCII, to which no cleaning applies. An exception has hundreds of
    # them: it is told here and not in a function, because a call costs more than the answer.

    def _object(self, value: JsonObject, depth: int) -> JsonObject:
        changes: JsonObject = {}
        clean_keys = True
        deeper = depth + 1
        allowed = LONG_TEXT if deeper <= MAX_DEPTH else -1
        for key, item in value.items():
            if not key.isascii() or "\0" in key:
                clean_keys = clean_keys and storable(key) is key
            if type(item) is str and len(item) <= allowed and item.isascii() and "\0" not in item:
                continue
            cleaned = self.clean(item, deeper, key in _SOURCE_LINES)
            if cleaned is not item:
                changes[key] = cleaned
        if changes:
            value = {**value, **changes}
        return value if clean_keys else {storable(key): item for key, item in value.items()}

    def _list(self, value: list[Json], depth: int, source: bool) -> list[Json]:
        changes: dict[int, Json] = {}
        deeper = depth + 1
        allowed = LONG_TEXT if deeper <= MAX_DEPTH else -1
        for place, item in enumerate(value):
            if type(item) is str and len(item) <= allowed and item.isascii() and "\0" not in item:
                continue
            cleaned = self.clean(item, deeper, source)
            if cleaned is not item:
                changes[place] = cleaned
        return [changes.get(place, item) for place, item in enumerate(value)] if changes else value


def _number(value: object) -> Json:
    if isinstance(value, int):
        if _MIN_INTEGER <= value <= _MAX_INTEGER:
            return value
        try:
            return float(value)
        except OverflowError:
            return None
    if isinstance(value, float):
        return value if isfinite(value) else None
    raise TypeError(f"not a JSON value: {type(value).__name__}")
