"""What the API shows of destinations and deliveries, and what it takes."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from notifications.events import SEVERITIES, NoticeEvent
from notifications.models import (
    HOURLY_LIMIT,
    MOST_PER_HOUR,
    NAME_LENGTH,
    TARGET_LENGTH,
    Delivery,
    DeliveryStatus,
    Destination,
    DestinationKind,
)

MOST_KINDS: Final = 100  # more than there are kinds of health issues; each notice is compared with all
KIND_LENGTH: Final = 100
SEVERITY_CHOICES: Final = [(severity, severity) for severity in SEVERITIES]


@extend_schema_field({"type": "array", "items": {"type": "string"}})
class TextsField(serializers.JSONField):
    """A list of texts, shown as it is stored."""


class AlertAttemptSerializer(serializers.Serializer[Any]):
    """One attempt to deliver a message."""

    at = serializers.DateTimeField(help_text="When it ended.")
    http_status = serializers.IntegerField(allow_null=True, help_text="What was answered; null: nothing, or mail.")
    duration_ms = serializers.IntegerField(help_text="How many milliseconds it took.")
    error = serializers.CharField(help_text="Why it failed; empty: it did not.")


@extend_schema_field(AlertAttemptSerializer(many=True))
class TriesField(serializers.JSONField):
    """The attempts to deliver a message."""


class AlertDestinationSerializer(serializers.Serializer[Destination]):
    """Where alerts of a project go."""

    id = serializers.UUIDField(read_only=True, help_text="The destination's id.")
    name = serializers.CharField(read_only=True, help_text="What people call it.")
    kind = serializers.ChoiceField(
        DestinationKind.choices, read_only=True, help_text="In which form messages go. Never changes."
    )
    target = serializers.CharField(
        read_only=True,
        source="target_shown",
        help_text="Where they go. Of an address of the web only host and end are shown: who knows it can write there.",
    )
    events = TextsField(read_only=True, help_text=f"What is told: {', '.join(NoticeEvent.values)}.")
    severities = TextsField(
        read_only=True, help_text="Only of these severities, or of none. An empty list: all severities."
    )
    kinds = TextsField(read_only=True, help_text="Only these kinds of health issues. An empty list: all kinds.")
    hourly_limit = serializers.IntegerField(
        read_only=True, help_text="Messages in 60 minutes; what comes beyond goes as one message every ten minutes."
    )
    enabled = serializers.BooleanField(read_only=True, help_text="Whether it is told anything.")
    failures = serializers.IntegerField(
        read_only=True, help_text="Attempts in a row that have failed. From 5 on there are pauses."
    )
    paused_until = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="Until when nothing is sent because of failures; null: no pause."
    )
    created_at = serializers.DateTimeField(read_only=True, help_text="When it was made.")
    updated_at = serializers.DateTimeField(read_only=True, help_text="When somebody changed it last.")


class AlertDestinationCreatedSerializer(AlertDestinationSerializer):
    """A new destination, with its secret."""

    secret = serializers.CharField(
        read_only=True,
        help_text="By which webhooks are signed, shown this once; empty for other kinds.",
    )


def _events(**options: Any) -> serializers.ListField:
    return serializers.ListField(
        child=serializers.ChoiceField(NoticeEvent.choices),
        allow_empty=False,
        max_length=len(NoticeEvent.values),
        help_text="What is told; at least one.",
        **options,
    )


def _severities() -> serializers.ListField:
    return serializers.ListField(
        child=serializers.ChoiceField(SEVERITY_CHOICES),
        required=False,
        max_length=len(SEVERITIES),
        help_text="Only of these severities, or of none. An empty list: all.",
    )


def _kinds() -> serializers.ListField:
    return serializers.ListField(
        child=serializers.CharField(max_length=KIND_LENGTH),
        required=False,
        max_length=MOST_KINDS,
        help_text="Only these kinds of health issues, such as `sdk_outdated`. An empty list: all.",
    )


def _hourly_limit() -> serializers.IntegerField:
    return serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=MOST_PER_HOUR,
        help_text=f"Messages in 60 minutes, {HOURLY_LIMIT} by default.",
    )


class AlertDestinationCreateRequestSerializer(serializers.Serializer[Any]):
    """A new destination."""

    name = serializers.CharField(max_length=NAME_LENGTH, help_text="What people call it.")
    kind = serializers.ChoiceField(
        DestinationKind.choices,
        help_text="`webhook` for signed JSON, `slack` and `discord` for what their incoming webhooks take, `email`.",
    )
    target = serializers.CharField(
        max_length=TARGET_LENGTH, help_text="An http or https address, or for `email` an email address."
    )
    events = _events()
    severities = _severities()
    kinds = _kinds()
    hourly_limit = _hourly_limit()
    enabled = serializers.BooleanField(required=False, help_text="Whether it is told anything; by default it is.")


class AlertDestinationUpdateRequestSerializer(serializers.Serializer[Any]):
    """Changes of a destination. A field that is absent keeps its value."""

    name = serializers.CharField(
        required=False, max_length=NAME_LENGTH, help_text="Another name for people to call it."
    )
    target = serializers.CharField(
        required=False,
        max_length=TARGET_LENGTH,
        help_text="Another address, of the same kind. What is shown of the old one changes nothing.",
    )
    events = _events(required=False)
    severities = _severities()
    kinds = _kinds()
    hourly_limit = _hourly_limit()
    enabled = serializers.BooleanField(required=False, help_text="False: nothing is told. True: it is tried anew.")


class AlertDeliverySerializer(serializers.Serializer[Delivery]):
    """A message to a destination, and how it went."""

    id = serializers.UUIDField(
        read_only=True, help_text="The message's id, which webhooks carry as `webhook-id`; it stays over repetitions."
    )
    destination_id = serializers.UUIDField(read_only=True, help_text="Where it goes.")
    event = serializers.CharField(
        read_only=True,
        help_text="What has happened. Beside the destination's events, `test`, and `digest` for many at once.",
    )
    subject_id = serializers.UUIDField(
        read_only=True, allow_null=True, help_text="The issue or health issue; null for tests and digests."
    )
    title = serializers.CharField(read_only=True, help_text="What the subject is called. Untrusted text.")
    status = serializers.ChoiceField(
        DeliveryStatus.choices,
        read_only=True,
        help_text="`pending` until it was taken (`delivered`) or given up (`failed`).",
    )
    attempts = serializers.IntegerField(read_only=True, help_text="How often it was tried, since it was sent again.")
    created_at = serializers.DateTimeField(read_only=True, help_text="When it was told.")
    next_attempt_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="When it is tried next; null when that is over."
    )
    finished_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="When it was delivered or given up."
    )
    http_status = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="What the last attempt was answered; null: nothing, or mail."
    )
    duration_ms = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="Milliseconds that the last attempt took; null before the first."
    )
    error = serializers.CharField(read_only=True, help_text="Why the last attempt failed; empty: it did not.")
    excerpt = serializers.CharField(
        read_only=True, help_text="The beginning of what the receiver answered. Untrusted text."
    )
    tries = TriesField(read_only=True, help_text="The attempts, the latest last; 22 at most are kept.")
