from django.db import migrations

from tulia.tenants.isolation import isolate


class Migration(migrations.Migration):
    dependencies = [("ingest", "0001_tables"), ("tenants", "0002_isolation_and_tiers")]
    operations = [
        isolate("ingest_callbacks", readable_by_system=True),
        isolate("ingest_early_statuses", readable_by_system=True),
    ]
