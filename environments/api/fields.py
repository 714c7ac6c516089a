"""Serializer fields that say more to the schema than DRF's own."""

from __future__ import annotations

from rest_framework import serializers


class ObjectField(serializers.JSONField):
    """JSON that is documented as an object (by `schema`). What is stored is shown as it is, whatever it is."""
