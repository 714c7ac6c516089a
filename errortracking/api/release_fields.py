"""What a client may write into a release, by the rules of contract 4, which no serializer expresses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from rest_framework.exceptions import ValidationError

from environments.api import inputs
from errortracking.models.releases import HASH_ID_LENGTH

# Scheme or nothing; everything up to the last `@` before the path; host and path; query and fragment.
_REMOTE: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*://)?(?:(?P<user>[^/?#]*)@)?(?P<rest>[^?#]*)", re.IGNORECASE | re.ASCII
)


def new_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a new release; ``hash_id`` is empty where the client chose none.

    Raises the 400 of the first rule that is broken, in the contract's order.
    """
    for name in ("version", "project"):
        if not body.get(name):
            raise ValidationError(f"{name.capitalize()} is required")
    return {
        "version": inputs.text_field("version", body["version"]),
        "project": inputs.text_field("project", body["project"]),
        "hash_id": _hash_id(body) or "",
        "metadata": _metadata(body.get("metadata")),
    }


def changed_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that a change of a release names. Only what is true in Python's sense changes anything."""
    changes: dict[str, Any] = {}
    if hash_id := _hash_id(body):
        changes["hash_id"] = hash_id
    for name in ("version", "project"):
        if body.get(name):
            changes[name] = inputs.text_field(name, body[name])
    if metadata := body.get("metadata"):
        changes["metadata"] = _metadata(metadata)
    return changes


def _hash_id(body: Mapping[str, Any]) -> str | None:
    if not body.get("hash_id"):
        return None
    hash_id = inputs.text_field("hash_id", body["hash_id"])
    if len(hash_id) > HASH_ID_LENGTH:  # the text says bytes; characters are counted
        raise ValidationError(f"Hash id length cannot exceed {HASH_ID_LENGTH} bytes")
    return hash_id


def _metadata(value: Any) -> Any:
    value = inputs.json_field("metadata", value)
    if isinstance(value, dict) and isinstance(git := value.get("git"), dict):
        url = git.get("remote_url")
        if isinstance(url, str):
            return {**value, "git": {**git, "remote_url": without_secrets(url)}}
    return value


def without_secrets(remote_url: str) -> str:
    """Return a git remote without user-info, query and fragment, where build machines leave their tokens.

    ``git@host:path`` stays: ssh's form has no place for a password, and without its user it would mean something else.
    ``user:password@host/path`` does not.
    """
    match = _REMOTE.match(remote_url)
    if match is None:  # cannot be: each part may be empty
        return ""
    scheme, user, rest = match["scheme"] or "", match["user"], match["rest"]
    is_ssh = not scheme and user is not None and ":" not in user
    return f"{scheme}{user}@{rest}" if is_ssh else scheme + rest
