"""The body of a reordering: which rule goes where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from environments.api import inputs
from environments.api.exceptions import FieldError
from errortracking.api.rules_fields import order_field

_PLACE: Final = order_field()


class ErrorTrackingRuleReorderRequestSerializer(serializers.Serializer[Any]):
    """New places of rules. Those that are not named keep theirs."""

    orders = serializers.DictField(
        child=order_field(), help_text="Rule id → its new place; rules are tried from the smallest place on."
    )


def orders_in(body: Mapping[str, Any], most: int) -> dict[UUID, int]:
    """Return the places that ``body`` gives to at most ``most`` rules; raise a 400 that names what is wrong.

    By hand, and not by the serializer, which would check a million entries before anybody could count them.
    """
    orders = body.get("orders")
    if "orders" not in body:
        raise FieldError("orders", "This field is required.", "required")
    if not isinstance(orders, dict):
        raise FieldError("orders", "Expected a JSON object.")
    if len(orders) > most:
        raise FieldError("orders", f"Ensure this field has no more than {most} entries.", "max_length")
    found: dict[UUID, int] = {}
    for name, place in orders.items():
        key = inputs.uuid_field("orders", name)
        if key in found:
            raise FieldError("orders", "Names a rule twice.")
        try:
            found[key] = _PLACE.run_validation(place)
        except ValidationError as error:
            raise ValidationError({"orders": {str(key): error.detail}}) from error
    return found


def unknown(key: UUID) -> ValidationError:
    """Return the 400 about a rule that the project does not have."""
    return ValidationError({"orders": {str(key): ["Rule not found."]}}, "does_not_exist")
