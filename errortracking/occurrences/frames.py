"""The frames that events point at: the content that each had then, or today's where that had failed to be resolved."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from psycopg.types.json import JsonbLoader

from environments.tenancy import sql
from errortracking.models.event_payload import StoredException

Key = tuple[str, str]
"""Ids of a frame and of the content that it had: what an event keeps of it."""


class FrameThen(NamedTuple):
    """A frame as the event shows it. Contents and context are ``None`` where the budget was spent before it."""

    raw_id: str | None
    """``hash/part``; ``None`` where neither the frame nor its content is there any more."""
    resolved: bool
    resolved_later: bool
    """Whether it failed to be resolved when the event came, and what is shown is its later, resolved content."""
    size: int
    """Bytes of contents and context together, as text."""
    contents: Any
    context: Any


# What a few bytes of an event point at may be large, and jsonb is compressed: a text's length is the honest measure.
# Some frames that failed count as resolved all the same: they looked as if people had written them.
# Running sums are over the frames in the order given, so that the first events of a page are the complete ones.
_FRAMES: Final = """
    SELECT frame, content, raw_id, resolved, resolved_later, size,
           CASE WHEN sum(size) OVER running <= %(budget)s THEN contents END,
           CASE WHEN sum(size) OVER running <= %(budget)s THEN context END
    FROM (
        SELECT w.frame::text, w.content::text, w.number, shown.*,
               coalesce(s.raw_id || '/' || s.part, shown.contents->>'raw_id') AS raw_id,
               octet_length(shown.contents::text) + coalesce(octet_length(shown.context::text), 0) AS size
        FROM unnest(%(frames)s::uuid[], %(contents)s::uuid[]) WITH ORDINALITY AS w(frame, content, number)
        LEFT JOIN errortracking_stackframe s ON s.environment_id = %(environment)s AND s.id = w.frame
        LEFT JOIN errortracking_framecontent c ON c.environment_id = %(environment)s AND c.id = w.content
        LEFT JOIN errortracking_framecontent n
            ON n.environment_id = %(environment)s AND n.id = s.content_id AND n.id IS DISTINCT FROM c.id
            AND (c.resolved IS NOT TRUE OR c.contents ? 'resolve_failure')
        CROSS JOIN LATERAL (
            SELECT coalesce(n.contents, c.contents, '{}') AS contents,
                   CASE WHEN n.id IS NULL THEN c.context ELSE n.context END AS context,
                   coalesce(n.resolved, c.resolved, false) AS resolved,
                   coalesce(n.resolved AND NOT n.contents ? 'resolve_failure', false) AS resolved_later
        ) shown
    ) found
    WINDOW running AS (ORDER BY number)
"""


def keys(exceptions: Iterable[StoredException]) -> list[Key]:
    """Return what ``exceptions`` keep of their frames, each once, in their order."""
    found = ((frame["frame"], frame["content"]) for exception in exceptions for frame in exception["frames"])
    return list(dict.fromkeys(found))


def read(environment_id: int, wanted: list[Key], budget: int, *, parsed: bool) -> dict[Key, FrameThen]:
    """Return the frames in one statement, however many there are, with at most ``budget`` bytes of what they hold.

    Contents and context are values with ``parsed``, otherwise ``orjson.Fragment``.
    """
    if not wanted:
        return {}
    parameters = {
        "environment": environment_id,
        "budget": budget,
        "frames": [frame for frame, _ in wanted],
        "contents": [content for _, content in wanted],
    }
    with sql.cursor(json_as_fragments=not parsed, prepared=True) as cursor:
        if parsed:
            cursor.adapters.register_loader("jsonb", JsonbLoader)  # on Django's connections it is text
        rows = cursor.execute(_FRAMES, parameters).fetchall()
    return {(frame, content): FrameThen._make(rest) for frame, content, *rest in rows}
