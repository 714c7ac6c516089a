"""Counts of rows, and the function that keeps them (``environments.tenancy.counters``)."""

import django.db.models.deletion
from django.db import migrations, models

import environments.tenancy.models
from environments.tenancy.counters import DROP_FUNCTION, MAKE_FUNCTION

# Each statement that adds rows rewrites one of these few rows: there is to be room for it in its page.
TABLE = """
    ALTER TABLE environments_rowcount
        SET (fillfactor = 50),
        ADD CONSTRAINT environments_rowcount_environment_fk FOREIGN KEY (environment_id)
            REFERENCES environments_project (id) ON DELETE CASCADE
"""


class Migration(migrations.Migration):
    dependencies = [("environments", "0004_personal_api_key_is_spelled")]

    operations = [
        migrations.CreateModel(
            name="RowCount",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "environment_id", "counted", "slot", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("counted", models.CharField(help_text="The table.", max_length=63)),
                ("slot", models.IntegerField(help_text="Which of several transactions at the same time.")),
                (
                    "count",
                    models.BigIntegerField(
                        help_text="May be negative: rows may go by another slot than they came by."
                    ),
                ),
                (
                    "environment",
                    environments.tenancy.models.EnvironmentField(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="environments.project",
                    ),
                ),
            ],
            options={"abstract": False},
        ),
        migrations.RunSQL(TABLE, migrations.RunSQL.noop),
        migrations.RunSQL(MAKE_FUNCTION, DROP_FUNCTION),
    ]
