"""What symbol sets need: their data in pieces, what to do with it when they go, and the frames that wait for one."""

import django.db.models.deletion
from django.db import migrations, models

import environments.tenancy.models
from environments.tenancy.operations import ProjectReference, ProjectTable

PROJECT = {
    "db_constraint": False,
    "db_index": False,
    "on_delete": django.db.models.deletion.DO_NOTHING,
    "related_name": "+",
}
WAITS = "For source maps that are being fetched; it is set once, at the first parking."
MISSING = "Chunk id or URL of the symbol set for lack of which the frame is unresolved."
PLATFORM = "As the SDK sent it; kept where `missing_ref` is, to resolve the frame again."


def environment():
    return ("environment", environments.tenancy.models.EnvironmentField(to="environments.project", **PROJECT))


def key(*columns):
    return (
        "pk",
        models.CompositePrimaryKey(
            "environment_id", *columns, blank=True, editable=False, primary_key=True, serialize=False
        ),
    )


# A trigger, because sets go in many ways: with their release, with their project, by the API, the admin, the clean-up.
# EXTERNAL: what is uploaded is mostly compressed already, and PostgreSQL's own try would cost more than it saves.
GARBAGE = """
    CREATE FUNCTION errortracking_symbol_garbage() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO errortracking_symbolgarbage (key, project_id) VALUES (OLD.storage_ptr, OLD.environment_id)
        ON CONFLICT DO NOTHING;
        RETURN NULL;
    END
    $$;
    CREATE TRIGGER deleted_symbol_set AFTER DELETE ON errortracking_symbolset
        FOR EACH ROW WHEN (OLD.storage_ptr IS NOT NULL) EXECUTE FUNCTION errortracking_symbol_garbage();
    CREATE TRIGGER replaced_symbol_set AFTER UPDATE ON errortracking_symbolset
        FOR EACH ROW WHEN (OLD.storage_ptr IS NOT NULL AND OLD.storage_ptr IS DISTINCT FROM NEW.storage_ptr)
        EXECUTE FUNCTION errortracking_symbol_garbage();
    ALTER TABLE errortracking_symbolchunk ALTER COLUMN data SET STORAGE EXTERNAL
"""
NO_GARBAGE = """
    DROP TRIGGER deleted_symbol_set ON errortracking_symbolset;
    DROP TRIGGER replaced_symbol_set ON errortracking_symbolset;
    DROP FUNCTION errortracking_symbol_garbage()
"""


class Migration(migrations.Migration):
    dependencies = [("environments", "0007_audit_of_resource"), ("errortracking", "0007_issue_operations")]

    operations = [
        migrations.CreateModel(
            name="SymbolChunk",
            fields=[
                key("key", "number"),
                ("key", models.TextField(help_text="`SymbolSet.storage_ptr`.")),
                ("number", models.IntegerField(help_text="Place among the pieces, from 0.")),
                ("data", models.BinaryField()),
                environment(),
            ],
            options={"abstract": False},
        ),
        migrations.CreateModel(
            name="SymbolGarbage",
            fields=[
                ("key", models.TextField(primary_key=True, serialize=False)),
                ("project_id", models.IntegerField(help_text="Of the project that it belonged to.")),
            ],
        ),
        migrations.AddField("queuedrequest", "waits_until", models.DateTimeField(blank=True, help_text=WAITS, null=True)),
        migrations.AddField("stackframe", "missing_ref", models.TextField(blank=True, help_text=MISSING, null=True)),
        migrations.AddField("stackframe", "platform", models.TextField(blank=True, help_text=PLATFORM, null=True)),
        migrations.AddIndex(
            "stackframe",
            models.Index(
                condition=models.Q(("missing_ref__isnull", False)),
                fields=["environment", "missing_ref"],
                name="stack_frame_missing_ref",
            ),
        ),
        migrations.CreateModel(
            name="AwaitedFrame",
            fields=[
                key("frame_id", "fingerprint_id"),
                ("event_id", models.UUIDField()),
                ("received_at", models.DateTimeField(help_text="Of the event: it leads to its partition.")),
                environment(),
                ("fingerprint", environments.tenancy.models.ProjectForeignKey(to="errortracking.fingerprint", **PROJECT)),
                ("frame", environments.tenancy.models.ProjectForeignKey(to="errortracking.stackframe", **PROJECT)),
            ],
            options={
                "indexes": [models.Index(fields=["environment", "fingerprint"], name="awaited_frame_fingerprint")]
            },
        ),
        ProjectTable("SymbolChunk"),
        ProjectReference("AwaitedFrame", "frame", "CASCADE"),
        ProjectReference("AwaitedFrame", "fingerprint", "CASCADE"),
        migrations.RunSQL(GARBAGE, NO_GARBAGE),
    ]
