"""Which destination wants to hear of which notice. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from notifications.events import Notice


@dataclass(frozen=True, slots=True)
class Listener:
    """An enabled destination, as `notifications.outbox` reads it."""

    environment_id: int
    id: UUID
    events: Collection[str]
    severities: Collection[str]
    kinds: Collection[str]
    room: int
    """How many more messages it gets one by one at the moment; less than none where two have told it at once."""

    def wants(self, notice: Notice) -> bool:
        """Return whether ``notice`` is for it.

        A list of severities or kinds leaves out notices with another one, not those without: an issue of which nobody
        has said how bad it is may be the worst.
        """
        return (
            notice.event.value in self.events
            and (not self.severities or notice.severity is None or notice.severity in self.severities)
            and (not self.kinds or notice.kind is None or notice.kind in self.kinds)
        )
