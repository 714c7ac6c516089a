"""Projects as the API shows and takes them."""

from __future__ import annotations

from typing import Any, Final
from zoneinfo import available_timezones

from rest_framework import serializers

from environments.models import Project

LARGEST: Final = 2**31 - 1


class ProjectSerializer(serializers.Serializer[Project]):
    """A project: what an application reports to. PostHog calls the same thing project, environment and team."""

    id = serializers.IntegerField(help_text="The project's id: the number in paths, and the `team_id` of its objects.")
    project_id = serializers.IntegerField(source="id", help_text="The same id: here a project has one environment.")
    organization = serializers.UUIDField(source="organization_id", help_text="The id of its organization.")
    name = serializers.CharField(help_text="Its name, which no other project of the organization has.")
    api_token = serializers.CharField(
        help_text="The token that SDKs send, `phc_…`. It can only report events, so it may stand in public code."
    )
    timezone = serializers.CharField(help_text="An IANA time zone, such as `Europe/Berlin`. Times of answers are UTC.")
    max_event_age_days = serializers.IntegerField(
        allow_null=True, help_text="Events are deleted after so many days; null: as long as the server keeps them."
    )
    created_at = serializers.DateTimeField(help_text="When the project was made.")


class ProjectCreateRequestSerializer(serializers.Serializer[Any]):
    """A new project."""

    name = serializers.CharField(max_length=200, help_text="A name that no other project of the organization has.")
    timezone = serializers.CharField(
        max_length=64, required=False, help_text="An IANA time zone, such as `Europe/Berlin`; by default `UTC`."
    )
    max_event_age_days = serializers.IntegerField(
        min_value=1,
        max_value=LARGEST,
        allow_null=True,
        required=False,
        help_text="Delete events after so many days; null, or more than the server keeps them: as the server does.",
    )

    def validate_timezone(self, value: str) -> str:
        """Return the time zone, or raise that there is none of that name."""
        if value not in available_timezones():
            raise serializers.ValidationError(f'"{value}" is not a valid choice.', "invalid_choice")
        return value


class ProjectUpdateRequestSerializer(ProjectCreateRequestSerializer):
    """Changes of a project. A field that is absent keeps its value."""

    name = serializers.CharField(
        max_length=200, required=False, help_text="Another name, which no other project of the organization has."
    )
