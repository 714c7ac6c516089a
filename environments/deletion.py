"""Deleting a project with everything that belongs to it.

A project may have millions of events. So whoever deletes it only marks it: from then on the API, the edge and the
admin know nothing of it. A task then deletes its rows, table by table and in steps that each commit, and at last the
project's own row. The tables and their order are those of the database's catalog, so that a new table is not forgotten:
every table with a column ``environment_id``, and those that refer to another one before it, since deleting an issue
first would take all its events along in one statement.

A worker that had begun with a batch before the mark may still write. Its transaction holds the project's row against
the last step (`errortracking.pipeline.lease.project_exists`), which waits for it and looks once more. What a request
of the same moment puts into the queue after that is dropped by the worker that finds it: its project is gone.

The record of changes (`AuditEntry`) stays, for as long as it is kept anyway.
"""

from __future__ import annotations

from typing import Any, Final

import structlog
from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from environments import clock
from environments.models import AuditEntry, PersonalAPIKey, Project, User
from environments.tenancy import sql

log = structlog.get_logger(__name__)

STEP: Final = 5_000  # rows of one transaction: a tenth of a second or so
KEPT: Final = frozenset({AuditEntry._meta.db_table})
RETRY: Final = RetryStrategy(max_attempts=10, exponential_wait=2)  # for half an hour; then the daily task tries again

# Partitioned tables by their partitions: a row's place (ctid) says nothing without the partition.
_TABLES: Final = """
    SELECT c.oid::regclass::text, coalesce(pg_partition_root(c.oid)::oid, c.oid)
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE a.attname = 'environment_id' AND NOT a.attisdropped AND c.relkind = 'r'
      AND c.relnamespace = current_schema()::regnamespace
"""
_REFERENCES: Final = """
    SELECT conrelid::oid, confrelid::oid FROM pg_constraint
    WHERE contype = 'f' AND conparentid = 0 AND conrelid <> confrelid
"""


def request(project: Project) -> None:
    """Mark the project as deleted and let a task do the rest. To be called in the transaction of whoever asks."""
    mark(project)
    delete_project.defer(project_id=project.pk)


def mark(project: Project) -> None:
    """Mark the project as deleted: everybody else takes it for gone."""
    Project.every.filter(pk=project.pk, deleted_at__isnull=True).update(deleted_at=clock.now())
    _forget_current(project.pk)


def _forget_current(project_id: int) -> None:
    User.objects.filter(current_project_id=project_id).update(current_project=None)


@app.task(name="environments.delete_project", retry=RETRY)
def delete_project(project_id: int) -> None:
    """Delete the rows of a project that is marked or gone, and then its own; nothing where it lives."""
    if Project.objects.filter(pk=project_id).exists():
        return
    deleted = sum(delete_in_steps(table, project_id) for table in tables())
    with transaction.atomic():
        list(Project.every.select_for_update().filter(pk=project_id))  # waits for the workers that hold it
        deleted += sum(_delete(table, project_id, None) for table in tables())
        PersonalAPIKey.objects.forget_project(project_id)
        _forget_current(project_id)  # somebody may have chosen it at the moment of the mark
        with sql.cursor() as cursor:  # not Django's: it would look for what hangs on the row
            cursor.execute("DELETE FROM environments_project WHERE id = %s", [project_id])
    log.info("project deleted", project=project_id, rows=deleted)


@receiver(post_delete, sender=Project, dispatch_uid="delete-what-is-left-of-a-project")
def _sweep(instance: Project, **_: Any) -> None:
    """Let the task look for what the database did not take along, where a row goes at once: with its organization."""
    delete_project.defer(project_id=instance.pk)


def finish() -> int:
    """Delete what is marked and still there, because its task failed too often; return how many projects it was."""
    marked = list(Project.every.filter(deleted_at__isnull=False).order_by("id").values_list("id", flat=True))
    for project_id in marked:
        delete_project(project_id)
    return len(marked)


def tables() -> list[str]:
    """Return the tables and partitions with rows of projects, each before those that it refers to."""
    with sql.cursor() as cursor:
        parts: dict[int, list[str]] = {}
        for name, root in cursor.execute(_TABLES).fetchall():
            parts.setdefault(root, []).append(name)
        refers = [(child, parent) for child, parent in cursor.execute(_REFERENCES).fetchall() if parent in parts]
    ordered: list[int] = []
    left = {root for root, names in parts.items() if KEPT.isdisjoint(names)}
    while left:
        held = {parent for child, parent in refers if child in left}
        free = sorted(left - held) or sorted(left)  # of a circle, any order will do: the database cascades
        ordered += free
        left -= set(free)
    return [name for root in ordered for name in sorted(parts[root])]


def delete_in_steps(table: str, project_id: int) -> int:
    """Delete a project's rows of a table or partition, `STEP` per transaction; return how many there were."""
    deleted = 0
    while True:
        with transaction.atomic():
            count = _delete(table, project_id, STEP)
        deleted += count
        if count < STEP:
            return deleted


def _delete(table: str, project_id: int, most: int | None) -> int:
    first = (
        ""
        if most is None
        else (
            f" AND ctid = ANY (ARRAY(SELECT ctid FROM {table} WHERE environment_id = %(project)s LIMIT {most:d}))"  # noqa: S608
        )
    )
    with sql.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE environment_id = %(project)s{first}", {"project": project_id})  # noqa: S608
        return cursor.rowcount
