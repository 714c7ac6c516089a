"""Lines of JSON between the worker and the child that processes rows alone.

The worker writes one `Task` per row to the child's standard input; end of input means that the worker is gone
or done. The child answers with `Report`s on its standard output.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class Task(TypedDict):
    """Process this row."""

    row: str
    """Id of the queue's row, which carries the lease that the child was started with."""

    deaths: dict[str, str]
    """Why earlier children ended at an event, by its place in the request, as far as this worker knows."""


class Report(TypedDict):
    """What the child says."""

    kind: Literal["ready", "event", "done", "lost", "transient", "failed"]
    """``ready``: started. ``event``: begins with the event at ``place``. ``done``: the row is settled,
    ``outcomes`` were committed, and ``limited`` is what the rate limits said. ``lost``: the row is another's.
    ``transient``, ``failed``: nothing was committed, because of ``text``.
    """

    place: NotRequired[int]
    outcomes: NotRequired[dict[str, int]]
    limited: NotRequired[dict[str, int]]
    text: NotRequired[str]
