from django.db import migrations

from tulia.tenants.isolation import isolate


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_tables"), ("tenants", "0002_isolation_and_tiers")]
    operations = [
        isolate("ledger_recipients"),
        isolate("ledger_conversions"),
    ]
