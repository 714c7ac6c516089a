"""What happened to issues as a whole (merge, split, opened again), and where merged issues have gone."""

import django.db.models.deletion
from django.db import migrations, models

import environments.clock
import environments.ids
import environments.tenancy.models
from environments.tenancy.operations import ProjectTable

PROJECT = {
    "db_constraint": False,
    "db_index": False,
    "on_delete": django.db.models.deletion.DO_NOTHING,
    "related_name": "+",
}
KINDS = [("merge", "Merge"), ("split", "Split"), ("reopen", "Reopen")]
ID = {"default": environments.ids.uuid7, "editable": False, "primary_key": True, "serialize": False}


class Migration(migrations.Migration):
    dependencies = [("environments", "0003_shorter_ages"), ("errortracking", "0006_lists_of_issues")]

    operations = [
        migrations.CreateModel(
            name="IssueRedirect",
            fields=[
                ("id", models.UUIDField(**ID)),
                ("successor_id", models.UUIDField(help_text="The issue that it was merged into.")),
                ("created_at", models.DateTimeField(default=environments.clock.now)),
                ("environment", environments.tenancy.models.EnvironmentField(to="environments.project", **PROJECT)),
            ],
            options={"abstract": False},
        ),
        migrations.CreateModel(
            name="IssueOperation",
            fields=[
                ("id", models.UUIDField(**ID)),
                ("created_at", models.DateTimeField(default=environments.clock.now)),
                ("kind", models.CharField(choices=KINDS, max_length=8)),
                ("issue_id", models.UUIDField(help_text="The target of the merge, or the issue that was split.")),
                ("user_id", models.UUIDField(help_text="Empty: the pipeline.", null=True)),
                ("user_email", models.CharField(blank=True, default="", help_text="The address at the time.", max_length=254)),
                ("key_id", models.CharField(blank=True, default="", help_text="Empty: by a session.", max_length=50)),
                ("record", models.JSONField(default=dict, help_text="What moved, by id, and the rows that went.")),
                ("undone_at", models.DateTimeField(null=True)),
                ("undone_by", models.UUIDField(null=True)),
                ("environment", environments.tenancy.models.EnvironmentField(to="environments.project", **PROJECT)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["environment", "issue_id", "-created_at", "-id"], name="operation_of_issue"),
                    models.Index(fields=["environment", "kind", "-created_at", "-id"], name="operation_of_kind"),
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(kind__in=["merge", "split", "reopen"]), name="operation_kind_is_known")
                ],
            },
        ),
        ProjectTable("IssueRedirect"),
        ProjectTable("IssueOperation"),
    ]
