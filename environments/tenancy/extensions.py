"""The extensions of PostgreSQL that indexes need, made by a migration."""

from __future__ import annotations

from typing import Any, Final

from django.core.management.base import CommandError
from django.db import Error
from django.db.migrations.operations.base import Operation, OperationCategory

MISSING: Final = """\
PostgreSQL's extension {name} is needed in this database and cannot be made: {reason}
Its files come with PostgreSQL's contrib modules (Debian: postgresql-contrib). Where the role of DATABASE_URL may not
make it, let the database's owner or a superuser run, in this database:

    CREATE EXTENSION {name};

and start again."""


class Extension(Operation):
    """Make an extension unless it is there: ``Extension("pg_trgm")``. It stays when the migration is undone.

    Raises ``CommandError`` with what to do, where the server lacks it or the role may not make it. Not Django's own
    operation, whose failure is a traceback; and a role that may not make it may still use one that is there.
    """

    reduces_to_sql = True
    reversible = True
    category = OperationCategory.ADDITION

    def __init__(self, name: str) -> None:
        self.name = name

    def describe(self) -> str:
        """Say what the operation does."""
        return f"Make PostgreSQL's extension {self.name}"

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Leave Django's state as it is."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Make the extension."""
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT FROM pg_extension WHERE extname = %s", [self.name])
            if cursor.rowcount:
                return
            try:
                cursor.execute(f'CREATE EXTENSION IF NOT EXISTS "{self.name}"')
            except Error as error:
                reason = str(error).strip().partition("\n")[0]
                raise CommandError(MISSING.format(name=self.name, reason=reason)) from error

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Leave it: others may use it."""
