"""Bodies and answers of what people do with issues (contract 10)."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from errortracking.api.rules_fields import ErrorTrackingRuleAssigneeSerializer, UUIDText
from errortracking.api.single_row import LARGEST
from errortracking.issues.changing import WRITABLE
from errortracking.models.issues import Severity

MAX_ISSUES: Final = 1_000
"""Issues of one request: all of them are locked together, and workers wait meanwhile."""
MAX_PARTS: Final = 250
"""Fingerprints of one split: each becomes an issue."""
MAX_NAME: Final = 1_000
MAX_DESCRIPTION: Final = 10_000
"""Characters that people may write. What comes of exceptions is cut to 255 bytes."""
MAX_FINGERPRINT: Final = 10_000

STATUSES: Final = [(status.value, status.value) for status in WRITABLE]
_STATUS: Final = (
    "`resolved` is opened again by the next exception, `suppressed` drops all that come; `archived` and "
    "`pending_release` of old issues can be read and not written."
)


@extend_schema_field({"type": "string"})
class _SeverityField(serializers.ChoiceField):
    """A severity or null. Described as a text: a choice that may be null would be one of two types to generators."""


class ErrorTrackingIssueWriteSerializer(serializers.Serializer[Any]):
    """Changes of an issue. A field that is absent keeps its value."""

    status = serializers.ChoiceField(STATUSES, required=False, help_text=_STATUS)
    name = serializers.CharField(
        required=False, allow_null=True, allow_blank=True, max_length=MAX_NAME, help_text="What people call it."
    )
    description = serializers.CharField(
        required=False,
        allow_null=True,
        allow_blank=True,
        max_length=MAX_DESCRIPTION,
        help_text="What people say about it.",
    )
    severity = _SeverityField(
        Severity.choices,
        required=False,
        allow_null=True,
        help_text=f"How bad it is: {', '.join(Severity.values)}; null: nobody says.",
    )


class ErrorTrackingIssueSuccessSerializer(serializers.Serializer[Any]):
    """It was done."""

    success = serializers.BooleanField(help_text="Always true; what cannot be done is an error.")


def _ids(text: str) -> serializers.ListField:
    return serializers.ListField(child=UUIDText(), allow_empty=False, max_length=MAX_ISSUES, help_text=text)


class ErrorTrackingIssueMergeRequestSerializer(serializers.Serializer[Any]):
    """Which issues become part of this one."""

    ids = _ids("The issues to merge into this one. Those that are gone, and this one itself, are passed over.")


class ErrorTrackingIssueMergePreviewSerializer(serializers.Serializer[Any]):
    """What a merge would take along."""

    issues = serializers.IntegerField(help_text="How many of the issues are there to be merged.")
    fingerprints = serializers.IntegerField(help_text="How many fingerprints they have.")
    occurrences = serializers.IntegerField(help_text="How many exceptions have been counted of them.")
    users = serializers.IntegerField(help_text="How many distinct users had them.")


class ErrorTrackingIssueMergeResponseSerializer(ErrorTrackingIssueSuccessSerializer):
    """It was done, or would be."""

    would_move = ErrorTrackingIssueMergePreviewSerializer(
        required=False, help_text="With `preview`: what would move. Nothing has been changed."
    )


class ErrorTrackingIssueSplitFingerprintSerializer(serializers.Serializer[Any]):
    """A fingerprint that becomes an issue of its own."""

    fingerprint = serializers.CharField(
        max_length=MAX_FINGERPRINT, trim_whitespace=False, help_text="One of the issue's fingerprints, by its text."
    )
    name = serializers.CharField(
        required=False,
        allow_null=True,
        allow_blank=True,
        max_length=MAX_NAME,
        help_text="What the new issue is called. By default as its latest exception's type.",
    )
    description = serializers.CharField(
        required=False,
        allow_null=True,
        allow_blank=True,
        max_length=MAX_DESCRIPTION,
        help_text="What is said about it. By default, without a name, its latest exception's message.",
    )


class ErrorTrackingIssueSplitRequestSerializer(serializers.Serializer[Any]):
    """Which fingerprints become issues of their own."""

    fingerprints = serializers.ListField(
        child=ErrorTrackingIssueSplitFingerprintSerializer(),
        allow_empty=False,
        max_length=MAX_PARTS,
        help_text="Each becomes an issue. The issue keeps at least one.",
    )


class ErrorTrackingIssueSplitResponseSerializer(ErrorTrackingIssueSuccessSerializer):
    """The split was made."""

    new_issue_ids = serializers.ListField(
        child=serializers.UUIDField(), help_text="The new issues, in the order of the fingerprints."
    )


class ErrorTrackingIssueUndoRequestSerializer(serializers.Serializer[Any]):
    """Which merge or split is undone."""

    operation = UUIDText(
        required=False,
        allow_null=True,
        help_text="Its id, as the issue's activity shows it. By default the latest that has not been undone.",
    )


class ErrorTrackingIssueUndoResponseSerializer(ErrorTrackingIssueSuccessSerializer):
    """It was undone."""

    operation = serializers.UUIDField(help_text="The merge or split that was undone.")
    issue_ids = serializers.ListField(
        child=serializers.UUIDField(),
        help_text="The issues that are there again (merge), or that have become part of this one again (split).",
    )


class ErrorTrackingIssueAssignRequestSerializer(serializers.Serializer[Any]):
    """Who takes care of the issue."""

    assignee = ErrorTrackingRuleAssigneeSerializer(
        allow_null=True, help_text="A member or a role of the project's organization; null: nobody."
    )


class ErrorTrackingIssueCohortRequestSerializer(serializers.Serializer[Any]):
    """The cohort that the issue is linked to."""

    cohortId = serializers.IntegerField(  # the wire's name
        allow_null=True,
        min_value=1,
        max_value=LARGEST,
        help_text="The cohort's id; null: none. Cohorts are the client's: it is not looked up.",
    )


class ErrorTrackingIssueBulkRequestSerializer(serializers.Serializer[Any]):
    """What to do with several issues at once."""

    action = serializers.ChoiceField(
        [("set_status", "set_status"), ("assign", "assign")], help_text="`set_status` or `assign`."
    )
    ids = _ids("The issues; those that are gone are passed over.")
    status = serializers.ChoiceField(STATUSES, required=False, help_text=f"For `set_status`. {_STATUS}")
    assignee = ErrorTrackingRuleAssigneeSerializer(
        required=False, allow_null=True, help_text="For `assign`: a member or a role of the organization; null: nobody."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the fields; what the action needs must be there, so that nothing is done to many by mistake."""
        needed = "status" if attrs["action"] == "set_status" else "assignee"
        if needed not in attrs:
            raise serializers.ValidationError({needed: ["This field is required."]}, "required")
        return attrs
