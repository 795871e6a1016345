from django.db import migrations

from tulia.tenants.isolation import isolate


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0001_tables"), ("tenants", "0002_isolation_and_tiers")]
    operations = [
        isolate("webhook_subscriptions", readable_by_system=True),
        isolate("webhook_events"),
        isolate("webhook_deliveries", readable_by_system=True),
        isolate("webhook_attempts"),
    ]
