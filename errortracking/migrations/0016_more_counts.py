"""Lists of symbol sets and of external references need not count all rows of a project either."""

from django.db import migrations

from environments.tenancy.counters import CountedTable


class Migration(migrations.Migration):
    dependencies = [("environments", "0005_row_counts"), ("errortracking", "0015_uploads_at_once")]

    operations = [CountedTable(name) for name in ("SymbolSet", "ExternalReference")]
