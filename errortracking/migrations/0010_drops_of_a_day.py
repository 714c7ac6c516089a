"""Counts of what rate limits dropped are found by their day: `/metrics` tells today's of all projects."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("errortracking", "0009_symbol_sets_by_their_data")]

    operations = [
        migrations.AddIndex(
            model_name="ratelimitedcount",
            index=models.Index(fields=["day"], name="rate_limited_day"),
        ),
    ]
