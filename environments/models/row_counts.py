"""How many rows a project has in the large tables, kept by the database (`environments.tenancy.counters`)."""

from __future__ import annotations

from django.db import models

from environments.tenancy.models import ProjectRow


class RowCount(ProjectRow):
    """A part of the number of rows that a project has in one table; the sum over its slots is the number.

    There are as many slots as transactions have written the table's rows of one project at the same time.
    """

    pk = models.CompositePrimaryKey("environment_id", "counted", "slot")
    counted = models.CharField(max_length=63, help_text="The table.")
    slot = models.IntegerField(help_text="Which of several transactions at the same time.")
    count = models.BigIntegerField(help_text="May be negative: rows may go by another slot than they came by.")

    def __str__(self) -> str:
        return f"{self.count} of {self.counted}"
