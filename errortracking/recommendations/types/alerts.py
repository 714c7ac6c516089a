"""Be told when an issue appears, comes back or spikes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from errortracking.recommendations.base import Meta, RecommendationType, all_enabled

KEYS: Final = (
    "error-tracking-issue-created",
    "error-tracking-issue-reopened",
    "error-tracking-issue-spiking",
)


def destinations(environment_id: int) -> Collection[str]:
    """Return which of `KEYS` a living alert destination of the project listens to.

    There are none: this server delivers no alerts yet. What delivers them is to be asked here.
    """
    return ()


def checklist(enabled: Collection[str]) -> Meta:
    """Return ``meta`` where these keys are listened to."""
    return {"alerts": [{"key": key, "enabled": key in enabled} for key in KEYS]}


class Alerts(RecommendationType):
    """Completed when each kind of alert has a destination."""

    name = "alerts"
    interval = None

    def compute(self, environment_id: int) -> Meta:
        """Return which alerts have a destination."""
        return checklist(destinations(environment_id))

    def is_completed(self, meta: Meta) -> bool:
        """Return whether there are alerts and all are enabled."""
        return all_enabled(meta, "alerts")


TYPE = Alerts()
