"""The fields that rules of several kinds have in common."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import F, Func, JSONField
from django.db.models.functions import Coalesce
from rest_framework import serializers

from environments.api.fields import ObjectField
from errortracking.api.single_row import LARGEST

ASSIGNEE_TYPES: Final = [("user", "user"), ("role", "role")]


def _named(kind: str) -> Func:
    # Without parameters: the read path keeps the statement's text and passes only what rows are compared with.
    template = (
        f"CASE WHEN %(expressions)s IS NOT NULL THEN jsonb_build_object('type', '{kind}', 'id', %(expressions)s) END"
    )
    return Func(F(f"{kind}_id"), template=template, output_field=JSONField())


ASSIGNEE: Final = Coalesce(_named("user"), _named("role"))
"""A rule's assignee as the API shows it, null where there is none."""


class UUIDText(serializers.UUIDField):
    """A uuid as text. DRF would take any integer for one, and fail at those beyond 128 bits."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the uuid."""
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class ErrorTrackingRuleAssigneeSerializer(serializers.Serializer[Any]):
    """Who takes care of an issue."""

    type = serializers.ChoiceField(
        ASSIGNEE_TYPES, help_text="`user` for a member of the organization, `role` for one of its roles."
    )
    id = UUIDText(help_text="The id of the user or of the role.")


def assignee(rule: Any) -> dict[str, str] | None:
    """Return whom the row of a rule names."""
    if rule.user_id is not None:
        return {"type": "user", "id": str(rule.user_id)}
    return None if rule.role_id is None else {"type": "role", "id": str(rule.role_id)}


class ShareField(serializers.FloatField):
    """A number from 0 to 1; a boolean, which Python takes for one, is none."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0.0, max_value=1.0, **options)

    def to_internal_value(self, data: Any) -> float:
        """Return the number."""
        if isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)


def order_field(**options: Any) -> serializers.IntegerField:
    """Return the field for a rule's place among those of its kind."""
    return serializers.IntegerField(min_value=-LARGEST - 1, max_value=LARGEST, **options)


ORDER_OF_NEW: Final = (
    "Its place: rules are tried from the smallest on, the first match wins. By default the last place."
)
ORDER_OF_CHANGED: Final = "Its new place; absent: as before. To move several at once there is `reorder`."
ORDER_SHOWN: Final = (
    "Its place: rules are tried from the smallest on, of equal ones the older first; the first match wins."
)
DISABLED_SHOWN: Final = (
    "Why the server switched the rule off: `message`, and what it failed at, untrusted. Null: the rule is "
    "in use. Any change of the rule switches it on again."
)


class ErrorTrackingRuleSerializer(serializers.Serializer[Any]):
    """What every rule shows."""

    id = serializers.UUIDField(read_only=True, help_text="The rule's id.")
    order_key = order_field(read_only=True, help_text=ORDER_SHOWN)
    disabled_data = ObjectField(read_only=True, allow_null=True, help_text=DISABLED_SHOWN)
    created_at = serializers.DateTimeField(read_only=True, help_text="When the rule was made.")
    updated_at = serializers.DateTimeField(
        read_only=True, help_text="When the rule was last changed, moved or switched off."
    )
