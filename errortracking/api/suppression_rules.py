"""Suppression rules: which exceptions are dropped, or how many of them (contract 10)."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from errortracking.api.rules import RuleViewSet, described
from errortracking.api.rules_fields import (
    ORDER_OF_CHANGED,
    ORDER_OF_NEW,
    ErrorTrackingRuleSerializer,
    ShareField,
    order_field,
)
from errortracking.api.rules_filters import FiltersField
from errortracking.models import SuppressionRule

_RATE: Final = "Which share of the exceptions that it matches is dropped: 1 all, 0 none, 0.5 every second on average."
_FILTERS: Final = "Which exceptions it drops; at least one filter."


class ErrorTrackingSuppressionRuleSerializer(ErrorTrackingRuleSerializer):
    """Drops the exceptions that it matches, or a share of them."""

    filters = FiltersField(read_only=True, help_text=_FILTERS)
    sampling_rate = serializers.FloatField(read_only=True, min_value=0.0, max_value=1.0, help_text=_RATE)


class ErrorTrackingSuppressionRuleCreateRequestSerializer(serializers.Serializer[Any]):
    """A new suppression rule."""

    filters = FiltersField(help_text=_FILTERS)
    sampling_rate = ShareField(default=1.0, help_text=_RATE)
    order_key = order_field(required=False, help_text=ORDER_OF_NEW)


class ErrorTrackingSuppressionRuleUpdateRequestSerializer(serializers.Serializer[Any]):
    """Changes of a suppression rule. A field that is absent keeps its value."""

    filters = FiltersField(required=False, help_text="Replace the old ones as a whole.")
    sampling_rate = ShareField(required=False, help_text=_RATE)
    order_key = order_field(required=False, help_text=ORDER_OF_CHANGED)


@described(
    "suppression",
    ErrorTrackingSuppressionRuleSerializer,
    ErrorTrackingSuppressionRuleCreateRequestSerializer,
    ErrorTrackingSuppressionRuleUpdateRequestSerializer,
)
class SuppressionRuleViewSet(RuleViewSet):
    """Which exceptions are dropped."""

    model = SuppressionRule
    serializer_class = ErrorTrackingSuppressionRuleSerializer
    creating = ErrorTrackingSuppressionRuleCreateRequestSerializer
    changing = ErrorTrackingSuppressionRuleUpdateRequestSerializer
    audited = (*RuleViewSet.audited, "sampling_rate")
