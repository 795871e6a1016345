"""The people a tenant may write to, what they agreed to, and what they did."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tulia.tenants.models import Tenant

COUNTING_ORDER_STATUSES = ("paid", "fulfilled", "completed")


class Customer(models.Model):
    """One person, unique by tenant and phone (E.164).

    The three consents stand here and are written by `audience.consent` alone (and by the import of new people);
    every change of them is a row of ConsentChange. `unreachable_at` is when the provider last said that the number has
    no WhatsApp; whoever writes, or gets a message delivered, is reachable again. Who was erased (`erased_at`) is deleted,
    has no phone, and stays as a number in the statistics.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_index=False)
    external_id = models.CharField(max_length=200, null=True)
    phone = models.CharField(max_length=20)
    name = models.CharField(max_length=200, blank=True, db_default="")
    language = models.CharField(max_length=20, blank=True, db_default="")
    timezone = models.CharField(max_length=64, blank=True, db_default="")
    country = models.CharField(max_length=2, blank=True, db_default="")
    attributes = models.JSONField(default=dict)
    consents_transactional = models.BooleanField(db_default=True, default=True)
    consents_reminder = models.BooleanField(db_default=True, default=True)
    consents_promotional = models.BooleanField(db_default=False, default=False)
    unreachable_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    deleted_at = models.DateTimeField(null=True)
    erased_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "customers"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["tenant", "phone"], condition=Q(deleted_at=None), name="customers_phone_unique"
            ),
            models.UniqueConstraint(
                fields=["tenant", "external_id"],
                condition=Q(deleted_at=None, external_id__isnull=False),
                name="customers_external_id_unique",
            ),
            models.CheckConstraint(
                condition=Q(phone__regex=r"^\+[1-9][0-9]{6,14}$", erased_at=None)
                | Q(phone="", erased_at__isnull=False, deleted_at__isnull=False),
                name="customers_phone_e164",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["tenant", "id"], name="customers_by_tenant"),
            models.Index(fields=["tenant", "created_at", "id"], name="customers_by_age"),
            models.Index(fields=["tenant", "erased_at"], condition=Q(erased_at__isnull=False), name="customers_erased"),
        ]


class CustomerTag(models.Model):
    """One tag of one customer: a relation, so that a B-tree finds a tag's people under row-level security.

    Written only in the transaction that makes or holds the customer, whose own row vouches for the tenant. The database
    checked both again for each tag, one by one, which was a quarter of an import's time. Customers are never removed
    but with their tenant; a tag of nobody would match nobody.
    """

    pk = models.CompositePrimaryKey("tenant_id", "tag", "customer_id")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    tag = models.CharField(max_length=100)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, db_constraint=False)

    class Meta:
        db_table = "customer_tags"


class ConsentChange(models.Model):
    """One change of one consent: the history, never rewritten.

    Written in the transaction that makes or holds the customer, whose own row vouches for the tenant; as with tags, the
    database doesn't check either again.
    """

    id = models.BigAutoField(primary_key=True)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    consent_type = models.CharField(max_length=30)
    old_value = models.BooleanField(null=True)
    new_value = models.BooleanField()
    source = models.CharField(max_length=30)
    actor = models.CharField(max_length=200)
    reason = models.CharField(max_length=500, blank=True, db_default="")
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "consent_changes"
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                condition=Q(source__in=["customer_initiated", "tenant_updated", "system_default"]),
                name="consent_changes_source",
            ),
            models.CheckConstraint(
                condition=Q(consent_type__in=["transactional_messages", "reminder_messages", "promotional_messages"]),
                name="consent_changes_type",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["tenant", "customer", "-changed_at"], name="consent_changes_by_customer"),
        ]


class Order(models.Model):
    """A purchase. Only paid, fulfilled and completed ones count anywhere."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, db_index=False)
    external_id = models.CharField(max_length=200, null=True)
    placed_at = models.DateTimeField()
    total_micros = models.BigIntegerField(db_default=0)
    currency = models.CharField(max_length=3, db_default="")
    status = models.CharField(max_length=20)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "orders"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["tenant", "external_id"],
                condition=Q(external_id__isnull=False),
                name="orders_external_id_unique",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "pending", "paid", "fulfilled", "completed", "canceled", "refunded"]),
                name="orders_status",
            ),
            models.CheckConstraint(condition=Q(total_micros__gte=0), name="orders_total_not_negative"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["tenant", "customer", "placed_at"], name="orders_by_customer"),
            models.Index(
                fields=["tenant", "placed_at", "customer"],
                condition=Q(status__in=COUNTING_ORDER_STATUSES),
                name="orders_counting_by_time",
            ),
            # Counts and sums of orders by customer are read from this index alone, in the order they are grouped by.
            models.Index(
                fields=["tenant", "customer", "placed_at"],
                include=["total_micros"],
                condition=Q(status__in=COUNTING_ORDER_STATUSES),
                name="orders_counting_by_customer",
            ),
        ]


COUNTING_BOOKING_STATUSES = ("pending", "confirmed", "completed")
"""Bookings that count as one."""


class Booking(models.Model):
    """An appointment: `booked_at` is when it was made, `starts_at` when it takes place."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, db_index=False)
    external_id = models.CharField(max_length=200, null=True)
    booked_at = models.DateTimeField()
    starts_at = models.DateTimeField()
    status = models.CharField(max_length=20)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "bookings"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["tenant", "external_id"],
                condition=Q(external_id__isnull=False),
                name="bookings_external_id_unique",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["pending", "confirmed", "completed", "canceled", "no_show"]),
                name="bookings_status",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["tenant", "customer", "booked_at"], name="bookings_by_customer"),
        ]


class Conversation(models.Model):
    """What a customer and the business say to each other; one for each customer."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, db_index=False)
    status = models.CharField(max_length=20, db_default="open")
    last_activity_at = models.DateTimeField()
    last_inbound_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "conversations"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant", "customer"], name="conversations_one_per_customer"),
            models.CheckConstraint(
                condition=Q(status__in=["open", "bot", "handoff", "closed", "dormant"]), name="conversations_status"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["tenant", "last_activity_at"], name="conversations_by_activity"),
        ]


class Message(models.Model):
    """One message of a conversation. What campaigns send is in the ledger, not here."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_index=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, db_index=False)
    direction = models.CharField(max_length=10)
    message_type = models.CharField(max_length=40)
    text = models.TextField(blank=True, db_default="")
    sent_at = models.DateTimeField()
    provider_message_id = models.CharField(max_length=200, null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "messages"
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(condition=Q(direction__in=["inbound", "outbound"]), name="messages_direction"),
            models.UniqueConstraint(
                fields=["tenant", "provider_message_id"],
                condition=Q(provider_message_id__isnull=False),
                name="messages_provider_id_unique",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["tenant", "conversation", "sent_at"], name="messages_by_conversation"),
        ]


class Confirmation(models.Model):
    """What is to be answered, by itself and once, to somebody who said STOP or START, through the sender that got it.

    Written in the transaction that changes the consent. `due_at` is set while it is to be sent, `sending_at` while it is
    being sent, by the worker `claimed_by`; a confirmation whose outcome isn't known is never sent again. `answers` is the
    message it answers, as the provider names it. What was sent is a Message, too.
    """

    id = models.BigAutoField(primary_key=True)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, db_index=False)
    sender_id = models.UUIDField()
    kind = models.CharField(max_length=20)
    text = models.TextField()
    answers = models.CharField(max_length=200)
    asked_at = models.DateTimeField()
    state = models.CharField(max_length=10, db_default="waiting")
    attempts = models.SmallIntegerField(db_default=0)
    due_at = models.DateTimeField(null=True)
    sending_at = models.DateTimeField(null=True)
    claimed_by = models.UUIDField(null=True)
    failure_code = models.CharField(max_length=40, blank=True, db_default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "consent_confirmations"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant", "answers"], name="consent_confirmations_once"),
            models.CheckConstraint(condition=Q(kind__in=["stopped", "started"]), name="consent_confirmations_kind"),
            models.CheckConstraint(
                condition=Q(state="waiting", due_at__isnull=False, sending_at__isnull=True)
                | Q(state="sending", due_at__isnull=True, sending_at__isnull=False)
                | Q(state__in=["sent", "failed", "unknown", "expired"], due_at__isnull=True, sending_at__isnull=True),
                name="consent_confirmations_state",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["sender_id", "due_at"], condition=Q(due_at__isnull=False), name="confirmations_to_be_sent"
            ),
            models.Index(fields=["sender_id"], condition=Q(sending_at__isnull=False), name="confirmations_in_flight"),
            models.Index(fields=["tenant", "customer", "asked_at"], name="confirmations_by_customer"),
        ]


class Suppression(models.Model):
    """An erased person who had withdrawn promotional consent: no import and no form opts the number in again.

    One way: the number itself isn't kept, only its HMAC with the installation's secret. The person's own START lifts it.
    """

    id = models.BigAutoField(primary_key=True)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_index=False)
    phone_hmac = models.CharField(max_length=64)
    suppressed_at = models.DateTimeField()

    class Meta:
        db_table = "consent_suppressions"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant", "phone_hmac"], name="consent_suppressions_once"),
        ]


class ConsentRefusal(models.Model):
    """A send that was asked for and refused because the customer doesn't agree. Those of a campaign's run are in the
    ledger, as skipped."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, db_index=False)
    campaign_id = models.UUIDField()
    act = models.CharField(max_length=30)
    reason = models.CharField(max_length=40)
    actor = models.CharField(max_length=200)
    refused_at = models.DateTimeField()

    class Meta:
        db_table = "consent_refusals"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["tenant", "refused_at"], name="consent_refusals_by_time"),
        ]
