"""Minified scripts with their source maps."""

from __future__ import annotations

from symbolic.sourcemapcache import SourceMapCache

from errortracking.symbols.container import Contents
from errortracking.symbols.failures import Failure
from errortracking.symbols.formats import base, sourcemaps
from errortracking.symbols.lookups import Answer, Position


class Script:
    """A minified script's map."""

    def __init__(self, cache: SourceMapCache) -> None:
        self._cache = cache

    def find(self, position: Position, ref: str) -> Answer:
        """Return the one place; its name is that of the function around it, ``<anonymous>`` where that has none.

        PostHog takes the column as if it counted from 0, which finds the next name where one is a character long.
        """
        found = sourcemaps.find(self._cache, position.line, position.column)
        if found is None:
            return Failure("JavaScript", "TokenNotFound", (position.function, position.line, position.column))
        return (found,)


def parse(contents: Contents) -> Script:
    """Raises `base.Invalid`."""
    try:
        return Script(sourcemaps.read(contents.source, contents.data))
    except sourcemaps.NoMap:
        raise base.Invalid(Failure("JavaScript", "InvalidSourceAndMap")) from None
