from django.db import migrations

from tulia.tenants.isolation import isolate


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0001_tables"), ("tenants", "0002_isolation_and_tiers")]
    operations = [
        isolate("message_campaigns", readable_by_system=True),
    ]
