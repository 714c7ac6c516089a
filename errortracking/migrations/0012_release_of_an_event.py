"""An event knows its release, so that an issue's events can be asked for by it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("errortracking", "0011_requests_wait_for_maps")]

    operations = [
        migrations.AddField(
            model_name="event",
            name="release_id",
            field=models.UUIDField(help_text="The release that it came from, where one was known.", null=True),
        ),
    ]
