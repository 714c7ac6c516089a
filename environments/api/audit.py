"""The one place that every write by a person or a key passes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from environments.api.access import KeyGrant
from environments.api.audit_values import storable
from environments.api.requests import APIRequest
from environments.models import AuditEntry, User

log = structlog.get_logger("healthtrack.audit")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: a person by session, or a key on behalf of its user."""

    user_id: str
    key_id: str | None
    key_mask: str | None
    email: str = ""

    @classmethod
    def person(cls, user: User) -> Actor:
        """Return a person who acts without a key: by a session, or by a link."""
        return cls(str(user.pk), None, None, user.email)


def actor_of(request: APIRequest) -> Actor:
    """Return who makes the request: a person by session, or a key on behalf of its user."""
    grant = request.auth if isinstance(request.auth, KeyGrant) else None
    key_id, mask = (grant.id, grant.mask) if grant else (None, None)
    return Actor(str(request.user.pk), key_id, mask, getattr(request.user, "email", ""))


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

    The row holds the values that differ, cut and without secrets. The line in the log names the fields and not their
    values: these are the client's, may be large or private, and logs go further than the database.
    """
    actor, changed = change.actor, change.changed
    AuditEntry.objects.create(
        environment_id=change.environment_id,
        user_id=UUID(actor.user_id),
        user_email=actor.email,
        key_id=actor.key_id or "",
        key_mask=actor.key_mask or "",
        action=change.action,
        resource=change.resource,
        object_id=change.object_id,
        before=_values(change.before, changed),
        after=_values(change.after, changed),
    )
    log.info(
        "write",
        user=actor.user_id,
        key=actor.key_id,
        key_mask=actor.key_mask,
        project=change.environment_id,
        action=change.action,
        resource=change.resource,
        object=change.object_id,
        changed=changed,
    )


def _values(values: Mapping[str, Any] | None, names: list[str]) -> dict[str, Any] | None:
    if values is None:
        return None
    return {name: storable(name, values[name]) for name in names if name in values}
