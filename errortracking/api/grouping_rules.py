"""Grouping rules: which exceptions are one issue, whatever their fingerprints (contract 10)."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import F, Func, JSONField, OuterRef, Subquery, TextField
from rest_framework import serializers

from environments.api.pagination import Pagination
from errortracking.api.rules import MAX_RULES, RuleViewSet, described
from errortracking.api.rules_fields import (
    ASSIGNEE,
    ORDER_OF_CHANGED,
    ORDER_OF_NEW,
    ErrorTrackingRuleAssigneeSerializer,
    ErrorTrackingRuleSerializer,
    order_field,
)
from errortracking.api.rules_filters import FiltersField
from errortracking.models import Fingerprint, GroupingRule

MAX_DESCRIPTION: Final = 10_000
"""Characters: a page or two of reasons. The real system has no bound."""

_FILTERS: Final = "Which exceptions are put into one issue; at least one filter."
_ASSIGNEE: Final = "Whom the issue is assigned to when it is created or reopened; assignment rules are not asked then."
_DESCRIPTION: Final = "What the rule is for, in words."

# The fingerprint that the pipeline gives to what a grouping rule matches (pipeline 2.8), and the issue that has it now.
# Without parameters, as the read path wants expressions.
_FINGERPRINT: Final = Func(OuterRef("pk"), template="'custom-rule:' || %(expressions)s::text", output_field=TextField())
_ISSUE: Final = Subquery(
    Fingerprint.objects.filter(environment_id=OuterRef("environment_id"), fingerprint=_FINGERPRINT).values(
        shown=Func(
            *(F("issue_id"), F("issue__name")),
            template="jsonb_build_object('id', %(expressions)s)",
            arg_joiner=", 'name', ",
            output_field=JSONField(),
        )
    )
)


class ErrorTrackingGroupingRuleIssueSerializer(serializers.Serializer[Any]):
    """The issue that a grouping rule's exceptions are put into."""

    id = serializers.UUIDField(read_only=True, help_text="The issue's id.")
    name = serializers.CharField(
        read_only=True, allow_null=True, help_text="Usually the exception's type. From events: untrusted."
    )


class ErrorTrackingGroupingRuleSerializer(ErrorTrackingRuleSerializer):
    """Puts the exceptions that it matches into one issue."""

    filters = FiltersField(read_only=True, help_text=_FILTERS)
    assignee = ErrorTrackingRuleAssigneeSerializer(read_only=True, allow_null=True, help_text=_ASSIGNEE)
    description = serializers.CharField(read_only=True, allow_null=True, help_text=_DESCRIPTION)
    issue = ErrorTrackingGroupingRuleIssueSerializer(
        read_only=True, allow_null=True, help_text="Where its exceptions go. Null: it has not matched any yet."
    )

    expressions = {"assignee": ASSIGNEE, "issue": _ISSUE}


class ErrorTrackingGroupingRuleCreateRequestSerializer(serializers.Serializer[Any]):
    """A new grouping rule."""

    filters = FiltersField(help_text=_FILTERS)
    assignee = ErrorTrackingRuleAssigneeSerializer(required=False, allow_null=True, help_text=_ASSIGNEE)
    description = serializers.CharField(
        required=False, allow_null=True, allow_blank=True, max_length=MAX_DESCRIPTION, help_text=_DESCRIPTION
    )
    order_key = order_field(required=False, help_text=ORDER_OF_NEW)


class ErrorTrackingGroupingRuleUpdateRequestSerializer(serializers.Serializer[Any]):
    """Changes of a grouping rule. A field that is absent keeps its value."""

    filters = FiltersField(
        required=False,
        allow_null=True,
        help_text="Replace the old ones as a whole. Null keeps them.",
    )
    assignee = ErrorTrackingRuleAssigneeSerializer(
        required=False, allow_null=True, help_text=f"{_ASSIGNEE} Null: nobody."
    )
    description = serializers.CharField(
        required=False, allow_null=True, allow_blank=True, max_length=MAX_DESCRIPTION, help_text=_DESCRIPTION
    )
    order_key = order_field(required=False, help_text=ORDER_OF_CHANGED)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the fields that are given: filters cannot be taken away."""
        return {name: value for name, value in attrs.items() if name != "filters" or value is not None}


class Unpaginated(Pagination):
    """All rules at once, in `results` alone (contract 10): there are at most `MAX_RULES`."""

    described_as = "{}ListResponse"
    default_limit = max_limit = MAX_RULES

    def get_limit(self, request: Any) -> int:
        """Return the most there may be, whatever ``request`` asks for."""
        return MAX_RULES

    def get_offset(self, request: Any) -> int:
        """Return the beginning."""
        return 0

    def envelope(self, results: list[Any]) -> dict[str, Any]:
        """Return the answer around the rules."""
        return {"results": results}

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the description of the answer."""
        return {
            "type": "object",
            "required": ["results"],
            "properties": {"results": {**schema, "description": "All of them, in order."}},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Return the parameters: none."""
        return []


@described(
    "grouping",
    ErrorTrackingGroupingRuleSerializer,
    ErrorTrackingGroupingRuleCreateRequestSerializer,
    ErrorTrackingGroupingRuleUpdateRequestSerializer,
)
class GroupingRuleViewSet(RuleViewSet):
    """Which exceptions are one issue."""

    model = GroupingRule
    serializer_class = ErrorTrackingGroupingRuleSerializer
    pagination_class = Unpaginated
    creating = ErrorTrackingGroupingRuleCreateRequestSerializer
    changing = ErrorTrackingGroupingRuleUpdateRequestSerializer
    audited = (*RuleViewSet.audited, "description")
