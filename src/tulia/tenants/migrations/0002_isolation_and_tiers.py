from django.db import migrations

from tulia.tenants.isolation import isolate

TIERS = [
    # name, variants, campaign sends a month, messages a month, messages a day
    ("starter", 2, 500, 1_000, 1_000),
    ("growth", 2, 5_000, 10_000, 10_000),
    ("enterprise", 4, None, None, None),
]


def add_tiers(apps, schema_editor):
    tier = apps.get_model("tenants", "Tier")
    for position, (name, variants, sends, monthly, daily) in enumerate(TIERS, start=1):
        tier.objects.create(
            name=name,
            max_variants=variants,
            max_campaign_sends_per_month=sends,
            max_messages_per_month=monthly,
            max_messages_per_day=daily,
            position=position,
        )


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_tables")]
    operations = [
        isolate("memberships", readable_by_system=True),
        isolate("api_keys", readable_by_system=True),
        migrations.RunPython(add_tiers, migrations.RunPython.noop),
    ]
