"""The base model and the relations of everything that belongs to a project."""

from __future__ import annotations

from typing import Any, Self

from django.db import models

from environments import clock
from environments.ids import uuid7


class EnvironmentField(models.ForeignKey[Any, Any]):
    """The project that a row belongs to, column ``environment_id``.

    Django neither makes the constraint nor cascades: the migration's `ProjectTable` lets PostgreSQL delete with the
    project, where loading the rows to delete them, as Django would, cannot work for millions of events.
    """

    def __init__(self, **options: Any) -> None:
        options.setdefault("to", "environments.Project")
        options.setdefault("on_delete", models.DO_NOTHING)
        options.setdefault("db_constraint", False)
        options.setdefault("db_index", False)  # every index of a project table leads with it already
        options.setdefault("related_name", "+")
        super().__init__(**options)


class _WithinProject:
    """Adds environment_id to joins and look-ups of a relation between two project tables.

    The index behind a project table's primary key leads with environment_id, so a join on the id alone could not use
    it; and a query that does not name the project is refused by the guard.
    """

    model: Any
    remote_field: Any

    def get_joining_fields(self, reverse_join: bool = False) -> tuple[tuple[Any, Any], ...]:
        """Return the pairs of columns that the join compares: Django's own and environment_id."""
        here = self.model._meta.get_field("environment")
        there = self.remote_field.model._meta.get_field("environment")
        pair = (there, here) if reverse_join else (here, there)
        return (*super().get_joining_fields(reverse_join), pair)  # type: ignore[misc]

    def get_extra_descriptor_filter(self, instance: Any) -> dict[str, Any]:
        """Return the condition added when the related row of ``instance`` is fetched."""
        return {"environment_id": instance.environment_id}


class ProjectForeignKey(_WithinProject, models.ForeignKey[Any, Any]):
    """A relation to another table of the same project; the constraint is made by the migration's `ProjectReference`."""

    def __init__(self, to: Any, **options: Any) -> None:
        options.setdefault("on_delete", models.DO_NOTHING)
        options.setdefault("db_constraint", False)
        options.setdefault("db_index", False)
        options.setdefault("related_name", "+")
        super().__init__(to, **options)


class ProjectOneToOneField(_WithinProject, models.OneToOneField[Any, Any]):
    """As `ProjectForeignKey`, at most one row for each related row."""

    def __init__(self, to: Any, **options: Any) -> None:
        options.setdefault("on_delete", models.DO_NOTHING)
        options.setdefault("db_constraint", False)
        options.setdefault("related_name", "+")
        super().__init__(to, **options)


class ProjectRow(models.Model):
    """A row of a project, whatever its own key is. Saving, deleting and reloading name the project."""

    environment = EnvironmentField()
    environment_id: int

    class Meta:
        abstract = True

    def _own(self) -> models.QuerySet[Self]:
        return type(self)._base_manager.filter(environment_id=self.environment_id)

    def _do_update(self, base_qs: Any, *arguments: Any, **options: Any) -> Any:
        """Let Django's UPDATE of ``save()`` name the project. A private hook: Django 5.2 and 6 offer no public one."""
        scoped = base_qs.filter(environment_id=self.environment_id)
        return super()._do_update(scoped, *arguments, **options)

    def delete(self, using: Any = None, keep_parents: bool = False) -> tuple[int, dict[str, int]]:
        """Delete this row; rows that hang on it follow by the database's own constraints."""
        return self._own().filter(pk=self.pk).delete()

    def refresh_from_db(self, using: Any = None, fields: Any = None, from_queryset: Any = None) -> None:
        """Read this row again."""
        super().refresh_from_db(using, fields, from_queryset=from_queryset or self._own())


class ProjectModel(ProjectRow):
    """A row of a project with an id of its own: the base of nearly every model outside ``environments``."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)

    class Meta:
        abstract = True


class TouchedModel(ProjectModel):
    """A row that remembers when it was made and when it was last saved, by the one clock."""

    created_at = models.DateTimeField(default=clock.now)
    updated_at = models.DateTimeField(default=clock.now)

    class Meta:
        abstract = True

    def save(self, *arguments: Any, **options: Any) -> None:
        """Save the row with a new ``updated_at``, also where only named fields are written."""
        self.updated_at = clock.now()
        if options.get("update_fields") is not None:
            options["update_fields"] = {*options["update_fields"], "updated_at"}
        super().save(*arguments, **options)
