"""An organization can be marked as deleted, while its projects are."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("environments", "0007_audit_of_resource")]

    operations = [
        migrations.AddField(
            model_name="organization",
            name="deleted_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="Since when its projects are being deleted. Empty: it lives.",
                null=True,
            ),
        ),
    ]
