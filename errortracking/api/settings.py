"""A project's settings of error tracking (contract 5)."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.decorators import action

from environments.api.requests import APIRequest
from errortracking.api.single_row import LARGEST, SingleRow
from errortracking.models import ErrorTrackingSettings


def _limit(help_text: str) -> serializers.IntegerField:
    return serializers.IntegerField(min_value=1, max_value=LARGEST, allow_null=True, help_text=help_text)


class ErrorTrackingSettingsSerializer(serializers.Serializer[ErrorTrackingSettings]):
    """Limits on how many exceptions are stored. A bucket is full at first, and refills evenly while it is used."""

    project_rate_limit_value = _limit(
        "How many exceptions the whole project may store per bucket; further ones are dropped and counted as "
        "rate-limited. Null: no limit."
    )
    project_rate_limit_bucket_size_minutes = _limit(
        "In how many minutes the project's bucket refills from empty to full. Null: 60."
    )
    per_issue_rate_limit_value = _limit(
        "How many exceptions each single issue may store per bucket; further ones are dropped and counted as "
        "rate-limited. Null: the server's default."
    )
    per_issue_rate_limit_bucket_size_minutes = _limit(
        "In how many minutes an issue's bucket refills from empty to full. Null: 60."
    )


class SettingsViewSet(SingleRow):
    """How many exceptions a project stores."""

    model = ErrorTrackingSettings
    scope_object = "error_tracking"
    scopes = {"retrieve_settings": "error_tracking:read", "update_settings": "error_tracking:write"}
    serializer_class = ErrorTrackingSettingsSerializer

    @action(detail=False)
    def retrieve_settings(self, request: APIRequest, **path: str) -> HttpResponse:
        """Return the project's settings; all are null until somebody sets them."""
        return self.show()

    @action(detail=False, methods=["patch"])
    def update_settings(self, request: APIRequest, **path: str) -> HttpResponse:
        """Change some of the settings and return all. Null clears one; unknown fields are ignored."""
        return self.change(request)
