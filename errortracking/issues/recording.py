"""What is remembered of a merge or split, and how rows are written into it and made of it again."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Model

from environments import clock
from environments.api.audit import Actor
from environments.ids import uuid7
from errortracking.models import IssueOperation, OperationKind


class Effect(NamedTuple):
    """What was changed of one issue: for the record of changes. ``None``: it was not there before, or is not now."""

    issue_id: UUID
    before: dict[str, Any] | None
    after: dict[str, Any] | None


def remember(
    environment_id: int, kind: OperationKind, issue_id: UUID, actor: Actor, record: dict[str, Any]
) -> IssueOperation:
    """Write down that ``actor`` has merged into, or split, the issue."""
    now = clock.now()
    return IssueOperation.objects.create(
        environment_id=environment_id,
        id=uuid7(now),
        created_at=now,
        kind=kind,
        issue_id=issue_id,
        user_id=UUID(actor.user_id),
        user_email=actor.email,
        key_id=actor.key_id or "",
        record=record,
    )


def packed(row: Model) -> dict[str, Any]:
    """Return the columns of a row as JSON, without its project."""
    columns = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    del columns["environment_id"]
    return {name: _plain(value) for name, value in columns.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def unpacked(model: type[Model], environment_id: int, columns: dict[str, Any]) -> Any:
    """Return the row that `packed` has written, unsaved. Columns that have been added since have their defaults."""
    known = {field.attname: field for field in model._meta.concrete_fields}
    values = {name: known[name].to_python(value) for name, value in columns.items() if name in known}
    return model(environment_id=environment_id, **values)
