"""What a campaign is asked to do. What happened to each person is in the ledger."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from tulia.channels.models import MessageTemplate, Sender
from tulia.tenants.models import Tenant, User

STATUSES = ("draft", "scheduled", "sending", "paused", "completed", "canceled")
RECURRENCE_STATUSES = ("active", "paused", "ended")
METRICS = ("responded", "read", "converted", "clicked")


def _percent(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole > 0 else 0.0


class MessageCampaign(models.Model):
    """One campaign: its message, its audience in words, its schedule, its state, and six counters.

    Each counter counts people, once, and is a cache of the ledger that only the ledger writes:
    `delivery_count` accepted by the provider at any time, `delivered_count` delivered by the strongest evidence,
    `failed_count` failed for good, `read_count` read receipts, `response_count` and `conversion_count` credited people.
    So is `cost_micros`, in US dollars: what was delivered, and what is reserved for messages on their way; it never
    exceeds `budget_micros`. `launch_at` is when a scheduled campaign starts: `scheduled_at`, or as much earlier as the
    easternmost recipients need when it is sent in each one's local time. `reserved_sends` is how many of the month's
    sends its launch took, where the tier has a limit; once the audience is written, its rows are what counts.

    Of an experiment: `assignment` is empty for a random one, else ``{"attribute": name, "holdout": value}`` of customers
    who were assigned before; `holdout_percent` of those who may be sent to get nothing; `control_variant` is what the
    others are compared with, if there is such a one; `expected_rate` (0…1) is what is expected of the primary metric;
    an outcome counts within `outcome_window_minutes` of a person's turn (null: `experiment.DEFAULT_WINDOWS`).
    `experiment_plan` is written at the launch and never changed: what the test was planned to see. `auto_winner` is
    ``{"test_percent", "decide_after_minutes", "if_undecided"}``, and the `winner_…` what was decided by it, once;
    `winner_reason` is "" for a variant that was selected, else why none was.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_index=False)
    name = models.CharField(max_length=255)
    description = models.TextField(null=True, blank=True)
    message_content = models.TextField()
    template = models.ForeignKey(MessageTemplate, on_delete=models.PROTECT, null=True, db_index=False)
    template_variables = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    target_criteria = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    as_of = models.DateTimeField(null=True)
    is_ab_test = models.BooleanField(default=False, db_default=False)
    variants = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))
    seed = models.BigIntegerField(db_default=0)
    primary_metric = models.CharField(max_length=20, db_default="responded", default="responded")
    sender = models.ForeignKey(Sender, on_delete=models.PROTECT, null=True, db_index=False)
    quiet_hours_rule = models.CharField(max_length=10, default="tenant", db_default="tenant")
    quiet_hours_start = models.TimeField(null=True)
    quiet_hours_end = models.TimeField(null=True)
    frequency_cap_exempt_reason = models.CharField(max_length=500, blank=True, default="", db_default="")
    budget_micros = models.BigIntegerField(null=True)
    cost_micros = models.BigIntegerField(default=0, db_default=0)
    local_time = models.BooleanField(default=False, db_default=False)
    recurrence = models.ForeignKey("CampaignRecurrence", on_delete=models.SET_NULL, null=True, db_index=False)
    occurrence_at = models.DateTimeField(null=True)

    assignment = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    holdout_percent = models.DecimalField(max_digits=4, decimal_places=2, default=0, db_default=0)
    control_variant = models.SmallIntegerField(null=True)
    expected_rate = models.FloatField(null=True)
    outcome_window_minutes = models.IntegerField(null=True)
    experiment_plan = models.JSONField(null=True)
    auto_winner = models.JSONField(null=True)
    winner_decided_at = models.DateTimeField(null=True)
    winner_variant = models.SmallIntegerField(null=True)
    winner_reason = models.CharField(max_length=40, blank=True, default="", db_default="")

    delivery_count = models.IntegerField(default=0, db_default=0)
    delivered_count = models.IntegerField(default=0, db_default=0)
    failed_count = models.IntegerField(default=0, db_default=0)
    read_count = models.IntegerField(default=0, db_default=0)
    response_count = models.IntegerField(default=0, db_default=0)
    conversion_count = models.IntegerField(default=0, db_default=0)

    status = models.CharField(max_length=20, default="draft", db_default="draft")
    status_reason = models.CharField(max_length=500, blank=True, default="", db_default="")
    scheduled_at = models.DateTimeField(null=True)
    launch_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    audience_frozen_at = models.DateTimeField(null=True)
    reserved_sends = models.PositiveIntegerField(null=True)
    completed_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, db_index=False)
    metadata = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "message_campaigns"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["tenant", "status"], name="idx_campaigns_tenant_status"),
            models.Index(fields=["tenant", "created_at"], name="idx_campaigns_tenant_created"),
            models.Index(fields=["status", "scheduled_at"], name="idx_campaigns_status_scheduled"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(condition=Q(status__in=STATUSES), name="message_campaigns_status"),
            models.CheckConstraint(condition=Q(primary_metric__in=METRICS), name="message_campaigns_primary_metric"),
            models.CheckConstraint(
                condition=Q(delivery_count__gte=0)
                & Q(delivered_count__gte=0)
                & Q(failed_count__gte=0)
                & Q(read_count__gte=0)
                & Q(response_count__gte=0)
                & Q(conversion_count__gte=0),
                name="message_campaigns_counters_not_negative",
            ),
            models.CheckConstraint(
                condition=~Q(status="scheduled") | Q(scheduled_at__isnull=False, launch_at__isnull=False),
                name="message_campaigns_scheduled_has_time",
            ),
            models.CheckConstraint(
                condition=Q(quiet_hours_rule="own", quiet_hours_start__isnull=False, quiet_hours_end__isnull=False)
                | Q(
                    quiet_hours_rule__in=["tenant", "none"],
                    quiet_hours_start__isnull=True,
                    quiet_hours_end__isnull=True,
                ),
                name="message_campaigns_quiet_hours_whole",
            ),
            models.CheckConstraint(
                condition=Q(budget_micros__isnull=True) | Q(budget_micros__gte=1),
                name="message_campaigns_budget_positive",
            ),
            models.CheckConstraint(condition=Q(cost_micros__gte=0), name="message_campaigns_cost_not_negative"),
            models.CheckConstraint(
                condition=Q(holdout_percent__gte=0) & Q(holdout_percent__lte=50),
                name="message_campaigns_holdout_percent",
            ),
            models.CheckConstraint(
                condition=Q(outcome_window_minutes__isnull=True) | Q(outcome_window_minutes__gte=1),
                name="message_campaigns_outcome_window",
            ),
            models.CheckConstraint(
                condition=Q(winner_decided_at__isnull=True) | Q(auto_winner__isnull=False),
                name="message_campaigns_winner_was_asked_for",
            ),
            models.UniqueConstraint(
                fields=["recurrence", "occurrence_at"], name="message_campaigns_one_for_each_occurrence"
            ),
        ]

    def calculate_delivery_rate(self) -> float:
        """Delivered of sent, in percent; 0.0 when nothing was sent."""
        return _percent(self.delivered_count, self.delivery_count)

    def calculate_read_rate(self) -> float:
        """People with a read receipt, of those delivered to, in percent."""
        return _percent(self.read_count, self.delivered_count)

    def calculate_engagement_rate(self) -> float:
        """People who responded, of those delivered to, in percent."""
        return _percent(self.response_count, self.delivered_count)

    def calculate_conversion_rate(self) -> float:
        """People who converted, of those delivered to, in percent."""
        return _percent(self.conversion_count, self.delivered_count)

    def mark_sending(self, *, at: datetime) -> bool:
        """From draft or scheduled to sending; False when another was quicker or the state doesn't allow it."""
        return self._move(("draft", "scheduled"), "sending", started_at=at, status_reason="")

    def mark_completed(self, *, at: datetime) -> bool:
        """From sending to completed."""
        return self._move(("sending",), "completed", completed_at=at, status_reason="")

    def mark_paused(self, *, at: datetime, reason: str) -> bool:
        """From sending to paused."""
        return self._move(("sending",), "paused", status_reason=reason, updated_at=at)

    def mark_resumed(self, *, at: datetime) -> bool:
        """From paused back to sending."""
        return self._move(("paused",), "sending", status_reason="", updated_at=at)

    def cancel(self, *, at: datetime) -> bool:
        """From any state that isn't an end to canceled."""
        return self._move(("draft", "scheduled", "sending", "paused"), "canceled", completed_at=at)

    def _move(self, origins: tuple[str, ...], to: str, **values: object) -> bool:
        """A compare-and-set in the database, so that of two at once exactly one succeeds."""
        moved = MessageCampaign.objects.filter(pk=self.pk, status__in=origins).update(
            status=to, **{"updated_at": Now(), **values}
        )
        if moved:
            self.refresh_from_db()
        return bool(moved)

    def increment_delivery(self, by: int = 1) -> None:
        self._increment("delivery_count", by)

    def increment_delivered(self, by: int = 1) -> None:
        self._increment("delivered_count", by)

    def increment_failed(self, by: int = 1) -> None:
        """`by` is negative when a failure turns out to have been delivered."""
        self._increment("failed_count", by)

    def increment_read(self, by: int = 1) -> None:
        self._increment("read_count", by)

    def increment_response(self, by: int = 1) -> None:
        self._increment("response_count", by)

    def increment_conversion(self, by: int = 1) -> None:
        self._increment("conversion_count", by)

    def _increment(self, counter: str, by: int) -> None:
        """Adds in the database, not in memory; called by the ledger alone."""
        MessageCampaign.objects.filter(pk=self.pk).update(**{counter: F(counter) + by})


class CampaignApproval(models.Model):
    """One step of an approval: asked for, given or refused, by whom, about which content (`campaigns.approval.digest`).

    The latest one counts, if it speaks of the campaign as it is. Rows are never changed, and outlive a deleted draft.
    """

    id = models.BigAutoField(primary_key=True)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_index=False)
    campaign = models.ForeignKey(MessageCampaign, on_delete=models.DO_NOTHING, db_constraint=False)
    state = models.CharField(max_length=10)
    by = models.CharField(max_length=300)
    person = models.CharField(max_length=60)
    at = models.DateTimeField()
    note = models.CharField(max_length=1_000, blank=True)
    digest = models.CharField(max_length=64)
    scheduled_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "campaign_approvals"
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                condition=Q(state__in=["requested", "approved", "rejected"]), name="campaign_approvals_state"
            ),
        ]


class CampaignTemplate(models.Model):
    """A saved configuration: fields that a campaign can be made from, as they are posted. Not a provider's template."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_index=False)
    name = models.CharField(max_length=255)
    description = models.TextField(null=True, blank=True)
    campaign = models.JSONField()
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, db_index=False)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "campaign_templates"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["tenant", "created_at", "id"], name="campaign_templates_listing"),
        ]


class CampaignRecurrence(models.Model):
    """A configuration with a rule of when to send it.

    `starts_at` is wall time in `timezone`, as text like 2026-11-23T09:00:00; the rule is RFC 5545's. `next_at` is the
    next occurrence while it is active, `last_at` the last one that a campaign was made for. Occurrences without a
    campaign are counted in `missed_count`. What a second person approved, if anybody did, is named by
    `approved_digest` (`campaigns.recurrence_approval`).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_index=False)
    name = models.CharField(max_length=255)
    campaign = models.JSONField()
    everyone_confirmed = models.BooleanField(default=False)
    rrule = models.CharField(max_length=500)
    starts_at = models.CharField(max_length=19)
    timezone = models.CharField(max_length=64)
    catch_up_seconds = models.PositiveIntegerField()
    status = models.CharField(max_length=20, default="active", db_default="active")
    next_at = models.DateTimeField(null=True)
    last_at = models.DateTimeField(null=True)
    missed_count = models.PositiveIntegerField(default=0, db_default=0)
    last_missed_at = models.DateTimeField(null=True)
    last_problem = models.CharField(max_length=500, blank=True, default="", db_default="")
    approved_digest = models.CharField(max_length=64, blank=True, default="", db_default="")
    approved_by = models.CharField(max_length=300, blank=True, default="", db_default="")
    approved_person = models.CharField(max_length=60, blank=True, default="", db_default="")
    approved_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, db_index=False)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "campaign_recurrences"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["tenant", "created_at", "id"], name="campaign_recurrences_listing"),
            models.Index(fields=["next_at", "id"], condition=Q(status="active"), name="campaign_recurrences_due"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(condition=Q(status__in=RECURRENCE_STATUSES), name="campaign_recurrences_status"),
            models.CheckConstraint(
                condition=Q(status="active", next_at__isnull=False) | (~Q(status="active") & Q(next_at__isnull=True)),
                name="campaign_recurrences_active_has_next",
            ),
        ]
