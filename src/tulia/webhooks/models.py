"""Who is to be told of what, what happened, and what became of telling them.

Events and their deliveries are written by triggers, in the transaction of the fact (`migrations/0003_facts_become_events.py`).
"""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tulia.tenants.models import Tenant
from tulia.webhooks.event_types import EVENT_TYPES

STATES = ("pending", "delivered", "failed")


class WebhookSubscription(models.Model):
    """An address of a tenant's own that is told of some types of events.

    While its secret is being rotated the former one signs too, until `previous_secret_until`. `failing_since` is the
    first failure since the last success. A deleted one is kept until its log is old enough to go.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_index=False)
    url = models.CharField(max_length=500)
    description = models.CharField(max_length=300, blank=True, db_default="")
    event_types = ArrayField(models.CharField(max_length=40))
    secret_encrypted = models.TextField()
    previous_secret_encrypted = models.TextField(blank=True, default="", db_default="")
    previous_secret_until = models.DateTimeField(null=True)
    is_enabled = models.BooleanField(default=True, db_default=True)
    disabled_reason = models.CharField(max_length=500, blank=True, default="", db_default="")
    failing_since = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "webhook_subscriptions"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["tenant"], condition=Q(is_enabled=True), name="webhook_subscriptions_enabled"),
            models.Index(fields=["tenant", "created_at"], name="webhook_subscriptions_listed"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                condition=Q(event_types__contained_by=list(EVENT_TYPES)), name="webhook_subscriptions_known_types"
            ),
            models.CheckConstraint(
                condition=Q(is_enabled=False) | Q(deleted_at__isnull=True), name="webhook_subscriptions_deleted_is_off"
            ),
        ]


class WebhookEvent(models.Model):
    """Something that happened, told once for the fact, whatever number of subscriptions hear of it.

    `id` rises with time (UUID version 7). `recorded_at` is when we learned of it, `occurred_at` when it happened.
    """

    id = models.UUIDField(primary_key=True)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    type = models.CharField(max_length=40)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    data = models.JSONField()

    class Meta:
        db_table = "webhook_events"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["tenant", "recorded_at"], name="webhook_events_by_time"),
        ]


class WebhookDelivery(models.Model):
    """One event on its way to one subscription.

    `next_attempt_at` is set while it is pending: when it is due, or, while a worker is at it, when the worker's claim
    lapses. `attempt_count` counts since the event was last put on its way; a replay begins anew.
    """

    id = models.UUIDField(primary_key=True)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    subscription = models.ForeignKey(WebhookSubscription, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    event = models.ForeignKey(WebhookEvent, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    state = models.CharField(max_length=10, db_default="pending")
    attempt_count = models.SmallIntegerField(db_default=0)
    next_attempt_at = models.DateTimeField(null=True)
    last_attempt_at = models.DateTimeField(null=True)
    last_status = models.SmallIntegerField(null=True)
    last_error = models.CharField(max_length=300, db_default="")
    last_response = models.CharField(max_length=500, db_default="")
    last_duration_ms = models.IntegerField(null=True)
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "webhook_deliveries"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["subscription", "next_attempt_at", "id"],
                condition=Q(next_attempt_at__isnull=False),
                name="webhook_deliveries_due",
            ),
            models.Index(fields=["subscription", "state", "event"], name="webhook_deliveries_by_state"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["subscription", "event"], name="webhook_deliveries_once"),
            models.CheckConstraint(condition=Q(state__in=STATES), name="webhook_deliveries_state"),
            models.CheckConstraint(
                condition=Q(state="pending", next_attempt_at__isnull=False)
                | (~Q(state="pending") & Q(next_attempt_at__isnull=True)),
                name="webhook_deliveries_due_while_pending",
            ),
        ]


class WebhookAttempt(models.Model):
    """One try to deliver: the log."""

    id = models.BigAutoField(primary_key=True)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    attempted_at = models.DateTimeField()
    status = models.SmallIntegerField(null=True)
    error = models.CharField(max_length=300, db_default="")
    response = models.CharField(max_length=500, db_default="")
    duration_ms = models.IntegerField()

    class Meta:
        db_table = "webhook_attempts"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["delivery", "id"], name="webhook_attempts_of_delivery"),
        ]
