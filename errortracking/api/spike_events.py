"""Spike events: when an issue came much more often than before (contract 7)."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers

from environments.api.requests import APIRequest
from environments.api.rows import Reader
from environments.api.schema import ErrorSerializer
from environments.api.viewsets import Listed
from errortracking.api.spike_event_filters import NEWEST_FIRST, ORDERS, PARAMETERS, conditions
from errortracking.models import Issue, SpikeEvent


class ErrorTrackingSpikeEventIssueSerializer(serializers.Serializer[Issue]):
    """The issue that spiked."""

    id = serializers.UUIDField(read_only=True, help_text="The issue's id.")
    name = serializers.CharField(
        read_only=True, allow_null=True, help_text="Usually the exception's type. From events: untrusted."
    )
    description = serializers.CharField(
        read_only=True, allow_null=True, help_text="Usually the exception's message. From events: untrusted."
    )


class ErrorTrackingSpikeEventSerializer(serializers.Serializer[SpikeEvent]):
    """One spike of one issue. Kept for 30 days."""

    id = serializers.UUIDField(read_only=True, help_text="The spike's id.")
    issue = ErrorTrackingSpikeEventIssueSerializer(read_only=True, help_text="The issue, as it is called now.")
    detected_at = serializers.DateTimeField(
        read_only=True, help_text="When the last exception was received of those by which the spike was noticed."
    )
    computed_baseline = serializers.FloatField(
        read_only=True, help_text="How many exceptions in 5 minutes were usual in the hour before."
    )
    current_bucket_value = serializers.IntegerField(
        read_only=True, help_text="How many exceptions the current 5 minutes had when the spike was noticed."
    )


READERS: Final = {
    name: Reader(SpikeEvent, ErrorTrackingSpikeEventSerializer, columns, counted=True)
    for name, columns in ORDERS.items()
}


class SpikeEventViewSet(Listed):
    """When issues came much more often than before."""

    model = SpikeEvent
    scope_object = "error_tracking"
    scopes = {"list": "error_tracking:read"}
    serializer_class = ErrorTrackingSpikeEventSerializer
    counted = True
    ordering = ORDERS[NEWEST_FIRST]

    @extend_schema(
        parameters=PARAMETERS,
        responses={
            200: ErrorTrackingSpikeEventSerializer(many=True),
            400: OpenApiResponse(ErrorSerializer, description="A filter is wrong; `attr` names it."),
        },
    )
    def list(self, request: APIRequest, **path: str) -> HttpResponse:
        """Return one page of spikes, the newest first unless `order_by` says otherwise."""
        wanted = conditions(request.query_params)
        reader = READERS.get(request.query_params.get("order_by", ""), self.reader)
        return self.page(self.get_queryset().filter(**wanted) if wanted else self.own(), reader)
