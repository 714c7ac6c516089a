"""When all checks of a project were asked for last."""

import django.db.models.deletion
from environments.tenancy.operations import ProjectTable
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('environments', '0007_audit_of_resource'),
        ('healthtrack', '0003_worst_first'),
    ]

    operations = [
        migrations.CreateModel(
            name='HealthRefresh',
            fields=[
                ('environment', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, primary_key=True, related_name='+', serialize=False, to='environments.project')),
                ('requested_at', models.DateTimeField()),
            ],
            options={
                'abstract': False,
            },
        ),
        ProjectTable("HealthRefresh"),
    ]
