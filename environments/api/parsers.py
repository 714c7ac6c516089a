"""JSON in, with limits (contract 1.4 and 1.5)."""

from __future__ import annotations

import codecs
import json
from collections.abc import Mapping
from typing import IO, Any, Final

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.utils.json import strict_constant

from environments.api.exceptions import RequestTooLarge

MAX_DEPTH: Final = 200
"""Levels of nesting in a body. orjson writes 254, and no stack, Python's or PostgreSQL's, is the client's to fill."""

MAX_VALUES: Final = 1_200_000
"""JSON values of a body, counted as its commas and opening brackets, also those in texts. Seven million empty lists fit
into 20 MB and take a gigabyte, and a body is read before the key in it can be known. What can be stored is below: a
mebibyte of nothing but commas, or of numbers with a comma each, which are half as many."""

CHARSETS: Final = frozenset({"utf-8", "ascii", "iso8859-1", "cp1252", "utf-16", "utf-32"})
"""What a body may be encoded in, by Python's names; JSON is UTF-8 in practice. Python knows codecs (``idna``, ``zlib``,
``undefined``) that decompress, or fail in ways nobody expects of a character set."""


def charset_is_known(name: str) -> bool:
    """Return whether a body in the character set ``name`` is read."""
    try:
        return codecs.lookup(name).name in CHARSETS
    except (LookupError, ValueError):
        return False


class JSONParser(BaseParser):
    """Parses JSON with the standard library, because clients see its messages, and its integers have no limit.

    orjson would be three times as fast and turn integers above 64 bits into floats silently.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the body's value.

        Raises ``ParseError`` for what is no JSON or nested too deeply, ``RequestTooLarge`` for too many values.
        """
        try:
            text = stream.read().decode((parser_context or {}).get("encoding") or "utf-8")
            if len(text) > MAX_VALUES and sum(map(text.count, ",[{")) > MAX_VALUES:
                raise RequestTooLarge(f"Request body exceeds the maximum of {MAX_VALUES:,} JSON values.")
            value = json.loads(text, parse_constant=strict_constant)
        except ValueError as error:
            raise ParseError(f"JSON parse error - {error}") from error
        except RecursionError as error:
            raise _too_deep() from error
        # Few brackets cannot nest deeply: the walk is for the rare body that might.
        if text.count("[") + text.count("{") > MAX_DEPTH and _depth_exceeds(value, MAX_DEPTH):
            raise _too_deep()
        return value


def _too_deep() -> ParseError:
    return ParseError(f"JSON parse error - nested more than {MAX_DEPTH} levels deep")


def _depth_exceeds(value: Any, limit: int) -> bool:
    """Return whether ``value`` nests more than ``limit`` levels; level by level, so that no stack grows."""
    level = [value]
    for _ in range(limit + 1):
        containers = [item for item in level if isinstance(item, dict | list)]
        if not containers:
            return False
        level = []
        for container in containers:
            level.extend(container.values() if isinstance(container, dict) else container)
    return True
