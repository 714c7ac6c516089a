"""Be told when an issue appears, comes back or spikes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from errortracking.recommendations.base import Meta, RecommendationType, all_enabled
from notifications.events import NoticeEvent
from notifications.listening import heard

KEYS: Final = {
    "error-tracking-issue-created": NoticeEvent.ISSUE_CREATED,
    "error-tracking-issue-reopened": NoticeEvent.ISSUE_REOPENED,
    "error-tracking-issue-spiking": NoticeEvent.ISSUE_SPIKING,
}


def destinations(environment_id: int) -> Collection[str]:
    """Return which of `KEYS` a destination of the project listens to that is switched on, whatever else it filters."""
    events = heard(environment_id)
    return [key for key, event in KEYS.items() if event in events]


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
