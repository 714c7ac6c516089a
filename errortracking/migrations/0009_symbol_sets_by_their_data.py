"""Symbol sets are found by their data: what is uploaded asks for the set that waits for it, the sweep for any."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("errortracking", "0008_symbol_data")]

    operations = [
        migrations.AddIndex(
            model_name="symbolset",
            index=models.Index(
                condition=models.Q(("storage_ptr__isnull", False)),
                fields=["environment", "storage_ptr"],
                name="symbol_set_storage_ptr",
            ),
        ),
    ]
