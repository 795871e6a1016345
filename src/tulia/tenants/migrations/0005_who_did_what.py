import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from tulia.tenants.isolation import isolate, unchangeable


class Migration(migrations.Migration):
    dependencies = [("tenants", "0004_rules_of_sending")]
    operations = [
        migrations.AddField(
            model_name='apikey',
            name='answers_as',
            field=models.CharField(blank=True, db_default='', default='', max_length=60),
        ),
        migrations.AddField(
            model_name='apikey',
            name='created_by',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='apikey',
            name='last_used_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
                ('actor_kind', models.CharField(max_length=10)),
                ('actor_id', models.UUIDField(null=True)),
                ('actor', models.CharField(max_length=300)),
                ('person', models.CharField(max_length=60)),
                ('via', models.CharField(max_length=10)),
                ('address', models.CharField(blank=True, max_length=45)),
                ('agent', models.CharField(blank=True, max_length=300)),
                ('action', models.CharField(max_length=60)),
                ('target_kind', models.CharField(max_length=30)),
                ('target_id', models.CharField(max_length=60)),
                ('target_name', models.CharField(blank=True, max_length=300)),
                ('old', models.JSONField(default=dict)),
                ('new', models.JSONField(default=dict)),
                ('tenant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to='tenants.tenant')),
            ],
            options={
                'db_table': 'audit_entries',
                'indexes': [models.Index(fields=['tenant', 'at', 'id'], name='audit_entries_by_time'), models.Index(fields=['tenant', 'target_id', 'at', 'id'], name='audit_entries_by_target')],
                'constraints': [models.CheckConstraint(condition=models.Q(('actor_kind__in', ['user', 'api_key', 'operator', 'system'])), name='audit_entries_actor'), models.CheckConstraint(condition=models.Q(('via__in', ['api', 'web', 'cli', 'system'])), name='audit_entries_via')],
            },
        ),
        isolate("audit_entries"),
        unchangeable("audit_entries"),
    ]
