"""The one operation of spike events."""

from __future__ import annotations

from datetime import timedelta

from common import Place, typed
from healthtrack_client.api.error_tracking import environments_error_tracking_spike_events_list as spike_events
from healthtrack_client.models import (
    ErrorTrackingSpikeEventIssue,
    PaginatedErrorTrackingSpikeEventList,
    SpikeEventOrderEnum,
)


def values(parsed: object) -> list[int]:
    return [spike.current_bucket_value for spike in typed(PaginatedErrorTrackingSpikeEventList, parsed).results]


def walk(place: Place) -> None:
    """The newest first unless another order is named; issues and dates narrow."""
    page = typed(PaginatedErrorTrackingSpikeEventList, spike_events.sync(place.project, client=place.client))
    assert (page.count, values(page)) == (3, [800, 900, 700])
    newest, second, _ = page.results
    assert newest.issue == ErrorTrackingSpikeEventIssue(id=place.issues[0], name="KeyError", description="'tea'")
    assert second.issue == ErrorTrackingSpikeEventIssue(id=place.issues[1], name=None, description=None)
    assert (newest.detected_at, newest.computed_baseline) == (place.moment + timedelta(minutes=10), 2.0)
    assert values(
        spike_events.sync(place.project, client=place.client, order_by=SpikeEventOrderEnum.COMPUTED_BASELINE_DESCENDING)
    ) == [900, 800, 700]
    first = str(place.issues[0])
    order = SpikeEventOrderEnum.CURRENT_BUCKET_VALUE
    assert values(spike_events.sync(place.project, client=place.client, issue_ids=first, order_by=order)) == [700, 800]
    since, until = (place.moment + timedelta(minutes=minutes) for minutes in (1, 9))
    assert values(spike_events.sync(place.project, client=place.client, date_from=since, date_to=until)) == [900]
