"""The scopes that a personal API key may carry (contract 1.3)."""

from __future__ import annotations

from collections.abc import Iterable

EVERYTHING = "*"
SCOPES: tuple[str, ...] = (
    EVERYTHING,
    "health_issue:read",
    "health_issue:write",
    "error_tracking:read",
    "error_tracking:write",
    "activity_log:read",
    "integration:read",
    "organization:read",
    "organization:write",
    "organization_member:read",
    "organization_member:write",
    "project:read",
    "project:write",
    "user:read",
    "user:write",
)


def validate(scopes: Iterable[str]) -> list[str]:
    """Return ``scopes`` without repetitions, in their order.

    Raises ``ValueError`` with the contract's text for the first unknown one, and for none at all: a key
    without a scope can do nothing, so nobody asks for one on purpose.
    """
    chosen = list(dict.fromkeys(scopes))
    for scope in chosen:
        if scope not in SCOPES:
            raise ValueError(f"Invalid scope: {scope}")
    if not chosen:
        raise ValueError("A key needs at least one scope.")
    return chosen
