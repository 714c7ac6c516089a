"""Bypass rules: which exceptions pass the rate limits (contract 10)."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from errortracking.api.rules import RuleViewSet, described
from errortracking.api.rules_fields import ORDER_OF_CHANGED, ORDER_OF_NEW, ErrorTrackingRuleSerializer, order_field
from errortracking.api.rules_filters import FiltersField
from errortracking.models import BypassRule

_FILTERS: Final = (
    "Which exceptions the rate limits do not count and do not stop; at least one filter. To stop limiting at all, "
    "change the settings."
)


class ErrorTrackingBypassRuleSerializer(ErrorTrackingRuleSerializer):
    """Lets the exceptions that it matches pass the rate limits."""

    filters = FiltersField(read_only=True, help_text=_FILTERS)


class ErrorTrackingBypassRuleCreateRequestSerializer(serializers.Serializer[Any]):
    """A new bypass rule."""

    filters = FiltersField(help_text=_FILTERS)
    order_key = order_field(required=False, help_text=ORDER_OF_NEW)


class ErrorTrackingBypassRuleUpdateRequestSerializer(serializers.Serializer[Any]):
    """Changes of a bypass rule. A field that is absent keeps its value."""

    filters = FiltersField(required=False, help_text=_FILTERS)
    order_key = order_field(required=False, help_text=ORDER_OF_CHANGED)


@described(
    "bypass",
    ErrorTrackingBypassRuleSerializer,
    ErrorTrackingBypassRuleCreateRequestSerializer,
    ErrorTrackingBypassRuleUpdateRequestSerializer,
)
class BypassRuleViewSet(RuleViewSet):
    """Which exceptions pass the rate limits."""

    model = BypassRule
    serializer_class = ErrorTrackingBypassRuleSerializer
    creating = ErrorTrackingBypassRuleCreateRequestSerializer
    changing = ErrorTrackingBypassRuleUpdateRequestSerializer
