"""The four operations of recommendations."""

from __future__ import annotations

from datetime import datetime

from common import Place, typed, until
from healthtrack_client.api.error_tracking import (
    environments_error_tracking_recommendations_dismiss_create,
    environments_error_tracking_recommendations_list,
    environments_error_tracking_recommendations_refresh_create,
    environments_error_tracking_recommendations_restore_create,
)
from healthtrack_client.models import ErrorTrackingRecommendation, PaginatedErrorTrackingRecommendationList

TYPES = ["alerts", "long_running_issues", "quiet_issues", "rate_limits", "source_maps"]


def listed(place: Place, poll: bool) -> dict[str, ErrorTrackingRecommendation]:
    page = typed(
        PaginatedErrorTrackingRecommendationList,
        environments_error_tracking_recommendations_list.sync(place.project, client=place.client, poll=poll),
    )
    assert page.count == len(page.results)
    return {row.type_: row for row in page.results}


def computed(place: Place, since: datetime | None) -> ErrorTrackingRecommendation:
    """Wait until the limits were computed after ``since``."""

    def look() -> ErrorTrackingRecommendation | None:
        row = listed(place, poll=True)["rate_limits"]
        if row.status != "ready" or row.computed_at is None or (since is not None and row.computed_at <= since):
            return None
        return row

    return until(look)


def walk(place: Place) -> None:
    """Polling makes nothing; listing makes and computes; dismissing is taken back."""
    assert listed(place, poll=True) == {}
    assert list(listed(place, poll=False)) == TYPES
    row = computed(place, None)
    assert row.meta.to_dict() == {
        "rate_limits": [{"key": "project", "enabled": False}, {"key": "per_issue", "enabled": True}]
    }
    assert (row.completed, row.dismissed_at) == (False, None)
    dismissed = typed(
        ErrorTrackingRecommendation,
        environments_error_tracking_recommendations_dismiss_create.sync(
            place.project, str(row.id), client=place.client
        ),
    )
    assert dismissed.dismissed_at is not None
    assert dismissed.dismissed_at > row.created_at
    restored = typed(
        ErrorTrackingRecommendation,
        environments_error_tracking_recommendations_restore_create.sync(
            place.project, str(row.id), client=place.client
        ),
    )
    assert (restored.id, restored.dismissed_at) == (row.id, None)


def walk_after_settings(place: Place) -> None:
    """What the settings completed is seen after a refresh."""
    before = listed(place, poll=True)["rate_limits"]
    assert before.completed is False
    refreshed = typed(
        ErrorTrackingRecommendation,
        environments_error_tracking_recommendations_refresh_create.sync(
            place.project, str(before.id), client=place.client, force=True
        ),
    )
    assert refreshed.id == before.id
    after = computed(place, before.computed_at)
    assert after.completed is True
    assert after.meta["rate_limits"] == [{"key": "project", "enabled": True}, {"key": "per_issue", "enabled": True}]
