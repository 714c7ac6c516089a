"""Writing destinations: what a new one is made of, and what a change of one does. For the API and the admin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from notifications import signing, targets
from notifications.models import Destination, DestinationKind

AUDITED: Final = ("name", "kind", "events", "severities", "kinds", "hourly_limit", "enabled")
MAX_DESTINATIONS: Final = 20
"""Of one project. What happens is compared with each, and may be a message to each."""


def audited(destination: Destination) -> dict[str, Any]:
    """Return what is recorded of a destination: of its target what may be shown, of its secret nothing."""
    values = {name: getattr(destination, name) for name in AUDITED}
    return values | {"target": targets.shown(destination.target)}


def secret_for(kind: str) -> str:
    """Return a new secret where messages of this kind are signed, otherwise nothing."""
    return signing.new_secret() if kind == DestinationKind.WEBHOOK else ""


def change(destination: Destination, fields: Mapping[str, Any]) -> list[str]:
    """Give ``destination`` the values of ``fields`` and return which columns are to be saved.

    A target that is what is shown of the old one is the old one. Who changes the target or switches it on wants it
    to be tried, so a pause ends.
    """
    changed = []
    for name, value in fields.items():
        if name == "target" and value == destination.target_shown:
            continue
        if getattr(destination, name) != value:
            setattr(destination, name, value)
            changed.append(name)
    if "target" in changed or ("enabled" in changed and destination.enabled):
        destination.failures, destination.paused_until = 0, None
        changed += ["failures", "paused_until"]
    return changed
