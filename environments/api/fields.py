"""Serializer fields that say more to the schema than DRF's own."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers


@extend_schema_field({"type": "object", "additionalProperties": True})
class ObjectField(serializers.JSONField):
    """JSON that is documented as an object. What is stored is shown as it is, whatever it is."""
