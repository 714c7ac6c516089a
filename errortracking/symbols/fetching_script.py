"""What a minified script says of itself in its comments: which set it belongs to, and where its map is."""

from __future__ import annotations

import re

LAST_LINES = 32  # in which a chunk id is looked for (pipeline 2.6): what injects it appends it
LONGEST_ID = 2048  # bytes; a symbol set's reference is no longer

_CHUNK_ID = re.compile(rb"//[#@] chunkId=(.+)")
_MARK = b"sourceMappingURL="
# ECMA-426, 11.1.2.1 "without parsing": a comment that ends its line, without quotes, or it is the text of a program
# that writes such comments. Its opening stands right before the mark.
_OPENING = re.compile(rb"(//|/\*)[#@][ \t]*\Z")
_NO_REFERENCE = re.compile(rb"[\s'\"`]")


def chunk_id(script: bytes) -> str | None:
    """Return the id in the last ``//# chunkId=`` line, if it is among the last 32 lines."""
    end = len(script.rstrip())
    for _ in range(LAST_LINES):
        start = script.rfind(b"\n", 0, end) + 1
        if end - start <= LONGEST_ID + 64 and (found := _CHUNK_ID.fullmatch(script[start:end].strip())):
            told = found[1].strip()
            if 0 < len(told) <= LONGEST_ID:
                return told.decode("utf-8", "replace").replace("\0", "�")
        if not start:
            break
        end = start - 1
    return None


def map_reference(script: bytes) -> str | None:
    """Return what the last ``//# sourceMappingURL=`` comment names: an address, relative or whole, or a data URL.

    Looks upwards, at the last mark of each line, so the time is linear to the script whatever it holds.
    """
    end = len(script)
    while (mark := script.rfind(_MARK, 0, end)) >= 0:
        start = script.rfind(b"\n", 0, mark) + 1
        if _OPENING.search(script[max(start, mark - 16) : mark]):
            line_end = script.find(b"\n", mark, end)
            told = script[mark + len(_MARK) : line_end if line_end >= 0 else end].rstrip().removesuffix(b"*/").rstrip()
            if told and not _NO_REFERENCE.search(told):
                return told.decode("utf-8", "replace")
        end = start
    return None
