"""The one place that every write by a person or a key passes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

log = structlog.get_logger("healthtrack.audit")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: a person by session, or a key on behalf of its user."""

    user_id: str
    key_id: str | None
    key_mask: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """What was done to one object. ``before`` is ``None`` for a new one, ``after`` for one that is gone."""

    actor: Actor
    environment_id: int
    action: str
    """The view's action: create, update, partial_update, destroy, or the name of an action of its own."""
    resource: str
    """What kind of object, as the path calls it: releases, health_issues."""
    object_id: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    @property
    def changed(self) -> list[str]:
        """The names of the fields that differ."""
        before, after = self.before or {}, self.after or {}
        return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))


def record(change: Change) -> None:
    """Write down ``change``, inside the transaction that makes it.

    The line names the fields and not their values: these are the client's and may be large or private.
    """
    log.info(
        "write",
        user=change.actor.user_id,
        key=change.actor.key_id,
        key_mask=change.actor.key_mask,
        project=change.environment_id,
        action=change.action,
        resource=change.resource,
        object=change.object_id,
        changed=change.changed,
    )
