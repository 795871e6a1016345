"""The ledger: one row for each person of each campaign, and what each of them did."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from tulia.audience.models import Customer
from tulia.campaigns.models import MessageCampaign
from tulia.channels.models import Sender
from tulia.ledger.status import Role, State
from tulia.tenants.models import Tenant


class Recipient(models.Model):
    """One person of one campaign; see `ledger.status` for `state`.

    Written when the audience is frozen, in random order, so that `id` is also the order of sending and the arms are
    interleaved in it. `due_at` is set while somebody is to be sent to, `sending_at` while they are being sent to, and
    neither afterwards: the indexes that find work go by these two and none goes by `state`, so that the callbacks of a
    message change its row in place (a HOT update) and touch no index. Each kind of evidence keeps its earliest time.
    `claimed_at` is when the message that went out, or may have, was claimed: caps, tiers and limits count by it, and it
    is null again when the message certainly did not go out. `cost_micros` (US dollars) is reserved by the claim, and what
    the message really cost once it is delivered; a failed message costs nothing, whatever stands there. `role` is what they
    are to the experiment (`ledger.status.Role`), and `turn_at` when their turn came: when their message went out, or would have,
    had they not been held out or refused at that moment; their outcomes count from there. `attempts` counts
    those that count against the limit of tries, `claimed_by` is the worker while it is being sent. The foreign keys
    without a constraint in the database are filled from the very rows they name, in one statement; checking a million of
    them again costs as much as the insert.
    """

    id = models.BigAutoField(primary_key=True)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    campaign = models.ForeignKey(MessageCampaign, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    sender = models.ForeignKey(Sender, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    arm = models.SmallIntegerField(null=True)
    role = models.SmallIntegerField(db_default=Role.DEALT.value)
    turn_at = models.DateTimeField(null=True)
    state = models.SmallIntegerField(db_default=State.WAITING.value)
    reason = models.CharField(max_length=40, db_default="")
    attempts = models.SmallIntegerField(db_default=0)
    due_at = models.DateTimeField(null=True)
    sending_at = models.DateTimeField(null=True)
    claimed_by = models.UUIDField(null=True)
    claimed_at = models.DateTimeField(null=True)
    cost_micros = models.IntegerField(db_default=0)
    accepted_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    replied_at = models.DateTimeField(null=True)
    clicked_at = models.DateTimeField(null=True)
    converted_at = models.DateTimeField(null=True)
    message_id = models.CharField(max_length=200, null=True)
    failure_kind = models.CharField(max_length=20, null=True)
    failure_code = models.CharField(max_length=40, null=True)

    class Meta:
        db_table = "ledger_recipients"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["campaign", "customer"], name="ledger_one_row_per_person"),
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in State]), name="ledger_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=[State.WAITING.value, State.DEFERRED.value], due_at__isnull=False)
                | (~Q(state__in=[State.WAITING.value, State.DEFERRED.value]) & Q(due_at__isnull=True)),
                name="ledger_due_while_to_be_sent",
            ),
            models.CheckConstraint(
                condition=Q(state=State.SENDING.value, sending_at__isnull=False)
                | (~Q(state=State.SENDING.value) & Q(sending_at__isnull=True)),
                name="ledger_sending_while_in_flight",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[State.SKIPPED.value, State.DEFERRED.value]) | ~Q(reason=""),
                name="ledger_skipped_has_reason",
            ),
            models.CheckConstraint(
                condition=Q(state__lt=State.ACCEPTED.value)
                | Q(state=State.FAILED.value)
                | Q(accepted_at__isnull=False),
                name="ledger_sent_was_accepted",
            ),
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True) | Q(claimed_at__isnull=False), name="ledger_accepted_was_claimed"
            ),
            models.CheckConstraint(
                condition=~Q(state=State.FAILED.value) | Q(failed_at__isnull=False), name="ledger_failed_has_time"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["campaign", "due_at", "id"],
                condition=Q(due_at__isnull=False),
                name="ledger_to_be_sent",
            ),
            models.Index(
                fields=["sender", "campaign"],
                condition=Q(sending_at__isnull=False),
                name="ledger_in_flight",
            ),
            models.Index(fields=["message_id"], condition=Q(message_id__isnull=False), name="ledger_by_message_id"),
            models.Index(
                "tenant",
                "customer",
                F("claimed_at").desc(),
                condition=Q(claimed_at__isnull=False),
                name="ledger_by_customer",
            ),
            models.Index(fields=["tenant", "claimed_at"], condition=Q(claimed_at__isnull=False), name="ledger_by_time"),
            models.Index(fields=["campaign", "customer"], condition=Q(failed_at__isnull=False), name="ledger_failed"),
        ]


class RecipientEvent(models.Model):
    """Why somebody had to wait, or was passed over, and when: what the row itself no longer tells once it has moved on.

    `kind` is "deferred", "skipped" or "retried"; `until` is when they were due again.
    """

    id = models.BigAutoField(primary_key=True)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    recipient_id = models.BigIntegerField()
    happened_at = models.DateTimeField()
    kind = models.CharField(max_length=10)
    reason = models.CharField(max_length=40)
    until = models.DateTimeField(null=True)

    class Meta:
        db_table = "ledger_events"
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(condition=Q(kind__in=["deferred", "skipped", "retried"]), name="ledger_events_kind"),
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["recipient_id"], name="ledger_events_by_person")]


class Conversion(models.Model):
    """One order or booking credited to one recipient; each counts once in the whole system."""

    id = models.BigAutoField(primary_key=True)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_index=False)
    recipient_id = models.BigIntegerField()
    campaign = models.ForeignKey(MessageCampaign, on_delete=models.CASCADE)
    kind = models.CharField(max_length=10)
    source_id = models.UUIDField()
    converted_at = models.DateTimeField()
    revenue_micros = models.BigIntegerField(db_default=0)
    currency = models.CharField(max_length=3, db_default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "ledger_conversions"
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(condition=Q(kind__in=["order", "booking"]), name="ledger_conversions_kind"),
            models.UniqueConstraint(fields=["tenant", "kind", "source_id"], name="ledger_conversions_counted_once"),
        ]


class Tally(models.Model):
    """How many people of one campaign are in one place: of one role and arm (-1: of none), in one state, for one reason
    or failure.

    The sums of the ledger. Triggers keep them, in the transaction that changes the ledger (docs/decisions/0012); nothing
    else writes them. `people` are all there are, the others how many of them did what; `cost_micros` (US dollars) is what
    their messages cost or are reserved.
    """

    pk = models.CompositePrimaryKey("campaign", "role", "arm", "state", "reason", "failure_kind", "failure_code")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    campaign = models.ForeignKey(MessageCampaign, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    role = models.SmallIntegerField()
    arm = models.SmallIntegerField()
    state = models.SmallIntegerField()
    reason = models.CharField(max_length=40)
    failure_kind = models.CharField(max_length=20)
    failure_code = models.CharField(max_length=40)
    people = models.IntegerField()
    sent = models.IntegerField()
    read = models.IntegerField()
    replied = models.IntegerField()
    clicked = models.IntegerField()
    converted = models.IntegerField()
    cost_micros = models.BigIntegerField()

    class Meta:
        db_table = "ledger_tallies"


class Minute(models.Model):
    """How many people of one campaign were sent to, reached, and so on in one minute, each at the earliest evidence of it.

    Kept by the same triggers as `Tally`.
    """

    pk = models.CompositePrimaryKey("campaign", "minute")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    campaign = models.ForeignKey(MessageCampaign, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    minute = models.DateTimeField()
    sent = models.IntegerField()
    delivered = models.IntegerField()
    read = models.IntegerField()
    replied = models.IntegerField()
    converted = models.IntegerField()
    failed = models.IntegerField()

    class Meta:
        db_table = "ledger_minutes"


class Wait(models.Model):
    """How many people of one arm (-1: of none) of a campaign took about so many seconds to read, or to reply.

    `seconds` are rounded down to three digits, `total_seconds` are the exact ones of all of them added up. Kept by the same
    triggers as `Tally`.
    """

    pk = models.CompositePrimaryKey("campaign", "arm", "is_reply", "seconds")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    campaign = models.ForeignKey(MessageCampaign, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    arm = models.SmallIntegerField()
    is_reply = models.BooleanField()
    seconds = models.IntegerField()
    people = models.IntegerField()
    total_seconds = models.FloatField()

    class Meta:
        db_table = "ledger_waits"


class Outcome(models.Model):
    """People of one arm (-1: of none) and role of an experiment whose turn came in one minute, and how many of them did
    what the experiment is about within its outcome window. Kept by the same triggers as `Tally`.
    """

    pk = models.CompositePrimaryKey("campaign", "role", "arm", "minute")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    campaign = models.ForeignKey(MessageCampaign, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    role = models.SmallIntegerField()
    arm = models.SmallIntegerField()
    minute = models.DateTimeField()
    people = models.IntegerField()
    succeeded = models.IntegerField()

    class Meta:
        db_table = "ledger_outcomes"
