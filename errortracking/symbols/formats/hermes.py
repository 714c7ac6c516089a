"""React Native's maps for Hermes: from an offset in bytecode to the source, with the functions' names in them."""

from __future__ import annotations

from symbolic.sourcemapcache import SourceMapCache

from errortracking.symbols.container import Contents
from errortracking.symbols.failures import Failure
from errortracking.symbols.formats import base, sourcemaps
from errortracking.symbols.lookups import Answer, Position


class Bundle:
    """A bundle's map."""

    def __init__(self, cache: SourceMapCache) -> None:
        self._cache = cache

    def find(self, position: Position, ref: str) -> Answer:
        """Return the one place. The column is an offset and counts from 0, unlike in a script's stack."""
        found = sourcemaps.find(self._cache, 1, position.column + 1)
        return Failure("Hermes", "NoTokenForColumn", (position.column, ref)) if found is None else (found,)


def parse(contents: Contents) -> Bundle:
    """Raises `base.Invalid`.

    PostHog refuses maps without Metro's or Hermes's own members. Here they are read: places without names are better
    than none.
    """
    try:
        return Bundle(sourcemaps.read(b"", contents.data))
    except sourcemaps.NoMap as error:
        raise base.Invalid(Failure("Hermes", "InvalidMap", (str(error),))) from None
