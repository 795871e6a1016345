"""What a tenant sends with: its senders (phone numbers) and its approved templates."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tulia.tenants.models import Tenant


class Sender(models.Model):
    """One phone number with a provider; `business_account_id` is the account there that its templates belong to.

    `rate_per_second` is never exceeded in any one-second window. Secrets are encrypted. `base_url` empty means the
    provider's own address; for the built-in simulator (`is_simulated`) it is wherever the simulator listens now.
    `daily_limit` is the provider's messaging limit: how many different people may be written to in 24 hours outside an
    open window (null: no limit). The breaker's columns say how the sender stands with its provider (see
    `channels.standing`); `breaker_retry_at` null while it is open means that a person must mend something.
    `dispatched_by` is the worker that sends with it, and `dispatched_at` when that was last certain, by the database's clock;
    `settled_at` is when a worker last left it with nobody in flight.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE)
    kind = models.CharField(max_length=30)
    name = models.CharField(max_length=100)
    external_id = models.CharField(max_length=100)
    business_account_id = models.CharField(max_length=100, blank=True, db_default="", default="")
    access_token_encrypted = models.TextField()
    app_secret_encrypted = models.TextField()
    verify_token_encrypted = models.TextField()
    base_url = models.CharField(max_length=300, blank=True, db_default="")
    rate_per_second = models.PositiveIntegerField(db_default=80)
    daily_limit = models.PositiveIntegerField(null=True)
    is_simulated = models.BooleanField(db_default=False)
    paused_reason = models.CharField(max_length=300, blank=True, db_default="")
    dispatched_by = models.UUIDField(null=True)
    dispatched_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    breaker_state = models.CharField(max_length=10, db_default="closed", default="closed")
    breaker_scope = models.CharField(max_length=10, blank=True, db_default="", default="")
    breaker_reason = models.CharField(max_length=500, blank=True, db_default="", default="")
    breaker_code = models.CharField(max_length=40, blank=True, db_default="", default="")
    breaker_since = models.DateTimeField(null=True)
    breaker_retry_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "senders"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant", "kind", "external_id"], name="senders_external_id_unique"),
            models.CheckConstraint(condition=Q(kind__in=["whatsapp_cloud"]), name="senders_kind"),
            models.CheckConstraint(condition=Q(rate_per_second__gte=1), name="senders_rate_positive"),
            models.CheckConstraint(
                condition=Q(breaker_state__in=["closed", "open", "half_open"]), name="senders_breaker_state"
            ),
            models.CheckConstraint(
                condition=Q(breaker_scope__in=["", "sender", "account"]), name="senders_breaker_scope"
            ),
        ]


TEMPLATE_STATUSES = ("pending", "approved", "rejected", "paused", "disabled", "archived", "deleted")


class MessageTemplate(models.Model):
    """A message that the provider approved: identity is name and language.

    `components` are its parts as `channels.components` writes them (empty for a body alone), `variables` the
    placeholders of its body in order. `examples` and `defaults` hold a text for places to fill, by their keys. The
    three instants say when the provider last told something, so that what comes late doesn't undo it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_index=False)
    name = models.CharField(max_length=512)
    language = models.CharField(max_length=20)
    category = models.CharField(max_length=20)
    status = models.CharField(max_length=20)
    status_reason = models.CharField(max_length=500, blank=True, db_default="", default="")
    quality = models.CharField(max_length=20, db_default="unknown", default="unknown")
    provider_id = models.CharField(max_length=100, blank=True, db_default="", default="")
    body = models.TextField()
    components = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))
    variables = models.JSONField(default=list)
    examples = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    defaults = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    status_told_at = models.DateTimeField(null=True)
    quality_told_at = models.DateTimeField(null=True)
    category_told_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "message_templates"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["tenant", "name", "language"],
                condition=Q(deleted_at=None),
                name="message_templates_name_unique",
            ),
            models.CheckConstraint(
                condition=Q(category__in=["marketing", "utility", "authentication"]), name="message_templates_category"
            ),
            models.CheckConstraint(condition=Q(status__in=TEMPLATE_STATUSES), name="message_templates_status"),
            models.CheckConstraint(
                condition=Q(quality__in=["unknown", "green", "yellow", "red"]), name="message_templates_quality"
            ),
        ]


class MessageRate(models.Model):
    """What a provider asks for one delivered message, from a day on, by the calling code of the person's number.

    An empty `calling_code` is the rate of every code without a row of its own. Rows, not code: the card changes each
    quarter, and operators may edit it.
    """

    id = models.BigAutoField(primary_key=True)
    category = models.CharField(max_length=20)
    calling_code = models.CharField(max_length=4, blank=True)
    market = models.CharField(max_length=60)
    effective_from = models.DateField()
    cost_micros = models.PositiveIntegerField()

    class Meta:
        db_table = "message_rates"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["category", "calling_code", "effective_from"], name="message_rates_one_a_day"
            ),
            models.CheckConstraint(
                condition=Q(category__in=["marketing", "utility", "authentication", "service"]),
                name="message_rates_category",
            ),
        ]
