"""A health issue's key carries its project (``environments.tenancy``)."""

from django.db import migrations

from environments.tenancy.operations import ProjectTable


class Migration(migrations.Migration):
    dependencies = [("healthtrack", "0001_initial"), ("environments", "0001_initial")]

    operations = [ProjectTable("HealthIssue")]
