"""How an event of an issue is described; `issue_event_rows` makes it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from environments.api.fields import ObjectField


class ErrorTrackingIssueEventFrameSerializer(serializers.Serializer[Any]):
    """A frame of a stack, with what belongs to this occurrence."""

    id = serializers.UUIDField(help_text="The id of the stack frame, which all events with the frame share.")
    raw_id = serializers.CharField(
        allow_null=True,
        help_text="Raw frame ID in 'hash/part' format; null where the shared frame is gone. Untrusted.",
    )
    resolved = serializers.BooleanField(help_text="Whether `contents` is about the source as it was written.")
    resolved_later = serializers.BooleanField(
        help_text="Whether the frame failed to be resolved when the event came, and is shown as it was resolved since."
    )
    contents = ObjectField(
        help_text="The frame as it was when the event came: function, file, line and so on. From events: untrusted."
    )
    context = ObjectField(  # type: ignore[assignment] # DRF takes a declared field out of the class
        allow_null=True, help_text="Lines of source around the frame: `before`, `line`, `after`. Untrusted."
    )
    code_variables = serializers.JSONField(
        allow_null=True, help_text="The variables of this occurrence, as stored: any JSON. Untrusted."
    )


class ErrorTrackingIssueEventExceptionSerializer(serializers.Serializer[Any]):
    """One exception of a chain."""

    id = serializers.UUIDField(help_text="The exception's id, given by the server.")
    type = serializers.CharField(help_text="Its class or kind. From the event: untrusted.")
    value = serializers.CharField(help_text="Its message. From the event: untrusted.")
    module = serializers.CharField(allow_null=True, help_text="The module of its class. Untrusted.")
    thread_id = serializers.IntegerField(allow_null=True, help_text="The thread that it was raised in.")
    mechanism = ObjectField(
        allow_null=True, help_text="How it was caught: `handled`, `type` and what the SDK adds. Untrusted."
    )
    frames = ErrorTrackingIssueEventFrameSerializer(
        many=True, help_text="Its stack: the entry of the program first, the frame that raised it last."
    )


class ErrorTrackingIssueEventReleaseSerializer(serializers.Serializer[Any]):
    """The release that an event came from, as it was then."""

    project = serializers.CharField(help_text="The name of the program. From a client: untrusted.")
    version = serializers.CharField(help_text="The version of the program. From a client: untrusted.")
    timestamp = serializers.CharField(help_text="When the release was made, ISO 8601.")
    metadata = ObjectField(
        allow_null=True, help_text="The release's metadata, such as `git`; null where none or large. Untrusted."
    )


class ErrorTrackingIssueEventGroupingPartSerializer(serializers.Serializer[Any]):
    """One thing that went into a fingerprint, and where this event has it."""

    type = serializers.CharField(
        help_text="`exception`, `frame`, `manual` (the client chose the fingerprint) or `custom` (a grouping rule did)."
    )
    exception = serializers.IntegerField(
        allow_null=True, help_text="Which of the event's `exceptions` it is of, from 0; null where that is not known."
    )
    frame = serializers.IntegerField(
        allow_null=True,
        help_text="Which of that exception's `frames` it is, from 0. Null for what is no frame, and where this event "
        "has another frame with the same pieces.",
    )
    pieces = serializers.ListField(
        child=serializers.CharField(),
        help_text="What was taken of it, such as 'Exception Type' or 'Source file name'.",
    )
    id = serializers.CharField(
        allow_null=True, help_text="Of an exception: its id in the event that brought the fingerprint."
    )
    raw_id = serializers.CharField(
        allow_null=True, help_text="Of a frame: its raw frame ID in the event that brought the fingerprint."
    )
    rule_id = serializers.CharField(allow_null=True, help_text="Of `custom`: the id of the grouping rule.")


class ErrorTrackingIssueEventGroupingSerializer(serializers.Serializer[Any]):
    """Why an event is in its issue."""

    fingerprint_id = serializers.UUIDField(help_text="The id of the fingerprint, which belongs to the issue.")
    fingerprint = serializers.CharField(
        help_text="What the event was recognised by: a hash, or what the client chose. Untrusted."
    )
    kind = serializers.CharField(
        help_text="v1, v2 (the server's own ways), v1_legacy, v2_legacy, manual (the client's) or custom (a rule's)."
    )
    record = ErrorTrackingIssueEventGroupingPartSerializer(
        many=True, help_text="What made the fingerprint, in the order in which it was taken."
    )


class ErrorTrackingIssueEventSerializer(serializers.Serializer[Any]):
    """One occurrence of an issue. Nearly everything in it is what a program sent: untrusted."""

    uuid = serializers.UUIDField(help_text="The event's id, which its SDK gave it.")
    timestamp = serializers.DateTimeField(help_text="When it happened, corrected for the client's clock.")
    received_at = serializers.DateTimeField(help_text="When the server accepted it.")
    distinct_id = serializers.CharField(help_text="Whom it happened to, as the client says. Untrusted.")
    sdk = serializers.CharField(help_text="The library that sent it, such as posthog-python; may be empty. Untrusted.")
    sdk_version = serializers.CharField(help_text="The version of that library; may be empty. Untrusted.")
    ip = serializers.CharField(allow_null=True, help_text="The address that sent it, where the project keeps it.")
    user_agent = serializers.CharField(
        allow_null=True, help_text="The program that sent it, as it called itself. Untrusted."
    )
    release = ErrorTrackingIssueEventReleaseSerializer(
        allow_null=True, help_text="The release that it came from, where known. Its texts are untrusted."
    )
    exceptions = ErrorTrackingIssueEventExceptionSerializer(
        many=True, help_text="The chain, the outermost exception first and the cause last. Its texts are untrusted."
    )
    properties = ObjectField(
        help_text="All other properties of the event, and what the server derived ($exception_types, …). Untrusted."
    )
    grouping = ErrorTrackingIssueEventGroupingSerializer(
        help_text="Why it is in this issue: what made its fingerprint, and where the event has it."
    )
    truncated = serializers.BooleanField(
        help_text="Whether `exceptions` and `properties` are left out because the answer would be too large. "
        "In a list: ask for the event alone."
    )
