"""A table of SDKs' versions that is newer than the shipped one."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("healthtrack", "0004_refresh"),
    ]

    operations = [
        migrations.CreateModel(
            name="SDKVersionTable",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("date", models.DateField(help_text="The day of which the table tells.")),
                ("sdks", models.JSONField()),
                ("refreshed_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="one_table_of_sdk_versions")
                ],
            },
        ),
    ]
