"""Rate limits: the buckets, what they dropped, and a limit of 0 for issues, which is none."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import environments.ids
import environments.tenancy.models
from environments.tenancy.operations import ProjectReference, ProjectTable

PROJECT = {
    "db_constraint": False,
    "db_index": False,
    "on_delete": django.db.models.deletion.DO_NOTHING,
    "related_name": "+",
}
SMALLEST = {
    "project_rate_limit_value": 1,
    "project_rate_limit_bucket_size_minutes": 1,
    "per_issue_rate_limit_value": 0,
    "per_issue_rate_limit_bucket_size_minutes": 1,
}
# A charge rewrites a row within its page where there is room, and one batch may rewrite every row of a page.
STORAGE = "ALTER TABLE errortracking_ratelimitbucket SET (fillfactor = 50)"


class Migration(migrations.Migration):
    dependencies = [
        ("environments", "0002_rate_limits_and_audit"),
        ("errortracking", "0002_keys_in_the_database"),
    ]

    operations = [
        migrations.CreateModel(
            name="RateLimitBucket",
            fields=[
                ("id", models.UUIDField(default=environments.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("at", models.DateTimeField(help_text="The whole second up to which it has been refilled.")),
                ("tokens", models.IntegerField(help_text="How many exceptions it admits.")),
                ("fraction", models.BigIntegerField(help_text="The begun token, in parts of which a token has 60 × minutes.")),
                ("value", models.IntegerField(help_text="The limit by which it was filled: so many tokens …")),
                ("minutes", models.IntegerField(help_text="… in so many minutes.")),
                ("version", models.BigIntegerField(help_text="Raised by each charge: one that was computed from an older is refused.")),
                ("environment", environments.tenancy.models.EnvironmentField(to="environments.project", **PROJECT)),
            ],
            options={"abstract": False},
        ),
        migrations.CreateModel(
            name="RateLimitedCount",
            fields=[
                ("pk", models.CompositePrimaryKey("environment_id", "fingerprint_id", "day", "reason", blank=True, editable=False, primary_key=True, serialize=False)),
                ("day", models.DateField()),
                ("reason", models.CharField(choices=[("issue", "Issue"), ("project", "Project")], max_length=8)),
                ("count", models.BigIntegerField()),
                ("environment", environments.tenancy.models.EnvironmentField(to="environments.project", **PROJECT)),
                ("fingerprint", environments.tenancy.models.ProjectForeignKey(to="errortracking.fingerprint", **PROJECT)),
            ],
        ),
        migrations.AddConstraint(
            model_name="ratelimitedcount",
            constraint=models.CheckConstraint(condition=models.Q(reason__in=["issue", "project"]), name="drop_reason_is_known"),
        ),
        ProjectTable("RateLimitBucket"),
        ProjectReference("RateLimitedCount", "fingerprint", "CASCADE"),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
        migrations.RemoveConstraint(model_name="errortrackingsettings", name="rate_limits_are_positive"),
        migrations.AlterField(
            model_name="errortrackingsettings",
            name="per_issue_rate_limit_value",
            field=models.IntegerField(
                blank=True,
                help_text="Exceptions that each issue may store per bucket. Null: the server's default. 0: no limit, whatever that is.",
                null=True,
                validators=[django.core.validators.MinValueValidator(0)],
            ),
        ),
        migrations.AddConstraint(
            model_name="errortrackingsettings",
            constraint=models.CheckConstraint(
                name="rate_limits_are_positive",
                condition=models.Q(
                    *[models.Q(**{f"{field}__isnull": True}) | models.Q(**{f"{field}__gte": smallest}) for field, smallest in SMALLEST.items()]
                ),
            ),
        ),
    ]
