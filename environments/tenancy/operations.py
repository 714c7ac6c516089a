"""Migration operations that give a project table its keys in the database. They do not touch Django's state.

They follow the ``CreateModel`` of the tables that they name::

    ProjectTable("Release"),
    ProjectTable("SymbolSet"),
    ProjectReference("SymbolSet", "release", on_delete="CASCADE"),

`PartitionedTable` comes before them, for the tables that hold most rows.
"""

from __future__ import annotations

from typing import Any, Literal

from django.db.migrations.operations.base import Operation

OnDelete = Literal["CASCADE", "SET NULL", "NO ACTION"]


class _SQLOperation(Operation):
    """Runs one statement each way, made from the model as it is at that point of the migrations."""

    reduces_to_sql = True
    reversible = True

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Leave Django's state as it is: to Django the primary key stays ``id``."""

    def forwards(self, model: Any) -> str:
        """Return the statement that applies the operation to ``model``."""
        raise NotImplementedError

    def backwards(self, model: Any) -> str:
        """Return the statement that undoes it."""
        raise NotImplementedError

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Apply the operation."""
        schema_editor.execute(self.forwards(to_state.apps.get_model(app_label, self.model_name)), None)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Undo the operation."""
        schema_editor.execute(self.backwards(from_state.apps.get_model(app_label, self.model_name)), None)

    model_name: str


class ProjectTable(_SQLOperation):
    """Make the primary key (environment_id, key) and let the table's rows go with their project.

    A key of several columns (``CompositePrimaryKey``) is left as Django made it: it begins with environment_id.
    ``on_project_delete``: "CASCADE" for most; None leaves the reference out, for tables that other project tables
    lead to anyway or that are written where a lock on the project's row would make requests wait for one another.
    """

    def __init__(self, model_name: str, on_project_delete: OnDelete | None = "CASCADE") -> None:
        self.model_name = model_name
        self.on_project_delete = on_project_delete

    def describe(self) -> str:
        """Say what the operation does."""
        return f"Key {self.model_name} by its project"

    def forwards(self, model: Any) -> str:
        """Return the statement that replaces the key."""
        table, key = model._meta.db_table, model._meta.pk.column
        clauses = (
            []
            if key in ("environment_id", None)
            else [
                f'DROP CONSTRAINT "{table}_pkey"',
                f'ADD CONSTRAINT "{table}_pkey" PRIMARY KEY (environment_id, "{key}")',
            ]
        )
        if self.on_project_delete:
            clauses.append(
                f'ADD CONSTRAINT "{table}_environment_fk" FOREIGN KEY (environment_id) '
                f"REFERENCES environments_project (id) ON DELETE {self.on_project_delete}"
            )
        return f'ALTER TABLE "{table}" ' + ", ".join(clauses)

    def backwards(self, model: Any) -> str:
        """Return the statement that gives Django's own key back."""
        table, key = model._meta.db_table, model._meta.pk.column
        clauses = (
            []
            if key in ("environment_id", None)
            else [
                f'DROP CONSTRAINT "{table}_pkey"',
                f'ADD CONSTRAINT "{table}_pkey" PRIMARY KEY ("{key}")',
            ]
        )
        if self.on_project_delete:
            clauses.append(f'DROP CONSTRAINT "{table}_environment_fk"')
        return f'ALTER TABLE "{table}" ' + ", ".join(clauses)


class ProjectReference(_SQLOperation):
    """Let (environment_id, column) refer to the same project's row of another table.

    "SET NULL" empties the column alone, never environment_id (``ON DELETE SET NULL (column)``, PostgreSQL 15).
    """

    def __init__(self, model_name: str, field: str, on_delete: OnDelete) -> None:
        self.model_name = model_name
        self.field = field
        self.on_delete = on_delete

    def describe(self) -> str:
        """Say what the operation does."""
        return f"Tie {self.model_name}.{self.field} to a row of the same project"

    def _name(self, model: Any) -> str:
        return f"{model._meta.db_table}_{self.field}_fk"

    def forwards(self, model: Any) -> str:
        """Return the statement that adds the constraint."""
        field = model._meta.get_field(self.field)
        target = field.remote_field.model._meta
        action = f'SET NULL ("{field.column}")' if self.on_delete == "SET NULL" else self.on_delete
        return (
            f'ALTER TABLE "{model._meta.db_table}" ADD CONSTRAINT "{self._name(model)}" '
            f'FOREIGN KEY (environment_id, "{field.column}") '
            f'REFERENCES "{target.db_table}" (environment_id, "{target.pk.column}") ON DELETE {action}'
        )

    def backwards(self, model: Any) -> str:
        """Return the statement that drops it."""
        return f'ALTER TABLE "{model._meta.db_table}" DROP CONSTRAINT "{self._name(model)}"'


class PartitionedTable(_SQLOperation):
    """Make an empty table a partitioned one: ``by`` is the clause, ``key`` the columns of its primary key.

    Django cannot create one, so the table it has created, still empty, gives its columns and constraints and is
    dropped. There is no DEFAULT partition: with one, ``DETACH PARTITION CONCURRENTLY`` is refused and a new
    partition must look through it.
    """

    def __init__(self, model_name: str, by: str, key: tuple[str, ...]) -> None:
        self.model_name = model_name
        self.by = by
        self.key = key

    def describe(self) -> str:
        """Say what the operation does."""
        return f"Partition {self.model_name} by {self.by}"

    def _remake(self, schema_editor: Any, model: Any, suffix: str, key: str) -> None:
        table = model._meta.db_table
        schema_editor.execute(
            f'ALTER TABLE "{table}" RENAME TO "{table}_before";'
            f'CREATE TABLE "{table}" (LIKE "{table}_before" INCLUDING ALL EXCLUDING INDEXES) {suffix};'
            f'DROP TABLE "{table}_before";'
            f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_pkey" PRIMARY KEY ({key})',
            None,
        )
        for index in model._meta.indexes:
            schema_editor.add_index(model, index)

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Make the table anew as a partitioned one."""
        model = to_state.apps.get_model(app_label, self.model_name)
        self._remake(schema_editor, model, f"PARTITION BY {self.by}", ", ".join(self.key))

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Make the table anew as a plain one."""
        model = from_state.apps.get_model(app_label, self.model_name)
        keys = getattr(model._meta.pk, "columns", None) or (model._meta.pk.column,)
        self._remake(schema_editor, model, "", ", ".join(keys))
