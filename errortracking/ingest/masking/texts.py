"""Secrets inside texts: private keys, card numbers, passwords in addresses, what a text names a secret.

What a text names is in ``assigned``. All patterns are RE2's: linear in the text, whatever somebody sends; what they
find is looked at within a ``budget``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import re2

from errortracking.ingest.masking.assigned import RULES, Mark
from errortracking.ingest.masking.budget import OF_A_TEXT, Budget, Spent
from errortracking.ingest.masking.mark import MASK
from errortracking.ingest.masking.names import HINTS

__all__ = [
    "HINT",
    "MASK",
    "SHORTEST",
    "has_block",
    "has_card",
    "has_check_digit",
    "is_block_line",
    "is_card",
    "is_issued",
    "masked",
]

SHORTEST: Final = 8  # characters; no secret that is recognised inside a text is shorter

# 13 digits and more, or in the groups that cards have; which of these are cards is for `is_card` to say. In any groups,
# one in forty lists of thirty small numbers would be one, and a number before a card would hide it.
_DIGITS: Final = (
    r"(?:[2-6][0-9]{12,18}|[2-6][0-9]{3}(?:[ -][0-9]{4}){3}(?:[ -][0-9]{3})?|3[0-9]{3}[ -][0-9]{6}[ -][0-9]{4,5})"
)
_KEY: Final = r"ph[xs]_[0-9A-Za-z]{20,}"
# Whether a text, or the JSON of an event whose texts it is, may hold any of it but a card. In JSON a double quote
# inside a text has a backslash before it; without one it ends a key, and keys are not for this file. No bounded repeats
# of classes that overlap with what surrounds them: RE2 then gives up its fast automaton, and a search takes twenty
# times as long.
HINT: Final = (
    r"-----(?:BEGIN|END) |://[^\s/:@\"']*:[^\s/?#\"']+@|ph[xs]_"
    rf"|(?i:{HINTS})[\w .\]%-]*(?:=|(?:\\+\"|')\s*[:=]|:\s*(?:\\+\"|'))"
    r"|(?i:bearer|basic) +[0-9A-Za-z]|(?i:authorization|cookie|x-[\w-]+): *[0-9A-Za-z_]"
)
_FOUR_GROUPS: Final = 19  # characters
_CARD: Final = rf"\b{_DIGITS}\b"

_hint: Final = re2.compile(HINT.replace(r"\\+", r"\\*") + rf"|{_CARD}")
_card: Final = re2.compile(_CARD)
_card_in_json: Final = re2.compile(rf"(?:\b|\\[bfnrt])({_DIGITS})\b".encode())  # after an escaped line end, too
_block: Final = re2.compile(r"(?s)-----BEGIN [A-Z0-9 ]{1,60}-----.*?(?:-----END [A-Z0-9 ]{1,60}-----|\z)")
_block_end: Final = re2.compile(r"(?s)\A.*-----END [A-Z0-9 ]{1,60}-----")
_block_line: Final = re2.compile(r"\A[\s\"'+]*[A-Za-z0-9+/]{32,}={0,2}[\s\"'+,;\\n]*\z")
_plain: Final[tuple[tuple[str, Any, Mark], ...]] = (
    (
        "url",
        re2.compile(r"(://[^\s/:@\"']{0,100}:)([^\s/?#\"']{1,200})(@)"),
        lambda match: f"{match[1]}{MASK}{match[3]}",
    ),
    ("key", re2.compile(_KEY), lambda match: MASK),
    ("pem", _block, lambda match: MASK),
    ("pem", _block_end, lambda match: MASK),
)


def masked(text: str, found: Counter[str], budget: Budget | None = None, *, is_source: bool = False) -> str:
    """Return ``text`` with its secrets masked, the same object where it holds none; counts in ``found`` by kind.

    Masked as a whole, and counted as ``text``, where it is more to look at than the ``budget`` allows.
    ``is_source``: it is a line of source code. What that assigns to a name is no secret of the one who ran it.
    """
    if _hint.search(text) is None:
        return text
    budget, here = budget or Budget(), Counter[str]()
    try:
        budget.take(OF_A_TEXT)
        text = _looked_through(text, here, budget, is_source)
    except Spent:
        found["text"] += 1
        return MASK
    found.update(here)
    return text


def _looked_through(text: str, found: Counter[str], budget: Budget, is_source: bool) -> str:
    """Return ``text`` with its secrets masked. Raises `Spent`."""
    for kind, pattern, mark in (*_plain, ("card", _card, _card_mark)):
        text = pattern.sub(_counted(kind, mark, found, budget), text)
    if is_source:
        return text
    lower = text.lower()
    for kind, needed, pattern, named in RULES:
        if needed in lower:
            text = pattern.sub(_counted(kind, named, found, budget), text)
    return text


def is_block_line(text: str) -> bool:
    """Return whether ``text`` is a line of a PEM block's middle, as source code around a frame shows it."""
    return _block_line.search(text) is not None


def has_card(json: bytes, budget: Budget) -> bool:
    """Return whether a JSON text holds a card's number. Most long numbers are none, and not worth looking for again.

    True as well where it holds more numbers than the ``budget`` allows to look at.
    """
    try:
        for match in _card_in_json.finditer(json):
            budget.take()
            if _card_length(match[1].decode()):
                return True
    except Spent:
        return True
    return False


def has_block(json: bytes) -> bool:
    """Return whether a JSON text holds the beginning or the end of a PEM block."""
    return b"-----BEGIN " in json or b"-----END " in json


def is_card(digits: str) -> bool:
    """Return whether ``digits`` can be a payment card's number: an issuer's prefix with its length, and Luhn's sum.

    Prefixes and lengths as ISO/IEC 7812 issuers publish them; without them one in ten long numbers (ids, times in
    microseconds) would pass Luhn's test.
    """
    return is_issued(digits) and has_check_digit(digits)


def is_issued(digits: str) -> bool:
    """Return whether ``digits`` begin as an issuer's and are as many: the part of `is_card` that costs little."""
    size, two, four = len(digits), int(digits[:2]), int(digits[:4])
    if digits[0] == "4":  # Visa
        return size in (13, 16, 19)
    if 51 <= two <= 55 or 2221 <= four <= 2720:  # Mastercard
        return size == 16
    if two in (34, 37):  # American Express
        return size == 15
    if two in (36, 38, 39) or 3000 <= four <= 3059:  # Diners Club
        return size == 14
    return size == 16 and (3528 <= four <= 3589 or two in (62, 65) or four == 6011 or 6440 <= four <= 6499)


def has_check_digit(digits: str) -> bool:
    """Return whether the last of ``digits`` is the one that Luhn's sum asks for."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = int(digit) * (1 + place % 2)
        total += number - 9 if number > 9 else number
    return total % 10 == 0


def _card_mark(match: Any) -> str | None:
    written: str = match[0]
    length = _card_length(written)
    return MASK + written[length:] if length else None


def _card_length(written: str) -> int:
    """Return how many of the characters are a card's number: all, the first four groups (a code follows), or none."""
    for length in (len(written), _FOUR_GROUPS):
        if is_card(written[:length].replace(" ", "").replace("-", "")):
            return length
    return 0


def _counted(kind: str, mark: Mark, found: Counter[str], budget: Budget) -> Callable[[Any], str]:
    def replace(match: Any) -> str:
        budget.take()
        text = mark(match)
        if text is None:
            whole: str = match[0]
            return whole
        found[kind] += 1
        return text

    return replace
