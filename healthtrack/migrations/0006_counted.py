"""A list of health issues need not count all rows of a project."""

from django.db import migrations

from environments.tenancy.counters import CountedTable


class Migration(migrations.Migration):
    dependencies = [("environments", "0005_row_counts"), ("healthtrack", "0005_sdk_versions")]

    operations = [CountedTable("HealthIssue")]
