"""Destinations of alerts, and the messages to them."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import environments.clock
import environments.ids
import environments.tenancy.models
from environments.tenancy.operations import ProjectReference, ProjectTable
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('environments', '0007_audit_of_resource'),
    ]

    operations = [
        migrations.CreateModel(
            name='Destination',
            fields=[
                ('id', models.UUIDField(default=environments.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=environments.clock.now)),
                ('updated_at', models.DateTimeField(default=environments.clock.now)),
                ('name', models.CharField(max_length=200)),
                ('kind', models.CharField(choices=[('webhook', 'Webhook'), ('slack', 'Slack'), ('discord', 'Discord'), ('email', 'Email')], max_length=10)),
                ('target', models.CharField(help_text='An address of the web, or one of mail. Secret.', max_length=2048)),
                ('target_shown', models.CharField(default='', editable=False, max_length=2048)),
                ('secret', models.CharField(default='', editable=False, help_text='By which webhooks are signed.', max_length=100)),
                ('events', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
                ('severities', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), blank=True, default=list, size=None)),
                ('kinds', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), blank=True, default=list, size=None)),
                ('hourly_limit', models.PositiveSmallIntegerField(default=60, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(1000)])),
                ('enabled', models.BooleanField(default=True)),
                ('failures', models.PositiveIntegerField(default=0, editable=False, help_text='Attempts in a row that have failed.')),
                ('paused_until', models.DateTimeField(blank=True, editable=False, null=True)),
                ('environment', environments.tenancy.models.EnvironmentField(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='environments.project')),
            ],
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.UUIDField(default=environments.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('event', models.CharField(max_length=30)),
                ('subject_id', models.UUIDField(blank=True, null=True)),
                ('title', models.TextField()),
                ('message', models.JSONField(default=dict)),
                ('status', models.CharField(choices=[('pending', 'Pending'), ('delivered', 'Delivered'), ('failed', 'Failed')], default='pending', max_length=10)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('created_at', models.DateTimeField(default=environments.clock.now)),
                ('next_attempt_at', models.DateTimeField(blank=True, null=True)),
                ('expires_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('http_status', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('duration_ms', models.PositiveIntegerField(blank=True, null=True)),
                ('error', models.TextField(blank=True, default='')),
                ('excerpt', models.TextField(blank=True, default='')),
                ('tries', models.JSONField(default=list, help_text='When, HTTP status, milliseconds and error of each attempt.')),
                ('environment', environments.tenancy.models.EnvironmentField(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='environments.project')),
                ('destination', environments.tenancy.models.ProjectForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='notifications.destination')),
            ],
            options={
                'verbose_name_plural': 'deliveries',
            },
        ),
        migrations.CreateModel(
            name='Surplus',
            fields=[
                ('id', models.UUIDField(default=environments.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=environments.clock.now)),
                ('counts', models.JSONField(help_text='Event → how many.')),
                ('samples', models.JSONField(default=list, help_text='The first few of them.')),
                ('destination', environments.tenancy.models.ProjectForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='notifications.destination')),
                ('environment', environments.tenancy.models.EnvironmentField(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='environments.project')),
            ],
            options={
                'verbose_name_plural': 'surplus',
            },
        ),
        migrations.AddConstraint(
            model_name='destination',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['webhook', 'slack', 'discord', 'email'])), name='destination_kind_is_known'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(fields=['environment', 'destination', 'id'], name='delivery_of_destination'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('status', 'pending')), fields=['environment', 'destination', 'next_attempt_at'], name='delivery_pending'),
        ),
        migrations.AddConstraint(
            model_name='delivery',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['pending', 'delivered', 'failed'])), name='delivery_status_is_known'),
        ),
        migrations.AddIndex(
            model_name='surplus',
            index=models.Index(fields=['environment', 'destination', 'created_at'], name='surplus_of_destination'),
        ),
        ProjectTable('Destination'),
        ProjectTable('Delivery'),
        ProjectTable('Surplus'),
        ProjectReference('Delivery', 'destination', on_delete='CASCADE'),
        ProjectReference('Surplus', 'destination', on_delete='CASCADE'),
    ]
