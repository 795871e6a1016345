from django.db import migrations

from tulia.tenants.isolation import append_only, isolate


class Migration(migrations.Migration):
    dependencies = [("audience", "0001_tables"), ("tenants", "0002_isolation_and_tiers")]
    operations = [
        isolate("customers"),
        isolate("customer_tags"),
        isolate("consent_changes"),
        isolate("orders"),
        isolate("bookings"),
        isolate("conversations"),
        isolate("messages"),
        append_only("consent_changes"),
    ]
