"""What tells one finding of a kind from another in the same project (pipeline 5.1). Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256

from healthtrack.checks.base import Payload


def unique_hash(kind: str, payload: Payload, keys: Sequence[str] | None) -> str:
    """Return SHA-256 in hex over ``<kind>:`` and JSON with sorted keys, in Python's default spelling.

    The JSON is the whole payload where ``keys`` is ``None``, otherwise an object of the named keys alone; one that the
    payload lacks counts as null.
    """
    told = payload if keys is None else {key: payload.get(key) for key in keys}
    return sha256(f"{kind}:{json.dumps(told, sort_keys=True)}".encode()).hexdigest()
