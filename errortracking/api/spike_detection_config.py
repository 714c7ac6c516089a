"""When a project calls something a spike (contract 6)."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.decorators import action

from environments.api.requests import APIRequest
from errortracking.api.single_row import LARGEST, SingleRow
from errortracking.models import SpikeDetectionConfig


def _number(help_text: str) -> serializers.IntegerField:
    return serializers.IntegerField(min_value=1, max_value=LARGEST, help_text=help_text)


@extend_schema_serializer(many=False)  # the action is called list and answers one object
class ErrorTrackingSpikeDetectionConfigSerializer(serializers.Serializer[SpikeDetectionConfig]):
    """An issue spikes when its current 5 minutes reach `threshold` and exceed its baseline times `multiplier`."""

    snooze_duration_minutes = _number(
        "For how many minutes after a spike the same issue is not reported as spiking again. By default 10."
    )
    multiplier = _number(
        "How many times its baseline an issue must exceed. The baseline is the issue's average over those 5 minutes "
        "of the last hour in which it came at all; for a new issue, that of the project's issues. By default 10."
    )
    threshold = _number(
        "How many exceptions an issue must have in the current 5 minutes, however low its baseline. By default 500."
    )


# Upstream describes them, because the action is called list.
_IGNORED: Final = [
    OpenApiParameter(name, int, description="Ignored: there is one object.") for name in ("limit", "offset")
]


class SpikeDetectionConfigViewSet(SingleRow):
    """When a project calls something a spike."""

    model = SpikeDetectionConfig
    scope_object = "error_tracking"
    scopes = {"list": "error_tracking:read", "update_config": "error_tracking:write"}
    serializer_class = ErrorTrackingSpikeDetectionConfigSerializer

    @extend_schema(parameters=_IGNORED)
    def list(self, request: APIRequest, **path: str) -> HttpResponse:
        """Return the project's configuration: one object, not a list."""
        return self.show()

    @action(detail=False, methods=["patch"])
    def update_config(self, request: APIRequest, **path: str) -> HttpResponse:
        """Change some of the configuration and return all of it. Unknown fields are ignored."""
        return self.change(request)
