"""A queued request knows which source maps it waits for, so that each wakes those that need nothing else."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("errortracking", "0010_drops_of_a_day")]

    operations = [
        migrations.AddField(
            model_name="queuedrequest",
            name="waits_for",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.TextField(),
                blank=True,
                help_text="The scripts whose source maps are being fetched.",
                null=True,
                size=None,
            ),
        ),
    ]
