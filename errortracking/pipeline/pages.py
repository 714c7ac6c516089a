"""Deleting from a table that has no index by time: each page is looked at once, some pages per transaction."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from environments.tenancy import guard, sql

BLOCKS = 500  # pages of one step: at most some 70,000 rows, half a second


def delete(table: str, condition: str, parameters: Mapping[str, object]) -> int:
    """Delete the rows of all projects that meet ``condition``, from the first page to the last; return how many.

    A row that a batch is just changing is passed over: whoever waits for a lock while holding others may wait for ever.
    """
    statement = f"""
        DELETE FROM {table} WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM {table}
            WHERE ctid >= %(first)s::tid AND ctid < %(last)s::tid AND ({condition})
            FOR UPDATE SKIP LOCKED
        ))
    """  # noqa: S608  # constants
    deleted = 0
    with guard.maintenance("the horizon is the same for all projects"), sql.cursor() as cursor:
        (blocks,) = cursor.execute(
            "SELECT pg_relation_size(%s::regclass) / current_setting('block_size')::int", [table]
        ).fetchone() or (0,)
        for first in range(0, blocks, BLOCKS):
            step = {"first": f"({first},0)", "last": f"({first + BLOCKS},0)"}
            with transaction.atomic():
                deleted += cursor.execute(statement, {**parameters, **step}).rowcount
    return deleted
