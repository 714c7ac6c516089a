"""Why an event is where it is: the pieces that made its fingerprint, found again in the event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from errortracking.models.event_payload import StoredException

# Made over lists in the order in which some SDKs used to send them: their places say nothing of the event's own order.
_OTHER_ORDER: Final = "_legacy"


def explain(
    record: Any, kind: str, exceptions: Sequence[StoredException], raw_ids: Sequence[Sequence[str | None]]
) -> list[dict[str, Any]]:
    """Return the parts of a fingerprint's ``record``, each with its place in an event that goes by it.

    The record is of the first event. A later one need not have the same ids: its exceptions are told by their places,
    and the frames of each by their raw ids (``raw_ids``, exception by exception), in their order. A part whose frame is
    another one by now has no place: the pieces are equal, the frame is not.
    """
    ids = {exception["id"]: number for number, exception in enumerate(exceptions)}
    found: list[dict[str, Any]] = []
    seen, exception, after = 0, None, 0
    for part in record if isinstance(record, list) else ():
        if not isinstance(part, dict):
            continue
        frame = None
        if part.get("type") == "exception":
            by_place = seen if seen < len(exceptions) and not kind.endswith(_OTHER_ORDER) else None
            exception, after = ids.get(str(part.get("id")), by_place), 0
            seen += 1
        elif part.get("type") == "frame" and exception is not None:
            frame = _index(raw_ids[exception], part.get("raw_id"), after)
            after = after if frame is None else frame + 1
        found.append(_part(part, exception, frame))
    return found


def _index(raw_ids: Sequence[str | None], wanted: Any, after: int) -> int | None:
    try:
        return raw_ids.index(wanted, after)
    except ValueError:
        return None


def _part(part: dict[str, Any], exception: int | None, frame: int | None) -> dict[str, Any]:
    return {
        "type": str(part.get("type")),
        "exception": exception,
        "frame": frame,
        "pieces": part.get("pieces", []),
        "id": part.get("id"),
        "raw_id": part.get("raw_id"),
        "rule_id": part.get("rule_id"),
    }
