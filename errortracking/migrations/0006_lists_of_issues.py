"""What lists of issues need: texts to search, releases and SDKs, indexes for every order, counts of rows."""

import django.db.models.deletion
from django.db import migrations, models

import environments.tenancy.models
from environments.tenancy import guard
from environments.tenancy.counters import CountedTable
from environments.tenancy.extensions import Extension
from environments.tenancy.operations import ProjectReference, ProjectTable

PROJECT = {
    "db_constraint": False,
    "db_index": False,
    "on_delete": django.db.models.deletion.DO_NOTHING,
    "related_name": "+",
}
FINGERPRINT = {**PROJECT, "to": "errortracking.fingerprint"}


def environment():
    return ("environment", environments.tenancy.models.EnvironmentField(to="environments.project", **PROJECT))


def key(*columns):
    return (
        "pk",
        models.CompositePrimaryKey(
            "environment_id", *columns, blank=True, editable=False, primary_key=True, serialize=False
        ),
    )


# The project is part of both (btree_gin): a search looks at the letters of its own project's texts only.
# What people read as the text is what is searched: the expression is that of `api/issue_search.py`.
TRIGRAMS = """
    CREATE INDEX issue_trigrams ON errortracking_issue
        USING gin (environment_id, (coalesce(name, '') || ' ' || coalesce(description, '')) gin_trgm_ops);
    CREATE INDEX fingerprint_text_trigrams ON errortracking_fingerprinttext
        USING gin (environment_id, text gin_trgm_ops)
"""
NO_TRIGRAMS = "DROP INDEX issue_trigrams; DROP INDEX fingerprint_text_trigrams"

# Events tell their SDK; their texts and releases are packed away, and known from the next event on.
SDKS = """
    INSERT INTO errortracking_fingerprintsdk (environment_id, sdk, fingerprint_id)
    SELECT DISTINCT environment_id, sdk, fingerprint_id FROM errortracking_event
    WHERE fingerprint_id IS NOT NULL AND sdk <> ''
"""


def known_sdks(apps, schema_editor):
    with guard.maintenance("a migration"):
        schema_editor.execute(SDKS)


class Migration(migrations.Migration):
    dependencies = [("errortracking", "0005_queue_slots"), ("environments", "0005_row_counts")]

    operations = [
        Extension("pg_trgm"),
        Extension("btree_gin"),
        migrations.AlterField(
            model_name="issuestatistics",
            name="issue",
            field=environments.tenancy.models.ProjectOneToOneField(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                primary_key=True,
                related_name="statistics",
                serialize=False,
                to="errortracking.issue",
            ),
        ),
        migrations.CreateModel(
            name="FingerprintText",
            fields=[
                (
                    "fingerprint",
                    environments.tenancy.models.ProjectOneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="errortracking.fingerprint",
                    ),
                ),
                ("text", models.TextField(help_text="From events: untrusted.")),
                environment(),
            ],
            options={"abstract": False},
        ),
        migrations.CreateModel(
            name="FingerprintRelease",
            fields=[
                key("release_id", "fingerprint_id"),
                environment(),
                ("fingerprint", environments.tenancy.models.ProjectForeignKey(**FINGERPRINT)),
                (
                    "release",
                    environments.tenancy.models.ProjectForeignKey(**{**FINGERPRINT, "to": "errortracking.release"}),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["environment", "fingerprint"], name="release_of_fingerprint")],
            },
        ),
        migrations.CreateModel(
            name="FingerprintSDK",
            fields=[
                key("sdk", "fingerprint_id"),
                ("sdk", models.CharField(max_length=200)),
                environment(),
                ("fingerprint", environments.tenancy.models.ProjectForeignKey(**FINGERPRINT)),
            ],
            options={"indexes": [models.Index(fields=["environment", "fingerprint"], name="sdk_of_fingerprint")]},
        ),
        ProjectTable("FingerprintText", on_project_delete=None),
        ProjectReference("FingerprintText", "fingerprint", "CASCADE"),
        ProjectReference("FingerprintRelease", "fingerprint", "CASCADE"),
        ProjectReference("FingerprintRelease", "release", "CASCADE"),
        ProjectReference("FingerprintSDK", "fingerprint", "CASCADE"),
        migrations.RunPython(known_sdks, migrations.RunPython.noop),
        *(
            migrations.AddIndex("issuestatistics", models.Index(fields=["environment", column, "issue"], name=name))
            for column, name in {
                "last_seen": "issue_by_last_seen",
                "first_seen": "issue_by_first_seen",
                "occurrences": "issue_by_occurrences",
                "users": "issue_by_users",
            }.items()
        ),
        migrations.AddIndex("issue", models.Index(fields=["environment", "status", "id"], name="issue_by_status")),
        migrations.AddIndex(
            "issue", models.Index(fields=["environment", "created_at", "id"], name="issue_by_creation")
        ),
        migrations.AddIndex(
            "spikecount", models.Index(fields=["environment", "fingerprint_id", "bucket"], name="spike_counts_of")
        ),
        migrations.RemoveIndex("spikeevent", "spike_event_newest_first"),
        *(
            migrations.AddIndex(
                "spikeevent", models.Index(fields=["environment", *columns, "-detected_at", "-id"], name=name)
            )
            for name, columns in {
                "spike_event_newest_first": (),
                "spike_by_baseline": ("computed_baseline",),
                "spike_by_baseline_down": ("-computed_baseline",),
                "spike_by_value": ("current_bucket_value",),
                "spike_by_value_down": ("-current_bucket_value",),
            }.items()
        ),
        migrations.RunSQL(TRIGRAMS, NO_TRIGRAMS),
        *(CountedTable(name) for name in ("Fingerprint", "Issue", "Release", "SpikeEvent", "StackFrame")),
    ]
