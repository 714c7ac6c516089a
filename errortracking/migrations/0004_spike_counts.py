"""What spikes are counted by, in daily partitions, and how long issues are snoozed."""

import django.db.models.deletion
from django.db import migrations, models

import environments.tenancy.models
from environments.tenancy.operations import PartitionedTable, ProjectReference, ProjectTable

PROJECT = {
    "db_constraint": False,
    "db_index": False,
    "on_delete": django.db.models.deletion.DO_NOTHING,
    "related_name": "+",
}
KEY = ("environment_id", "bucket", "fingerprint_id")


class Migration(migrations.Migration):
    dependencies = [
        ("environments", "0002_rate_limits_and_audit"),
        ("errortracking", "0003_rate_limits"),
    ]

    operations = [
        migrations.CreateModel(
            name="SpikeCount",
            fields=[
                ("pk", models.CompositePrimaryKey(*KEY, blank=True, editable=False, primary_key=True, serialize=False)),
                ("bucket", models.DateTimeField(help_text="When the 5 minutes begin.")),
                ("fingerprint_id", models.UUIDField()),
                ("count", models.IntegerField()),
                ("environment", environments.tenancy.models.EnvironmentField(to="environments.project", **PROJECT)),
            ],
            options={"abstract": False},
        ),
        migrations.CreateModel(
            name="SpikeSnooze",
            fields=[
                (
                    "issue",
                    environments.tenancy.models.ProjectOneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="errortracking.issue",
                    ),
                ),
                ("snoozed_at", models.DateTimeField(help_text="When its last spike was.")),
                ("snoozed_until", models.DateTimeField()),
                ("environment", environments.tenancy.models.EnvironmentField(to="environments.project", **PROJECT)),
            ],
            options={"abstract": False},
        ),
        PartitionedTable("SpikeCount", "RANGE (bucket)", KEY),
        ProjectTable("SpikeSnooze", on_project_delete=None),
        ProjectReference("SpikeSnooze", "issue", "CASCADE"),
    ]
