"""The operations of settings and of the configuration of spike detection: two each."""

from __future__ import annotations

from common import Place, typed
from healthtrack_client.api.error_tracking import (
    environments_error_tracking_settings_retrieve_settings_retrieve,
    environments_error_tracking_settings_update_settings_partial_update,
    environments_error_tracking_spike_detection_config_list,
    environments_error_tracking_spike_detection_config_update_config_partial_update,
)
from healthtrack_client.models import (
    Error,
    ErrorTrackingSettings,
    ErrorTrackingSpikeDetectionConfig,
    PatchedErrorTrackingSettings,
    PatchedErrorTrackingSpikeDetectionConfig,
)


def limits(project: int | None, minutes: int | None, per_issue: int | None) -> ErrorTrackingSettings:
    return ErrorTrackingSettings(
        project_rate_limit_value=project,
        project_rate_limit_bucket_size_minutes=minutes,
        per_issue_rate_limit_value=per_issue,
        per_issue_rate_limit_bucket_size_minutes=None,
    )


def walk(place: Place) -> None:
    """A field that is left out stays, null clears one, and a wrong one changes nothing."""
    retrieve = environments_error_tracking_settings_retrieve_settings_retrieve
    assert retrieve.sync(place.project, client=place.client) == limits(None, None, None)
    body = PatchedErrorTrackingSettings(project_rate_limit_value=7, project_rate_limit_bucket_size_minutes=5)
    assert updated(place, body) == limits(7, 5, None)
    body = PatchedErrorTrackingSettings(project_rate_limit_bucket_size_minutes=None, per_issue_rate_limit_value=3)
    assert updated(place, body) == limits(7, None, 3)
    assert updated(place, PatchedErrorTrackingSettings(project_rate_limit_value=0)) == Error(
        type_="validation_error",
        code="min_value",
        detail="Ensure this value is greater than or equal to 1.",
        attr="project_rate_limit_value",
    )
    assert retrieve.sync(place.project, client=place.client) == limits(7, None, 3)
    walk_spikes(place)


def updated(place: Place, body: PatchedErrorTrackingSettings) -> object:
    update = environments_error_tracking_settings_update_settings_partial_update
    return update.sync(place.project, client=place.client, body=body)


def walk_spikes(place: Place) -> None:
    """One object, with its defaults until they are changed."""
    show = environments_error_tracking_spike_detection_config_list
    update = environments_error_tracking_spike_detection_config_update_config_partial_update
    shown = typed(ErrorTrackingSpikeDetectionConfig, show.sync(place.project, client=place.client))
    assert (shown.snooze_duration_minutes, shown.multiplier, shown.threshold) == (10, 10, 500)
    changed = ErrorTrackingSpikeDetectionConfig(snooze_duration_minutes=10, multiplier=3, threshold=500)
    body = PatchedErrorTrackingSpikeDetectionConfig(multiplier=3)
    assert update.sync(place.project, client=place.client, body=body) == changed
    assert show.sync(place.project, client=place.client) == changed
