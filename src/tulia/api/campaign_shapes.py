"""What goes in and comes out of /v1/campaigns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from tulia.api.fields import Flag, Shape, Text, Whole
from tulia.campaign_service import ExecutionResult
from tulia.tenants import quiet_hours

if TYPE_CHECKING:
    from tulia.campaigns.models import MessageCampaign


class VariantSerializer(Shape):
    """One arm of an A/B test."""

    name = Text(max_length=100)
    content = Text(required=False, max_length=4_096)
    template_id = serializers.UUIDField(required=False, allow_null=True)
    template_variables = serializers.DictField(child=Text(), required=False, allow_null=True)


class MessageCampaignCreateSerializer(Shape):
    """What a campaign is made from; `campaigns.draft` reads it and names every mistake."""

    name = Text(max_length=255)
    description = Text(required=False, allow_null=True)
    message_content = Text(required=False, max_length=4_096)
    template_id = serializers.UUIDField(required=False, allow_null=True)
    template_variables = serializers.DictField(child=Text(), required=False)
    target_criteria = serializers.JSONField(required=False)
    as_of = serializers.DateTimeField(required=False, allow_null=True)
    scheduled_at = serializers.DateTimeField(required=False, allow_null=True)
    is_ab_test = Flag(required=False)
    variants = VariantSerializer(many=True, required=False)
    assignment = serializers.ChoiceField(["random"], required=False)
    seed = Whole(required=False)
    primary_metric = serializers.ChoiceField(["responded", "read", "converted"], required=False)
    sender_id = serializers.UUIDField(required=False, allow_null=True)
    quiet_hours = serializers.JSONField(
        required=False,
        allow_null=True,
        help_text='{"start": "22:00", "end": "08:00"}; null: none; "tenant": as in the settings.',
    )
    local_time = Flag(required=False, help_text="At scheduled_at by each recipient's own clock.")
    budget_micros = Whole(required=False, allow_null=True, help_text="Millionths of a US dollar; sending stops there.")
    frequency_cap_exempt_reason = Text(required=False, allow_null=True, max_length=500)


class MessageCampaignSerializer(serializers.Serializer[Any]):
    """A campaign with its counters and its four rates, in percent."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField(allow_null=True)
    message_content = serializers.CharField(allow_blank=True)
    template_id = serializers.UUIDField(allow_null=True)
    template_variables = serializers.DictField()
    target_criteria = serializers.JSONField()
    as_of = serializers.DateTimeField(allow_null=True)
    is_ab_test = serializers.BooleanField()
    variants = serializers.ListField(child=serializers.JSONField())
    seed = serializers.IntegerField()
    primary_metric = serializers.CharField()
    sender_id = serializers.UUIDField(allow_null=True)
    quiet_hours = serializers.JSONField(allow_null=True)
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
    metadata = serializers.JSONField()
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


class ExecutionSerializer(serializers.Serializer[Any]):
    """How far a run is."""

    campaign_id = serializers.UUIDField()
    status = serializers.CharField()
    results = serializers.JSONField()


class CampaignReportSerializer(serializers.Serializer[Any]):
    """The report; the inner shapes are described in docs/api.md."""

    campaign_id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField(allow_null=True)
    status = serializers.CharField()
    status_reason = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    duration_seconds = serializers.FloatField(allow_null=True)
    targeting = serializers.JSONField()
    delivery = serializers.JSONField()
    engagement = serializers.JSONField()
    balance = serializers.JSONField()
    ab_test = serializers.JSONField()
    failures = serializers.JSONField()
    money = serializers.JSONField()
    response_times = serializers.JSONField()


class ScheduleSerializer(Shape):
    """When to start."""

    scheduled_at = Text()
    confirm_everyone = Flag(required=False, default=False)


class CloneSerializer(Shape):
    """What to call the copy."""

    name = Text(required=False, max_length=255)


class TestSendSerializer(Shape):
    """Whom to try the message on, and which variant."""

    customer_id = serializers.UUIDField()
    variant = Whole(required=False, default=0)


class NoBody(Shape):
    """A body without fields."""


class CampaignQuery(Shape):
    """Which campaigns."""

    status = Text(required=False)


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
