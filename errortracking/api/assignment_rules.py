"""Assignment rules: who takes care of an issue when it is created or reopened (contract 10)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from errortracking.api.rules import RuleViewSet, described
from errortracking.api.rules_fields import (
    ASSIGNEE,
    ORDER_OF_CHANGED,
    ORDER_OF_NEW,
    ErrorTrackingRuleAssigneeSerializer,
    ErrorTrackingRuleSerializer,
    order_field,
)
from errortracking.api.rules_filters import FiltersField
from errortracking.models import AssignmentRule


class ErrorTrackingAssignmentRuleSerializer(ErrorTrackingRuleSerializer):
    """Assigns the issues of the exceptions that it matches, when they are created or reopened."""

    filters = FiltersField(issue=True, read_only=True, help_text="Which exceptions it matches; at least one filter.")
    assignee = ErrorTrackingRuleAssigneeSerializer(
        read_only=True, allow_null=True, help_text="Whom it assigns. An issue that has an assignee keeps that one."
    )

    expressions = {"assignee": ASSIGNEE}


class ErrorTrackingAssignmentRuleCreateRequestSerializer(serializers.Serializer[Any]):
    """A new assignment rule."""

    filters = FiltersField(issue=True, help_text="Which exceptions it matches; at least one filter.")
    assignee = ErrorTrackingRuleAssigneeSerializer(help_text="Whom it assigns.")
    order_key = order_field(required=False, help_text=ORDER_OF_NEW)


class ErrorTrackingAssignmentRuleUpdateRequestSerializer(serializers.Serializer[Any]):
    """Changes of an assignment rule. A field that is absent or null keeps its value."""

    filters = FiltersField(issue=True, required=False, allow_null=True, help_text="Replace the old ones as a whole.")
    assignee = ErrorTrackingRuleAssigneeSerializer(required=False, allow_null=True, help_text="Whom it assigns.")
    order_key = order_field(required=False, help_text=ORDER_OF_CHANGED)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the fields that are given: neither filters nor an assignee can be taken away."""
        return {name: value for name, value in attrs.items() if value is not None}


@described(
    "assignment",
    ErrorTrackingAssignmentRuleSerializer,
    ErrorTrackingAssignmentRuleCreateRequestSerializer,
    ErrorTrackingAssignmentRuleUpdateRequestSerializer,
)
class AssignmentRuleViewSet(RuleViewSet):
    """Who takes care of which issues."""

    model = AssignmentRule
    serializer_class = ErrorTrackingAssignmentRuleSerializer
    creating = ErrorTrackingAssignmentRuleCreateRequestSerializer
    changing = ErrorTrackingAssignmentRuleUpdateRequestSerializer
