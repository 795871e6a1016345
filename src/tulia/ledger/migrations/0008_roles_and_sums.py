"""Tables for what the ledger counts of itself, and what people are to an experiment; see 0009 for what fills them."""

import django.db.models.deletion
from django.db import migrations, models

from tulia.tenants.isolation import isolate


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0007_experiments'),
        ('ledger', '0007_links_that_were_followed'),
        ('tenants', '0008_how_often_somebody_asks'),
    ]

    operations = [
        migrations.AddField(
            model_name="recipient",
            name="role",
            field=models.SmallIntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name="recipient",
            name="turn_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.RunSQL(
            "ALTER TABLE ledger_recipients NO FORCE ROW LEVEL SECURITY;"
            "UPDATE ledger_recipients SET turn_at = claimed_at WHERE claimed_at IS NOT NULL;"
            "ALTER TABLE ledger_recipients FORCE ROW LEVEL SECURITY;"
            "ALTER TABLE message_campaigns NO FORCE ROW LEVEL SECURITY;"
            "UPDATE message_campaigns SET outcome_window_minutes = CASE primary_metric WHEN 'read' THEN 1440"
            " WHEN 'clicked' THEN 2880 WHEN 'responded' THEN 4320 ELSE 10080 END WHERE audience_frozen_at IS NOT NULL;"
            "ALTER TABLE message_campaigns FORCE ROW LEVEL SECURITY",
            migrations.RunSQL.noop,
        ),
        migrations.CreateModel(
            name='Minute',
            fields=[
                ('pk', models.CompositePrimaryKey('campaign', 'minute', blank=True, editable=False, primary_key=True, serialize=False)),
                ('minute', models.DateTimeField()),
                ('sent', models.IntegerField()),
                ('delivered', models.IntegerField()),
                ('read', models.IntegerField()),
                ('replied', models.IntegerField()),
                ('converted', models.IntegerField()),
                ('failed', models.IntegerField()),
                ('campaign', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, to='campaigns.messagecampaign')),
                ('tenant', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, to='tenants.tenant')),
            ],
            options={
                'db_table': 'ledger_minutes',
            },
        ),
        migrations.CreateModel(
            name='Tally',
            fields=[
                ('pk', models.CompositePrimaryKey('campaign', 'role', 'arm', 'state', 'reason', 'failure_kind', 'failure_code', blank=True, editable=False, primary_key=True, serialize=False)),
                ('role', models.SmallIntegerField()),
                ('arm', models.SmallIntegerField()),
                ('state', models.SmallIntegerField()),
                ('reason', models.CharField(max_length=40)),
                ('failure_kind', models.CharField(max_length=20)),
                ('failure_code', models.CharField(max_length=40)),
                ('people', models.IntegerField()),
                ('sent', models.IntegerField()),
                ('read', models.IntegerField()),
                ('replied', models.IntegerField()),
                ('clicked', models.IntegerField()),
                ('converted', models.IntegerField()),
                ('cost_micros', models.BigIntegerField()),
                ('campaign', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, to='campaigns.messagecampaign')),
                ('tenant', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, to='tenants.tenant')),
            ],
            options={
                'db_table': 'ledger_tallies',
            },
        ),
        migrations.CreateModel(
            name="Wait",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "campaign", "arm", "is_reply", "seconds", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("arm", models.SmallIntegerField()),
                ("is_reply", models.BooleanField()),
                ("seconds", models.IntegerField()),
                ("people", models.IntegerField()),
                ("total_seconds", models.FloatField()),
                ("campaign", models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, to="campaigns.messagecampaign")),
                ("tenant", models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, to="tenants.tenant")),
            ],
            options={"db_table": "ledger_waits"},
        ),
        migrations.CreateModel(
            name="Outcome",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "campaign", "role", "arm", "minute", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("role", models.SmallIntegerField()),
                ("arm", models.SmallIntegerField()),
                ("minute", models.DateTimeField()),
                ("people", models.IntegerField()),
                ("succeeded", models.IntegerField()),
                ("campaign", models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, to="campaigns.messagecampaign")),
                ("tenant", models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, to="tenants.tenant")),
            ],
            options={"db_table": "ledger_outcomes"},
        ),
        isolate("ledger_outcomes"),
        isolate("ledger_waits"),
        isolate("ledger_tallies"),
        isolate("ledger_minutes"),
        migrations.RunSQL(
            "ALTER TABLE ledger_waits SET (fillfactor = 60); ALTER TABLE ledger_tallies SET (fillfactor = 60); ALTER TABLE ledger_minutes SET (fillfactor = 60)",
            migrations.RunSQL.noop,
        ),
    ]
