"""The newest changes of one kind of objects, for the activity of issues."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("environments", "0006_accounts")]

    operations = [
        migrations.AddIndex(
            "auditentry",
            models.Index(fields=["environment", "resource", "-created_at", "-id"], name="audit_of_resource"),
        ),
    ]
