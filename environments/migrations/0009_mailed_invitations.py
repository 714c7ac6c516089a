"""An invitation may have a second link, which was mailed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("environments", "0008_organizations_being_deleted")]

    operations = [
        migrations.AddField(
            model_name="invitation",
            name="mailed_secure_value",
            field=models.CharField(
                editable=False,
                help_text="Of the link that was mailed, its hash.",
                max_length=300,
                null=True,
                unique=True,
            ),
        ),
        migrations.AddField(
            model_name="invitation",
            name="mailed_at",
            field=models.DateTimeField(
                editable=False,
                help_text="When a mail to the address was asked for last, if by an earlier invitation.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="invitation",
            name="emailing_attempt_made",
            field=models.BooleanField(default=False, help_text="Whether a mail was asked for."),
        ),
    ]
