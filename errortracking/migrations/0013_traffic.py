"""Daily counters that the health checks read."""

import django.db.models.deletion
import environments.tenancy.models
from environments.tenancy.operations import ProjectTable
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("environments", "0007_audit_of_resource"),
        ("errortracking", "0012_release_of_an_event"),
    ]

    operations = [
        migrations.CreateModel(
            name="DailyTally",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "environment_id", "day", "what", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("day", models.DateField()),
                (
                    "what",
                    models.CharField(
                        choices=[
                            ("with_release", "With Release"),
                            ("without_release", "Without Release"),
                            ("clock_skew", "Clock Skew"),
                            ("unreadable", "Unreadable"),
                        ],
                        max_length=20,
                    ),
                ),
                ("count", models.BigIntegerField()),
                ("last_received_at", models.DateTimeField()),
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
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="TrafficCount",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "environment_id",
                        "day",
                        "event",
                        "sdk",
                        "host",
                        "has_session",
                        "is_proxied",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("day", models.DateField()),
                ("event", models.TextField(help_text="`$pageview`, `$pageleave`, `$screen` or `$web_vitals`.")),
                ("sdk", models.TextField()),
                (
                    "host",
                    models.TextField(
                        help_text="Of the page, in small letters; empty: none was named; `other`: one beyond the limit."
                    ),
                ),
                ("has_session", models.BooleanField(help_text="Whether it carries a valid `$session_id`.")),
                ("is_proxied", models.BooleanField(help_text="Whether the SDK sends to a host of the customer's own.")),
                ("count", models.BigIntegerField()),
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
            options={
                "abstract": False,
            },
        ),
        ProjectTable("DailyTally"),
        ProjectTable("TrafficCount"),
    ]
