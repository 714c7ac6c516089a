"""Invitations, password resets, projects that are being deleted; the record of changes outlives its project."""

import django.db.models.deletion
import environments.clock
import environments.ids
from django.conf import settings
from django.db import migrations, models

OUTLIVES = "ALTER TABLE environments_auditentry DROP CONSTRAINT environments_auditentry_environment_fk"
GOES_WITH = """
    DELETE FROM environments_auditentry a
    WHERE NOT EXISTS (SELECT FROM environments_project p WHERE p.id = a.environment_id);
    ALTER TABLE environments_auditentry ADD CONSTRAINT environments_auditentry_environment_fk
        FOREIGN KEY (environment_id) REFERENCES environments_project (id) ON DELETE CASCADE
"""


class Migration(migrations.Migration):

    dependencies = [
        ('environments', '0005_row_counts'),
    ]

    operations = [
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.UUIDField(default=environments.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('target_email', models.EmailField(max_length=254)),
                ('first_name', models.CharField(blank=True, default='', max_length=150)),
                ('level', models.PositiveSmallIntegerField(choices=[(1, 'member'), (8, 'administrator'), (15, 'owner')], default=1)),
                ('created_at', models.DateTimeField(default=environments.clock.now)),
                ('secure_value', models.CharField(editable=False, help_text='Of the link, its hash.', max_length=300, unique=True)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='project',
            name='unique_project_name_per_organization',
        ),
        migrations.AddField(
            model_name='project',
            name='deleted_at',
            field=models.DateTimeField(blank=True, editable=False, help_text='Since when its rows are being deleted. Empty: it lives.', null=True),
        ),
        migrations.AddField(
            model_name='user',
            name='requested_password_reset_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddConstraint(
            model_name='project',
            constraint=models.UniqueConstraint(condition=models.Q(('deleted_at__isnull', True)), fields=('organization', 'name'), name='unique_living_project_name_per_organization'),
        ),
        migrations.AddField(
            model_name='invitation',
            name='created_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='invitation',
            name='organization',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='invitations', to='environments.organization'),
        ),
        migrations.CreateModel(
            name='PasswordLink',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('secure_value', models.CharField(editable=False, max_length=300, unique=True)),
                ('created_at', models.DateTimeField(default=environments.clock.now)),
            ],
        ),
        migrations.RunSQL(OUTLIVES, GOES_WITH),
    ]
