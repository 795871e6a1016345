import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from tulia.tenants.isolation import isolate


class Migration(migrations.Migration):
    dependencies = [("tenants", "0002_isolation_and_tiers")]
    operations = [
        migrations.CreateModel(
            name="IdempotentRequest",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("key", models.CharField(max_length=255)),
                ("fingerprint", models.CharField(max_length=64)),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("answer_encrypted", models.TextField(blank=True, db_default="")),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="tenants.tenant"
                    ),
                ),
            ],
            options={
                "db_table": "idempotent_requests",
                "indexes": [models.Index(fields=["tenant", "created_at"], name="idempotent_requests_age")],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "key"), name="idempotent_requests_key_unique")
                ],
            },
        ),
        isolate("idempotent_requests"),
    ]
