"""What frames of minified languages share: what they ask of symbol sets, and what they show of an answer."""

from __future__ import annotations

from errortracking.pipeline.clean import cut, storable
from errortracking.pipeline.exceptions import Contents, Context, ContextLine
from errortracking.pipeline.frames.base import MAX_TEXT, shown
from errortracking.symbols.lookups import Original, SourceContext, SourceLine

MAX_REF = 2048  # bytes; what is longer is cut where it serves as the key of a symbol set: it stands in indexes


def reference(text: str) -> str:
    """Return a chunk id or URL as the key of a symbol set: cut hard, for an ellipsis would belong to none."""
    return text if len(text) * 4 <= MAX_REF else text.encode()[:MAX_REF].decode("utf-8", "ignore")


def show(contents: Contents, original: Original) -> None:
    """Put the place that a symbol set knows into a frame's ``contents``."""
    if original.source is not None:
        contents["source"] = _clean(original.source)
    if original.line is not None:
        contents["line"] = original.line
    if original.column is not None:
        contents["column"] = original.column
    if original.name is not None:
        contents["resolved_name"] = _clean(original.name)
    if original.module is not None:
        contents["module"] = _clean(original.module)


def context(original: Original) -> Context | None:
    """Return the lines around the original place, cut as they are shown, ascending on both sides."""
    lines: SourceContext | None = original.context
    if lines is None:
        return None
    return {
        "before": [_line(line) for line in lines["before"]],
        "line": _line(lines["line"]),
        "after": [_line(line) for line in lines["after"]],
    }


def _line(line: SourceLine) -> ContextLine:
    return {"number": line["number"], "line": shown(storable(line["line"]))}


def _clean(text: str) -> str:
    return cut(storable(text), MAX_TEXT)
