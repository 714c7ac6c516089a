"""What a client may write into a release, by the rules of contract 4, which no serializer expresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.exceptions import ValidationError

from environments.api import inputs
from environments.api.exceptions import FieldError
from errortracking.models.release_metadata import without_credentials
from errortracking.models.releases import HASH_ID_LENGTH, TEXT_LENGTH


def new_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a new release; ``hash_id`` is empty where the client chose none.

    Raises the 400 of the first rule that is broken, in the contract's order.
    """
    for name in ("version", "project"):
        if not body.get(name):
            raise ValidationError(f"{name.capitalize()} is required")
    return {
        "version": _text("version", body),
        "project": _text("project", body),
        "hash_id": _hash_id(body) or "",
        "metadata": without_credentials(inputs.json_field("metadata", body.get("metadata"))),
    }


def changed_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that a change of a release names. Only what is true in Python's sense changes anything."""
    changes: dict[str, Any] = {}
    if hash_id := _hash_id(body):
        changes["hash_id"] = hash_id
    for name in ("version", "project"):
        if body.get(name):
            changes[name] = _text(name, body)
    if metadata := body.get("metadata"):
        changes["metadata"] = without_credentials(inputs.json_field("metadata", metadata))
    return changes


def _text(name: str, body: Mapping[str, Any]) -> str:
    text = inputs.text_field(name, body[name])
    if len(text) > TEXT_LENGTH:
        raise FieldError(name, f"Ensure this field has no more than {TEXT_LENGTH} characters.", "max_length")
    return text


def _hash_id(body: Mapping[str, Any]) -> str | None:
    if not body.get("hash_id"):
        return None
    hash_id = inputs.text_field("hash_id", body["hash_id"])
    if len(hash_id) > HASH_ID_LENGTH:  # the text says bytes; characters are counted
        raise ValidationError(f"Hash id length cannot exceed {HASH_ID_LENGTH} bytes")
    return hash_id
