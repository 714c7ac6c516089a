"""What another configuration of spikes would have found. Upstream has nothing of the kind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers

from environments import clock
from environments.api.exceptions import FieldError
from environments.api.renderers import json_response
from environments.api.requests import APIRequest
from environments.api.schema import ErrorSerializer
from environments.api.viewsets import ProjectViewSet
from errortracking.api.spike_detection_config import ErrorTrackingSpikeDetectionConfigSerializer
from errortracking.api.spike_event_filters import WRONG_MOMENT, moment
from errortracking.api.spike_events import ErrorTrackingSpikeEventIssueSerializer
from errortracking.models import Issue, SpikeDetectionConfig
from errortracking.models.spikes import SPIKE_COUNT_DAYS
from errortracking.spikes import counts
from errortracking.spikes.detect import HISTORY, number_of
from errortracking.spikes.preview import MOST_SPIKES, Replayed, compare
from errortracking.spikes.series import TooMuch

LONGEST: Final = timedelta(days=SPIKE_COUNT_DAYS)
BY_DEFAULT: Final = timedelta(days=7)
TOO_LONG: Final = f"The range may be at most {SPIKE_COUNT_DAYS} days."
BACKWARDS: Final = "Must not be after date_to."
TOO_MUCH: Final = (
    "The range holds more than can be replayed in one request. Ask for a shorter one, or for a higher threshold."
)


class _MomentField(serializers.DateTimeField):
    """A moment in the forms that the filters of spike events take; blank and null are none."""

    default_error_messages = {"invalid": WRONG_MOMENT}

    def to_internal_value(self, value: Any) -> datetime | None:  # type: ignore[override]
        """Return the moment in UTC."""
        if not isinstance(value, str):
            self.fail("invalid")
        try:
            return moment(value.strip()) if value.strip() else None
        except ValueError:
            self.fail("invalid")


_FORM: Final = "ISO 8601; UTC unless it has an offset; a date without time is its midnight."


class ErrorTrackingSpikePreviewRequestSerializer(ErrorTrackingSpikeDetectionConfigSerializer):
    """A candidate, whose missing numbers are those of the project's configuration, and a range of at most 30 days."""

    date_from = _MomentField(
        required=False,
        allow_null=True,
        help_text=f"From when on. {_FORM} By default 7 days before `date_to`. "
        "Counts are kept for 30 days: earlier than that nothing is found.",
    )
    date_to = _MomentField(required=False, allow_null=True, help_text=f"Until when. {_FORM} By default now.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return the fields, of which none is required."""
        fields = super().get_fields()
        for field in fields.values():
            field.required = False
        return fields


class ErrorTrackingReplayedSpikeSerializer(serializers.Serializer[Any]):
    """A spike that a configuration finds in the counts."""

    issue = ErrorTrackingSpikeEventIssueSerializer(help_text="The issue, as it is called now.")
    bucket = serializers.DateTimeField(help_text="When the 5 minutes begin in which it spikes.")
    computed_baseline = serializers.FloatField(
        help_text="How many exceptions in 5 minutes were usual in the hour before."
    )
    current_bucket_value = serializers.IntegerField(
        help_text="How many exceptions the 5 minutes had in all. A spike that was reported has what it had by then."
    )


class ErrorTrackingSpikeReplaySerializer(serializers.Serializer[Any]):
    """A configuration and the spikes that it finds."""

    config = ErrorTrackingSpikeDetectionConfigSerializer(help_text="The configuration that was tried.")
    count = serializers.IntegerField(help_text="How many spikes it finds.")
    truncated = serializers.BooleanField(help_text="Whether `spikes` holds only the newest of them.")
    spikes = ErrorTrackingReplayedSpikeSerializer(
        many=True, help_text=f"The spikes, the newest first; at most {MOST_SPIKES}."
    )


class ErrorTrackingSpikePreviewSerializer(serializers.Serializer[Any]):
    """What the candidate and the project's configuration find in the same counts."""

    date_from = serializers.DateTimeField(help_text="Where the range begins. The 5 minutes that it cuts count in full.")
    date_to = serializers.DateTimeField(help_text="Where the range ends. The 5 minutes that it cuts count in full.")
    candidate = ErrorTrackingSpikeReplaySerializer(help_text="What the candidate would have reported.")
    current = ErrorTrackingSpikeReplaySerializer(help_text="What the project's configuration, as it is now, reports.")


class SpikePreviewViewSet(ProjectViewSet):
    """Tries a configuration of spikes on what has happened."""

    model = SpikeDetectionConfig
    scope_object = "error_tracking"
    scopes = {"create": "error_tracking:read"}  # a POST only because it has a body: it changes nothing

    @extend_schema(
        request=ErrorTrackingSpikePreviewRequestSerializer,
        responses={
            200: ErrorTrackingSpikePreviewSerializer,
            400: OpenApiResponse(ErrorSerializer, description="A number or the range is wrong; `attr` names it."),
        },
    )
    def create(self, request: APIRequest, **path: str) -> HttpResponse:
        """Return which spikes a candidate would have reported, and which the configuration of the project reports.

        Nothing is changed. Both are replayed over the stored counts of 5 minutes with the functions that detect spikes:
        whole 5 minutes, where detection sees them grow and reports what they had by then. Issues that were merged
        meanwhile are one from the beginning.
        """
        checked = ErrorTrackingSpikePreviewRequestSerializer(data=request.data)
        checked.is_valid(raise_exception=True)
        wanted = dict(checked.validated_data)
        date_from, date_to = _range(wanted.pop("date_from", None), wanted.pop("date_to", None))
        current = counts.config_of(self.project.pk)
        configs = [current._replace(**wanted), current]
        try:
            found = compare(self.project.pk, configs, *_buckets(date_from, date_to))
        except TooMuch:
            raise FieldError("date_from", TOO_MUCH, "range_too_large") from None
        names = self._issues({issue for one in found for issue, _ in one.spikes})
        candidate, as_it_is = (_shown(one, names) for one in found)
        return json_response({"date_from": date_from, "date_to": date_to, "candidate": candidate, "current": as_it_is})

    def _issues(self, ids: set[UUID]) -> dict[UUID, dict[str, Any]]:
        rows = Issue.objects.filter(**self.own(id__in=ids)).values("id", "name", "description")
        return {row["id"]: dict(row) for row in rows}


def _range(date_from: datetime | None, date_to: datetime | None) -> tuple[datetime, datetime]:
    """Return the range with what is missing. Raises a 400 where it is backwards or too long."""
    until = date_to or clock.now()
    since = date_from or max(until, datetime.min.replace(tzinfo=UTC) + BY_DEFAULT) - BY_DEFAULT
    if since > until:
        raise FieldError("date_from", BACKWARDS)
    if until - since > LONGEST:
        raise FieldError("date_from", TOO_LONG)
    return since, until


def _buckets(date_from: datetime, date_to: datetime) -> tuple[int, int]:
    """Return the numbers of the first bucket of the range and of the first after it.

    Where the calendar ends, and before the epoch, are no counts; a little less of that keeps moments in the years 1 to
    9999.
    """
    first, last = HISTORY, number_of(datetime.max.replace(tzinfo=UTC))
    since, until = (min(max(number_of(at), first), last - 1) for at in (date_from, date_to))
    return since, until + 1


def _shown(replayed: Replayed, issues: dict[UUID, dict[str, Any]]) -> dict[str, Any]:
    return {
        "config": replayed.config._asdict(),
        "count": replayed.count,
        "truncated": replayed.truncated,
        "spikes": [
            {
                # Deleted while we looked: its counts are still those of the replay.
                "issue": issues.get(issue) or {"id": issue, "name": None, "description": None},
                "bucket": spike.bucket,
                "computed_baseline": spike.baseline,
                "current_bucket_value": spike.value,
            }
            for issue, spike in replayed.spikes
        ],
    }
