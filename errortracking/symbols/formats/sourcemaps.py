"""What `symbolic` finds in a source map, plain or sectioned, as an original place."""

from __future__ import annotations

import errno

from symbolic.exceptions import SymbolicError
from symbolic.sourcemapcache import SourceMapCache, SourceMapCacheToken

from errortracking.symbols.formats import base
from errortracking.symbols.lookups import CONTEXT_LINES, Original, SourceContext, SourceLine

_NAMELESS = "<unknown>"  # symbolic's word where no function encloses the position, or its script was not at hand
_LARGEST = 2**32 - 1  # lines and columns are 32 bits wide there
# Dart's async functions, as compiled to JavaScript: the enclosing function is the compiler's, the name at the position
# is the programmer's.
_DART = "$async$"
_IO_ERROR = 101  # symbolic's code for what the system answered: it maps a temporary file into memory
_NO_MEMORY = f"(os error {errno.ENOMEM})"


class NoMap(Exception):
    """It is not a source map."""


def read(source: bytes, source_map: bytes) -> SourceMapCache:
    """Parse a map; names of functions come of the minified script, where there is one.

    Raises `NoMap`, and OSError or MemoryError where it is not the map's fault: the folder for temporary files is full.
    """
    try:
        return SourceMapCache.from_bytes(source, source_map)
    except SymbolicError as error:
        if error.code == _IO_ERROR:
            raise MemoryError if _NO_MEMORY in str(error) else OSError(f"temporary file: {error}") from None
        raise NoMap(str(error).splitlines()[0][:200] if str(error) else type(error).__name__) from None


def find(cache: SourceMapCache, line: int, column: int) -> Original | None:
    """Return the place in the original source; both numbers count from 1, here and there."""
    if not (0 < line <= _LARGEST and 0 <= column <= _LARGEST):
        return None
    token = cache.lookup(line, max(column, 1), CONTEXT_LINES)  # 0 would be taken as the end of the line
    if token is None:
        return None
    return Original(
        source=base.name(token.src),
        line=token.line,
        column=token.col,
        name=base.name(_name(token)),
        context=_context(token),
    )


def _name(token: SourceMapCacheToken) -> str | None:
    found = token.function_name
    if found and found.startswith(_DART):
        return token.name or found
    return None if found == _NAMELESS else found


def _context(token: SourceMapCacheToken) -> SourceContext | None:
    if token.context_line is None:
        return None
    after = token.post_context
    if after and not after[-1]:  # what follows the file's last line end
        after = after[:-1]
    return {
        "before": _numbered(token.pre_context, token.line - len(token.pre_context)),
        "line": {"number": token.line, "line": base.line(token.context_line)},
        "after": _numbered(after, token.line + 1),
    }


def _numbered(lines: list[str], first: int) -> list[SourceLine]:
    return [{"number": first + offset, "line": base.line(text)} for offset, text in enumerate(lines)]
