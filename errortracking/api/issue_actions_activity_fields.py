"""What is told of something that happened to an issue (contract 10)."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

SCOPE: Final = "ErrorTrackingIssue"
FURTHEST: Final = 10_000
"""Entries that can be reached: three tables are read up to a page's end, and merged. More is told of a single issue."""


class ActivityLogUserSerializer(serializers.Serializer[Any]):
    """Who did it."""

    first_name = serializers.CharField(help_text="The person's first name; `System` for the server itself.")
    email = serializers.CharField(allow_null=True, help_text="The address at the time; null for the server itself.")
    is_system = serializers.BooleanField(required=False, help_text="True where the server did it by itself.")


class ActivityLogChangeSerializer(serializers.Serializer[Any]):
    """A value that was changed."""

    type = serializers.CharField(help_text=f"What it belongs to: always `{SCOPE}`.")
    action = serializers.CharField(help_text="`changed`, `split` or `undone`.")
    field = serializers.CharField(help_text="What was changed: `status`, `assignee`, …")
    before = serializers.JSONField(allow_null=True, help_text="What it was. Untrusted.")
    after = serializers.JSONField(allow_null=True, help_text="What it became. Untrusted.")


class ActivityLogIssueSerializer(serializers.Serializer[Any]):
    """An issue that was part of a merge."""

    id = serializers.CharField(help_text="The issue's id.")
    name = serializers.CharField(allow_null=True, help_text="What it was called then. Untrusted.")


class ActivityLogMergeSerializer(serializers.Serializer[Any]):
    """What was merged into what."""

    type = serializers.CharField(help_text=f"What it belongs to: always `{SCOPE}`.")
    source = ActivityLogIssueSerializer(  # type: ignore[assignment] # the name of an attribute of DRF's fields
        many=True, help_text="The issues that were merged."
    )
    target = ActivityLogIssueSerializer(help_text="The issue that they became part of.")


class ActivityLogDetailSerializer(serializers.Serializer[Any]):
    """What was done."""

    id = serializers.CharField(allow_null=True, help_text="The merge or split, for `undo`; otherwise null.")
    name = serializers.CharField(allow_null=True, help_text="What the issue is called now. Untrusted.")
    short_id = serializers.CharField(allow_null=True, help_text="Always null: issues have none.")
    type = serializers.CharField(allow_null=True, help_text="Always null: issues have none.")
    changes = ActivityLogChangeSerializer(many=True, help_text="What was changed.")
    merge = ActivityLogMergeSerializer(allow_null=True, help_text="For a merge.")


class ActivityLogEntrySerializer(serializers.Serializer[Any]):
    """Something that happened to an issue."""

    id = serializers.UUIDField(help_text="The entry's id; that of the issue for its making.")
    user = ActivityLogUserSerializer(help_text="Who did it.")
    activity = serializers.CharField(
        help_text="`created`, `reopened` (by an exception), `updated`, `assigned`, `merged`, `split` or `undone`."
    )
    scope = serializers.CharField(help_text=f"What it belongs to: always `{SCOPE}`.")
    item_id = serializers.CharField(help_text="The issue's id.")
    detail = ActivityLogDetailSerializer(help_text="What was done.")
    created_at = serializers.DateTimeField(help_text="When it happened.")


class ActivityLogPageSerializer(serializers.Serializer[Any]):
    """A page of what happened."""

    results = ActivityLogEntrySerializer(many=True, help_text="The newest first.")
    next = serializers.CharField(allow_null=True, help_text="The address of the next page; null on the last.")
    previous = serializers.CharField(allow_null=True, help_text="The address of the page before; null on the first.")
    total_count = serializers.IntegerField(
        help_text=f"How many entries there are on all pages; at most {FURTHEST} are counted and can be reached."
    )
