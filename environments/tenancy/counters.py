"""Counts of rows that are right at any moment, so that no list has to count a million rows to show a hundred.

Triggers add to them, once for each statement, whatever makes or deletes the rows: the pipeline's arrays, COPY, an
upsert (of which only the rows that are new count), a cascade. The change and its count are one transaction.

One row for each count would make all transactions that add rows of a project wait for one another until the first has
ended, and those that take such rows in different orders wait in a circle. So a count has slots, and a transaction adds
to any that nobody else has locked just now; where all are locked it makes another. So there are about as many as there
were transactions at the same time, and nobody waits.

Left out: UPDATE (a row's project never changes, being part of its key), and what is written while triggers are off
(``session_replication_role``): `recount` sets that right.
"""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction
from django.db.models import BigIntegerField, BooleanField, Func, Model, QuerySet

from environments.tenancy import sql
from environments.tenancy.operations import _SQLOperation

FUNCTION: Final = "environments_count_rows"

# A statement may be of several projects: in the order of their ids. A project that is being deleted is not seen here,
# and its counts go with it: without that condition its rows, which follow it, would leave counts below zero behind.
# The slot's number is drawn by lot: two transactions that make one at the same time hardly ever draw the same, and then
# one waits.
MAKE_FUNCTION: Final = f"""
    CREATE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        sign CONSTANT int := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
        changed record;
    BEGIN
        FOR changed IN
            SELECT c.environment_id, count(*) AS rows FROM changed_rows c
            JOIN environments_project p ON p.id = c.environment_id
            GROUP BY c.environment_id ORDER BY c.environment_id
        LOOP
            UPDATE environments_rowcount r SET count = r.count + sign * changed.rows
            WHERE r.environment_id = changed.environment_id AND r.counted = TG_TABLE_NAME AND r.slot = (
                SELECT s.slot FROM environments_rowcount s
                WHERE s.environment_id = changed.environment_id AND s.counted = TG_TABLE_NAME
                ORDER BY s.slot LIMIT 1 FOR UPDATE SKIP LOCKED
            );
            IF NOT FOUND THEN
                INSERT INTO environments_rowcount AS r (environment_id, counted, slot, count)
                VALUES (changed.environment_id, TG_TABLE_NAME, (random() * 2147483647)::int, sign * changed.rows)
                ON CONFLICT (environment_id, counted, slot) DO UPDATE SET count = r.count + excluded.count;
            END IF;
        END LOOP;
        RETURN NULL;
    END
    $$;
    CREATE FUNCTION {FUNCTION}_none() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        DELETE FROM environments_rowcount WHERE counted = TG_TABLE_NAME;
        RETURN NULL;
    END
    $$
"""  # noqa: S608 - our own names
DROP_FUNCTION: Final = f"DROP FUNCTION {FUNCTION}(); DROP FUNCTION {FUNCTION}_none()"

_RECOUNT: Final = """
    DELETE FROM environments_rowcount WHERE counted = '{table}';
    INSERT INTO environments_rowcount (environment_id, counted, slot, count)
    SELECT environment_id, '{table}', 0, count(*) FROM "{table}" GROUP BY environment_id
"""
_TRIGGERS: Final = """
    CREATE TRIGGER count_inserted AFTER INSERT ON "{table}"
        REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION {function}();
    CREATE TRIGGER count_deleted AFTER DELETE ON "{table}"
        REFERENCING OLD TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION {function}();
    CREATE TRIGGER count_truncated AFTER TRUNCATE ON "{table}"
        FOR EACH STATEMENT EXECUTE FUNCTION {function}_none();
"""


class CountedTable(_SQLOperation):
    """Count the rows of a project table from now on, and those that are there: ``CountedTable("Release")``.

    Whoever writes the table meanwhile waits until the migration has ended: the triggers lock it first.
    """

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name

    def describe(self) -> str:
        """Say what the operation does."""
        return f"Count the rows of {self.model_name}"

    def forwards(self, model: Any) -> str:
        """Return the statements that make the triggers and the counts."""
        table = model._meta.db_table
        return _TRIGGERS.format(table=table, function=FUNCTION) + _RECOUNT.format(table=table)

    def backwards(self, model: Any) -> str:
        """Return the statements that drop them."""
        table = model._meta.db_table
        names = ("count_inserted", "count_deleted", "count_truncated")
        dropped = "".join(f'DROP TRIGGER {name} ON "{table}"; ' for name in names)
        return f"{dropped}DELETE FROM environments_rowcount WHERE counted = '{table}'"  # noqa: S608 - our own names


def counted(model: type[Model], environment_id: int) -> QuerySet[Any, Any]:
    """Return the query for how many rows of a counted table a project has: one row with one column."""
    from environments.models import RowCount

    # Without parameters but the project: the read path keeps the statement's text.
    of_table = Func(template=f"\"counted\" = '{model._meta.db_table}'", output_field=BooleanField())
    total = Func(template='COALESCE(SUM("count"), 0)::bigint', output_field=BigIntegerField())
    return RowCount._default_manager.filter(of_table, environment_id=environment_id).order_by().values_list(total)


def recount(model: type[Model]) -> None:
    """Count the rows of all projects anew: after they were written without triggers. Writers wait meanwhile."""
    from environments.tenancy import guard

    table = model._meta.db_table
    with guard.maintenance("counts of all projects"), transaction.atomic(), sql.cursor() as cursor:
        cursor.execute(f'LOCK TABLE "{table}" IN SHARE ROW EXCLUSIVE MODE')
        cursor.execute(_RECOUNT.format(table=table))
