"""The operators of a condition: each compiled with its values to a test of one value of an event.

A list under a key is tested element by element; a negated operator holds where no element passes its positive twin.
Nothing under a key passes no positive operator, so that it passes every negated one.

Where this is clearer than upstream, on purpose:

- Negated operators over a list: upstream asks for *some* element that differs, so that ``is_not`` holds for nearly
  every chain of two exceptions.
- ``%`` and ``_`` in ``icontains`` are themselves; upstream hands the text to ILIKE as it is.
- A text that is a number compares as that number, and a missing property is not larger or smaller than anything.
  Upstream switches the rule off for either. It does so here for what cannot be a number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from math import isfinite
from operator import ge, gt, le, lt

import orjson
import re2

from errortracking.rules.errors import RuleError
from errortracking.rules.limits import (
    CACHED_PATTERNS,
    CHARACTERS_PER_STEP,
    PATTERN_MEMORY,
    REMEMBERED_ANSWERS,
    SHORT_TEXT,
)
from errortracking.rules.subject import Json, Subject

Scalar = str | int | float | bool
# Of one value, never None and never a list unless nested in a list; the subject is there to be charged for it.
Test = Callable[[Json, Subject], bool]

NEGATED = {  # → the positive operator
    "is_not": "exact",
    "not_in": "in",
    "not_icontains": "icontains",
    "not_regex": "regex",
    "is_not_set": "is_set",
}
SIZES: dict[str, Callable[[float, float], bool]] = {"gt": gt, "gte": ge, "lt": lt, "lte": le}
OPERATORS = (
    "exact",
    "is_not",
    "icontains",
    "not_icontains",
    "regex",
    "not_regex",
    *SIZES,
    "is_set",
    "is_not_set",
    "in",
    "not_in",
)

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_MAX_NUMBER = 64  # characters; longer ones say nothing that a float can hold


def number(value: Json) -> int | float | None:
    """Return ``value`` as a number, if it is one or a text that reads as one; a boolean is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if not isinstance(value, str) or len(value) > _MAX_NUMBER or not _NUMBER.fullmatch(value):
        return None
    try:
        return int(value)
    except ValueError:
        read = float(value)
        return read if isfinite(read) else None


def boolean(value: str) -> bool | None:
    """Return the boolean that a text spells, in whatever case; None for any other text."""
    return {"true": True, "false": False}.get(value.lower()) if len(value) in (4, 5) else None


def equals(values: Sequence[Scalar]) -> Test:
    """Return the test whether a value is one of ``values``: texts by their letters, across types by what they say.

    ``5`` equals ``"5"`` and ``"5.0"``, ``true`` equals ``"true"`` and ``"True"``; ``"5"`` does not equal ``"5.0"``.
    """
    texts = {value for value in values if isinstance(value, str)}
    numbers = {value for value in values if isinstance(value, int | float) and not isinstance(value, bool)}
    as_numbers = numbers | {read for value in texts if (read := number(value)) is not None}
    booleans = {value for value in values if isinstance(value, bool)}
    as_booleans = booleans | {read for value in texts if (read := boolean(value)) is not None}

    def test(value: Json, subject: Subject) -> bool:
        if isinstance(value, str):
            return (
                value in texts
                or (bool(numbers) and number(value) in numbers)
                or (bool(booleans) and boolean(value) in booleans)
            )
        if isinstance(value, bool):
            return value in as_booleans
        return isinstance(value, int | float) and value in as_numbers

    return test


def contains(values: Sequence[Scalar]) -> Test:
    """Return the test whether the text of a value has one of ``values`` in it, upper or lower case."""
    needles = [text(value).casefold() for value in values]

    def test(value: Json, subject: Subject) -> bool:
        haystack = text(value)
        subject.spend((len(haystack) * (len(needles) + 1)) // CHARACTERS_PER_STEP)
        haystack = haystack.casefold()
        return any(needle in haystack for needle in needles)

    return test


def matches(values: Sequence[Scalar]) -> Test:
    """Return the test whether one of the expressions ``values`` is found in the text of a value, case-sensitively.

    Raises ``ValueError`` with RE2's reason for an expression that it does not take.
    """
    patterns = [text(value) for value in values]
    # What it costs is known now; the expression itself is looked up when it is used, so that not every rule that was
    # ever compiled holds the memory of its own.
    weight = sum(_compiled(pattern).programsize for pattern in patterns)

    def test(value: Json, subject: Subject) -> bool:
        haystack = text(value)
        subject.spend((len(haystack) * weight) // CHARACTERS_PER_STEP)
        if len(haystack) <= SHORT_TEXT:
            return any(_found(pattern, haystack) for pattern in patterns)
        encoded = haystack.encode()
        return any(_compiled(pattern).search(encoded) is not None for pattern in patterns)

    return test


@lru_cache(REMEMBERED_ANSWERS)
def _found(pattern: str, haystack: str) -> bool:
    """Return whether ``pattern`` is found. From memory: files, functions and types come again and again."""
    return _compiled(pattern).search(haystack.encode()) is not None


def _options() -> re2.Options:
    options = re2.Options()
    options.max_mem = PATTERN_MEMORY
    options.never_capture = True  # nobody asks for groups, and finding them takes RE2's slower ways
    options.log_errors = False
    return options


@lru_cache(CACHED_PATTERNS)
def _compiled(pattern: str) -> re2._Regexp:
    try:
        return re2.compile(pattern, options=_options())
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        raise ValueError(reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)) from None


def compares(operator: str, values: Sequence[Scalar]) -> Test:
    """Return the test whether a number is larger or smaller than one of ``values`` (numbers, or texts of numbers).

    The test raises ``RuleError`` for a value that is no number: the rule's author took the property for another.
    """
    compare = SIZES[operator]
    bounds = [bound for value in values if (bound := number(value)) is not None]

    def test(value: Json, subject: Subject) -> bool:
        read = number(value)
        if read is None:
            raise RuleError(f"`{operator}` compares numbers, but the value is {_described(value)}")
        return any(compare(read, bound) for bound in bounds)

    return test


def is_there(value: Json, subject: Subject) -> bool:
    """Pass whatever there is: the list or nothing that would not pass never comes here."""
    return True


def text(value: Json) -> str:
    """Return ``value`` as text: a text as it is, anything else as JSON writes it; nothing where that cannot be done."""
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # integers beyond 64 bits, and what is nested deeper than orjson goes
        return _text_of_anything(value)


def _text_of_anything(value: Json) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError):  # integers of thousands of digits; deeper nesting
        return ""


def _described(value: Json) -> str:
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "a text that is none"
    return "a list" if isinstance(value, list) else "an object"
