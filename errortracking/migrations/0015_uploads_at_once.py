"""Symbol sets know what their upload was begun for, and those that could not be fetched are found by their last try."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("errortracking", "0014_unknown_tokens")]

    operations = [
        migrations.AddField(
            model_name="symbolset",
            name="begun_hash",
            field=models.TextField(
                blank=True,
                help_text="The `content_hash` that the upload to `storage_ptr` was begun for, if told.",
                null=True,
            ),
        ),
        migrations.AddIndex(
            model_name="symbolset",
            index=models.Index(
                condition=models.Q(("storage_ptr__isnull", True)),
                fields=["environment", "last_used"],
                name="symbol_set_failed",
            ),
        ),
    ]
