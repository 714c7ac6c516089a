"""The way through an event: every key and every text of it."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import orjson
import re2

from errortracking.ingest.masking.budget import Budget, Spent
from errortracking.ingest.masking.names import HINTS, is_secret
from errortracking.ingest.masking.texts import (
    HINT,
    MASK,
    SHORTEST,
    has_block,
    has_card,
    has_check_digit,
    is_block_line,
    is_issued,
    masked,
)
from errortracking.models.payload import EventEntry

# A project's own token is public, and browsers' SDKs send it in every event under `token`.
_PUBLIC: Final = "phc_"
_LEAST_CARD: Final = 2 * 10**12  # 13 digits
# Lines of source code around a frame: what code says of a password is in everybody's checkout, and one wants to read
# it; and a frame's id is made of them (pipeline 2.3).
_SOURCE: Final = frozenset({"pre_context", "context_line", "post_context"})
# RE2 looks through the 14 KB of an exception in some 20 µs; most events hold nothing like it, and are not walked
# through. Keys and texts are one look, cards another: with so many digits in one pattern RE2 loses its fast automaton
# and takes ten times as long. Texts cost more than keys: they are looked into only where one can hold something.
_IN_TEXTS: Final = re2.compile(HINT.encode())
_IN_EITHER: Final = re2.compile(rf'{HINT}|(?i:{HINTS})[^"]*":'.encode())


def mask_events(entries: list[EventEntry]) -> Counter[str]:
    """Mask what looks like a secret in the properties of ``entries``, in place.

    Returns how many values were masked, by kind: ``name`` (of a key), ``card``, ``pem``, ``url``, ``header``, ``key``
    (of this API), ``text`` (all of one, see ``budget``). Nothing else of an event is looked at: its name and its
    ``distinct_id`` are what it is found by.
    """
    found: Counter[str] = Counter()
    budget, cards = Budget(), Budget()
    for entry in entries:
        held = [part for part in (entry["properties"], entry.get("$set"), entry.get("$set_once")) if part]
        json = orjson.dumps(held)
        card = has_card(json, cards)
        if card or _IN_EITHER.search(json) is not None:
            texts = card or _IN_TEXTS.search(json) is not None
            walk = _Walk(found, budget, texts, block=texts and has_block(json))
            for part in held:
                walk.through(part)
    return +found


class _Walk:
    """One event's walk. ``block``: it holds a PEM block, so lines that look like the middle of one are."""

    __slots__ = ("_block", "_budget", "_found", "_texts", "_waiting")

    def __init__(self, found: Counter[str], budget: Budget, texts: bool, *, block: bool) -> None:
        self._found, self._budget, self._texts, self._block = found, budget, texts, block
        self._waiting: list[tuple[dict[str, Any] | list[Any], bool]] = []

    def through(self, root: dict[str, Any]) -> None:
        """Mask ``root`` in place. Not by recursion: nesting is the client's."""
        self._waiting.append((root, False))
        while self._waiting:
            holder, is_source = self._waiting.pop()
            if isinstance(holder, dict):
                for key, value in holder.items():
                    if is_secret(key) and _is_maskable(value):
                        holder[key] = MASK
                        self._found["name"] += 1
                    elif (new := self._masked(value, key in _SOURCE)) is not value:
                        holder[key] = new
            else:
                for index, value in enumerate(holder):
                    if (new := self._masked(value, is_source)) is not value:
                        holder[index] = new

    def _masked(self, value: Any, is_source: bool) -> Any:
        kind = type(value)
        if kind is str:
            return self._masked_text(value, is_source) if self._texts and len(value) >= SHORTEST else value
        if kind is dict or kind is list:
            self._waiting.append((value, is_source))
        elif kind is int and value > _LEAST_CARD and is_issued(digits := str(value)):
            return self._masked_number(value, digits)
        return value

    def _masked_number(self, value: int, digits: str) -> Any:
        try:
            self._budget.take()
        except Spent:
            self._found["text"] += 1
            return MASK
        if not has_check_digit(digits):
            return value
        self._found["card"] += 1
        return MASK

    def _masked_text(self, value: str, is_source: bool) -> str:
        if self._block and is_block_line(value):
            self._found["pem"] += 1
            return MASK
        return masked(value, self._found, self._budget, is_source=is_source)


def _is_maskable(value: Any) -> bool:
    """Return whether a value under a secret's name can be one: whether there *is* a password may be known."""
    if value is None or value is True or value is False or value in ("", [], {}):
        return False
    return not (isinstance(value, str) and (value.startswith(_PUBLIC) or value == MASK))
