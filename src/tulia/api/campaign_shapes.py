"""What goes in and comes out of /v1/campaigns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from tulia.api.fields import INSTANT, Choice, Criteria, Flag, Id, Instant, QuietHoursRule, Shape, Text, Whole
from tulia.campaign_service import ExecutionResult
from tulia.campaigns import draft
from tulia.tenants import quiet_hours

if TYPE_CHECKING:
    from tulia.campaigns.models import MessageCampaign


class VariantSerializer(Shape):
    """One arm of an A/B test."""

    name = Text(max_length=100)
    content = Text(required=False, max_length=4_096)
    template_id = Id(required=False, allow_null=True)
    template_variables = serializers.DictField(child=Text(), required=False, allow_null=True)


class MessageCampaignCreateSerializer(Shape):
    """What a campaign is made from; `campaigns.draft` reads it and names every mistake."""

    name = Text(max_length=draft.NAME_LIMIT)
    description = Text(required=False, allow_null=True, allow_blank=True, max_length=draft.DESCRIPTION_LIMIT)
    message_content = Text(required=False, max_length=4_096)
    template_id = Id(required=False, allow_null=True)
    template_variables = serializers.DictField(child=Text(), required=False)
    target_criteria = Criteria(required=False)
    as_of = Instant(required=False, allow_null=True)
    scheduled_at = Instant(required=False, allow_null=True, help_text="In the future.")
    is_ab_test = Flag(required=False)
    variants = VariantSerializer(many=True, required=False, max_length=draft.MAX_VARIANTS, help_text="With is_ab_test.")  # type: ignore[call-arg]
    assignment = Choice(["random"], required=False)
    seed = Whole(required=False, min_value=-(2**63), max_value=2**63 - 1)
    primary_metric = Choice(draft.METRICS, required=False)
    sender_id = Id(required=False, allow_null=True)
    quiet_hours = QuietHoursRule(
        required=False,
        help_text='{"start": "22:00", "end": "08:00"}; null: none; "tenant": as in the settings.',
    )
    local_time = Flag(required=False, help_text="At scheduled_at by each recipient's own clock.")
    budget_micros = Whole(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=2**63 - 1,
        help_text="Millionths of a US dollar; sending stops there.",
    )
    frequency_cap_exempt_reason = Text(required=False, allow_null=True, max_length=500)


class VariantView(serializers.Serializer[Any]):
    """One arm of an A/B test, as it was given."""

    name = serializers.CharField()
    content = serializers.CharField(allow_blank=True)
    template_id = serializers.UUIDField(required=False)
    template_variables = serializers.DictField(child=serializers.CharField(), required=False)


class MessageCampaignSerializer(serializers.Serializer[Any]):
    """A campaign with its counters and its four rates, in percent."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField(allow_null=True)
    message_content = serializers.CharField(allow_blank=True)
    template_id = serializers.UUIDField(allow_null=True)
    template_variables = serializers.DictField(child=serializers.CharField())
    target_criteria = Criteria()
    as_of = serializers.DateTimeField(allow_null=True)
    is_ab_test = serializers.BooleanField()
    variants = VariantView(many=True)
    seed = serializers.IntegerField()
    primary_metric = serializers.CharField()
    sender_id = serializers.UUIDField(allow_null=True)
    quiet_hours = QuietHoursRule()
    local_time = serializers.BooleanField()
    budget_micros = serializers.IntegerField(allow_null=True)
    cost_micros = serializers.IntegerField()
    frequency_cap_exempt_reason = serializers.CharField(allow_null=True)
    status = serializers.CharField()
    status_reason = serializers.CharField(allow_blank=True)
    scheduled_at = serializers.DateTimeField(allow_null=True)
    started_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    delivery_count = serializers.IntegerField()
    delivered_count = serializers.IntegerField()
    failed_count = serializers.IntegerField()
    read_count = serializers.IntegerField()
    response_count = serializers.IntegerField()
    conversion_count = serializers.IntegerField()
    delivery_rate = serializers.FloatField()
    read_rate = serializers.FloatField()
    engagement_rate = serializers.FloatField()
    conversion_rate = serializers.FloatField()
    recurrence_id = serializers.UUIDField(allow_null=True, help_text="The recurring campaign that made it.")
    occurrence_at = serializers.DateTimeField(allow_null=True, help_text="The time of its occurrence there.")
    metadata = serializers.DictField()
    created_by_id = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


_MADE_UP = {"quiet_hours", "frequency_cap_exempt_reason"}
_COLUMNS: list[str] = [
    str(name)
    for name in MessageCampaignSerializer().fields
    if not str(name).endswith("_rate") and str(name) not in _MADE_UP
]


def to_json(campaign: MessageCampaign) -> dict[str, Any]:
    """The campaign as MessageCampaignSerializer says, without the cost of one."""
    return {name: getattr(campaign, name) for name in _COLUMNS} | {
        "quiet_hours": _quiet_hours(campaign),
        "frequency_cap_exempt_reason": campaign.frequency_cap_exempt_reason or None,
        "delivery_rate": campaign.calculate_delivery_rate(),
        "read_rate": campaign.calculate_read_rate(),
        "engagement_rate": campaign.calculate_engagement_rate(),
        "conversion_rate": campaign.calculate_conversion_rate(),
    }


def _quiet_hours(campaign: MessageCampaign) -> dict[str, str] | str | None:
    """As it is posted: "tenant" for a campaign that says nothing of its own."""
    if campaign.quiet_hours_rule == "tenant":
        return "tenant"
    own = quiet_hours.of_columns(campaign.quiet_hours_start, campaign.quiet_hours_end)
    return own.to_json() if own else None


class CampaignExecuteSerializer(Shape):
    """The confirmation that starts a campaign."""

    confirm = Flag(required=False, default=False)
    confirm_everyone = Flag(required=False, default=False)


class ExecutionCounts(serializers.Serializer[Any]):
    """People; `skipped` by reason."""

    targeted = serializers.IntegerField()
    sent = serializers.IntegerField()
    failed = serializers.IntegerField()
    skipped_no_consent = serializers.IntegerField()
    skipped = serializers.DictField(child=serializers.IntegerField())
    errors = serializers.ListField(child=serializers.CharField())  # type: ignore[assignment]


class ExecutionSerializer(serializers.Serializer[Any]):
    """How far a run is."""

    campaign_id = serializers.UUIDField()
    status = serializers.CharField()
    results = ExecutionCounts()


class ScheduleSerializer(Shape):
    """When to start."""

    scheduled_at = Text(described=INSTANT, help_text="In the future.")
    confirm_everyone = Flag(required=False, default=False)


class CloneSerializer(Shape):
    """What to call the copy."""

    name = Text(required=False, max_length=255)


class TestSendSerializer(Shape):
    """Whom to try the message on, and which variant."""

    customer_id = Id()
    variant = Whole(required=False, default=0, min_value=0, max_value=draft.MAX_VARIANTS - 1)


class TriedView(serializers.Serializer[Any]):
    """What the provider said to one message."""

    accepted = serializers.BooleanField()
    message_id = serializers.CharField(allow_null=True, allow_blank=True)
    text = serializers.CharField(allow_blank=True)
    problem = serializers.CharField(allow_blank=True, allow_null=True)


class NoBody(Shape):
    """A body without fields."""


class CampaignQuery(Shape):
    """Which campaigns."""

    status = Choice(["draft", "scheduled", "sending", "paused", "completed", "canceled"], required=False)


def execution_to_json(result: ExecutionResult) -> dict[str, Any]:
    return {
        "campaign_id": result.campaign_id,
        "status": result.status,
        "results": {
            "targeted": result.targeted,
            "sent": result.sent,
            "failed": result.failed,
            "skipped_no_consent": result.skipped_no_consent,
            "skipped": dict(result.skipped),
            "errors": list(result.errors),
        },
    }
