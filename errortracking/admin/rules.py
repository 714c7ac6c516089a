"""The admin of rules: in the order in which they are tried, and in words. Filters are what people wrote: escaped."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin

from errortracking.admin.pipeline import GoesWithItsPerson, PipelineAdmin
from errortracking.models import AssignmentRule, BypassRule, GroupingRule, SuppressionRule

MOST: Final = 300
"""Characters of the words; the rule's own page shows all of its filters."""

_OPERATORS: Final = {
    "exact": "is",
    "is_not": "is not",
    "icontains": "contains",
    "not_icontains": "does not contain",
    "regex": "matches",
    "not_regex": "does not match",
    "gt": ">",
    "gte": "≥",
    "lt": "<",
    "lte": "≤",
    "in": "is",
    "not_in": "is not",
    "is_set": "is set",
    "is_not_set": "is not set",
}


def in_words(filters: Any) -> str:
    """Return filters as a sentence's half: ``$exception_types is KeyError and (host contains db or …)``."""
    words = _words(filters, outermost=True)
    return words if len(words) <= MOST else f"{words[:MOST]}…"


def _words(item: Any, outermost: bool = False) -> str:
    if not isinstance(item, dict):
        return str(item)
    if "key" in item:
        operator = str(item.get("operator", "exact"))
        shown = f"{item['key']} {_OPERATORS.get(operator, operator)}"
        return shown if operator in {"is_set", "is_not_set"} else f"{shown} {_value(item.get('value'))}"
    values = item.get("values")
    members = [words for value in values if (words := _words(value))] if isinstance(values, list) else []
    joined = f" {str(item.get('type', 'AND')).lower()} ".join(members)
    return joined if outermost or len(members) < 2 else f"({joined})"


def _value(value: Any) -> str:
    return " or ".join(map(str, value)) if isinstance(value, list) else str(value)


class RuleAdmin(PipelineAdmin):
    """What all rules show. There are at most a few hundred of a project, and an index in their order."""

    list_display: Any = ("what", "environment", "order_key", "why_off", "updated_at")
    ordering = ("-environment_id", "order_key", "id")

    @admin.display(description="Matches", empty_value="nothing")
    def what(self, rule: Any) -> str | None:
        """Return what the rule matches."""
        return in_words(rule.filters) or None

    @admin.display(description="Switched off")
    def why_off(self, rule: Any) -> str | None:
        """Return why the server switched the rule off; nothing where it is in use."""
        off = rule.disabled_data
        return None if off is None else str(off.get("message", off) if isinstance(off, dict) else off)


@admin.register(AssignmentRule, GroupingRule)
class AssigningRuleAdmin(GoesWithItsPerson, RuleAdmin):
    """Rules that name a person or a role."""

    list_display = ("what", "environment", "order_key", "user", "role", "why_off", "updated_at")
    list_select_related = ("environment", "user", "role")


@admin.register(BypassRule)
class BypassRuleAdmin(RuleAdmin):
    """Rules that let exceptions pass the rate limits."""


@admin.register(SuppressionRule)
class SuppressionRuleAdmin(RuleAdmin):
    """Rules that drop exceptions."""

    list_display = ("what", "environment", "order_key", "sampling_rate", "why_off", "updated_at")
