"""What providers told us, as they told it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tulia.channels.models import Sender
from tulia.tenants.models import Tenant


class Callback(models.Model):
    """One callback, raw, with a good signature. `applied_at` is empty until its content is in the ledger."""

    id = models.BigAutoField(primary_key=True)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    sender = models.ForeignKey(Sender, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    received_at = models.DateTimeField(db_default=Now())
    body = models.BinaryField()
    applied_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "ingest_callbacks"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["tenant", "id"], condition=Q(applied_at__isnull=True), name="ingest_callbacks_to_apply"
            ),
        ]


class EarlyStatus(models.Model):
    """A status of a message we have no record of (yet): tried again when more is known, forgotten after a day."""

    id = models.BigAutoField(primary_key=True)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    sender = models.ForeignKey(Sender, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    message_id = models.CharField(max_length=200)
    state = models.SmallIntegerField()
    at = models.DateTimeField()
    failure_kind = models.CharField(max_length=20, null=True)
    failure_code = models.CharField(max_length=40, null=True)
    received_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "ingest_early_statuses"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["sender", "message_id", "state"], name="ingest_early_statuses_once"),
        ]
