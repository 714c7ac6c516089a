"""Tokens of no project with which requests were refused."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("errortracking", "0013_traffic"),
    ]

    operations = [
        migrations.CreateModel(
            name="UnknownToken",
            fields=[
                (
                    "digest",
                    models.CharField(
                        help_text="Keyed hash of the token, to tell two apart.",
                        max_length=32,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("prefix", models.CharField(help_text="How the token begins. A client wrote it.", max_length=16)),
                ("first_seen", models.DateTimeField()),
                ("last_seen", models.DateTimeField()),
                ("requests", models.BigIntegerField(help_text="Refused requests, but for some of the last seconds.")),
            ],
            options={
                "indexes": [models.Index(fields=["-last_seen"], name="unknown_token_last_seen")],
            },
        ),
    ]
