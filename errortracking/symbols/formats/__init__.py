"""One file for each kind of symbol data. All run in the parsing process only: what they read is anybody's upload."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from errortracking.symbols.container import Contents
from errortracking.symbols.formats import hermes, javascript, proguard
from errortracking.symbols.lookups import Answer, Kind, Position


class Parsed(Protocol):
    """Symbol data ready to be asked."""

    def find(self, position: Position, ref: str) -> Answer:
        """Return what stands at ``position``; ``ref`` is the symbol set's, for the text of a failure."""


PARSERS: dict[Kind, Callable[[Contents], Parsed]] = {
    Kind.JAVASCRIPT: javascript.parse,
    Kind.HERMES: hermes.parse,
    Kind.PROGUARD: proguard.parse,
}
