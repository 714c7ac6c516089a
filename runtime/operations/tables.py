"""Which tables a database has, and how many rows each."""

from __future__ import annotations

from typing import Any, Final

from psycopg import Connection, sql

# Partitions, not the tables that they are parts of, which have no rows of their own; and nothing of an extension.
_TABLES: Final = """
    SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence <> 't'
        AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                        AND d.deptype = 'e')
    ORDER BY 1, 2
"""


def names(connection: Connection[Any]) -> list[tuple[str, str]]:
    """Return schema and name of each table."""
    return [(schema, name) for schema, name in connection.execute(_TABLES).fetchall()]


def count(connection: Connection[Any]) -> dict[str, int]:
    """Return the number of rows of each table by ``schema.table``, exactly: by looking at all of them."""
    found = {}
    for schema, name in names(connection):
        row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, name))).fetchone()
        found[f"{schema}.{name}"] = int(row[0]) if row else 0
    return found


def migrations(connection: Connection[Any]) -> list[str]:
    """Return ``app.name`` of each applied migration, in order; empty where Django has made no table yet."""
    there = connection.execute("SELECT to_regclass('django_migrations') IS NOT NULL").fetchone()
    if not there or not there[0]:
        return []
    rows = connection.execute("SELECT app || '.' || name FROM django_migrations ORDER BY 1").fetchall()
    return [name for (name,) in rows]
