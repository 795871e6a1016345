"""What goes in and comes out of /v1/campaigns."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from tulia.api.fields import (
    INSTANT,
    Assignment,
    Choice,
    Criteria,
    Flag,
    Id,
    Instant,
    Number,
    QuietHoursRule,
    Shape,
    Text,
    Whole,
)
from tulia.campaign_service import ExecutionResult
from tulia.campaigns import draft, experiment, experiment_fields
from tulia.tenants import quiet_hours

if TYPE_CHECKING:
    from tulia.campaigns.models import MessageCampaign


class VariantSerializer(Shape):
    """One arm of an A/B test."""

    name = Text(max_length=100)
    content = Text(required=False, max_length=4_096)
    template_id = Id(required=False, allow_null=True)
    template_variables = serializers.DictField(child=Text(), required=False, allow_null=True)
    weight = Whole(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=experiment.WEIGHT_LIMIT,
        help_text="How many people it gets, relative to the other variants; all alike when none is given.",
    )


class AutoWinnerSerializer(Shape):
    """A test on a part of the people, whose winner goes to the rest."""

    test_percent = Whole(
        required=False,
        min_value=1,
        max_value=experiment_fields.MOST_TESTED_PERCENT,
        help_text=f"Of those who aren't held out. Default {experiment.DEFAULT_TEST_PERCENT}.",
    )
    decide_after_minutes = Whole(
        required=False,
        min_value=experiment_fields.SHORTEST_DECIDE_MINUTES,
        max_value=experiment_fields.LONGEST_DECIDE_MINUTES,
        help_text="After the start; the outcome window must be shorter. Default 1440.",
    )
    if_undecided = Choice(
        experiment.UNDECIDED,
        required=False,
        help_text="When no winner can be picked: the control (default; without one the first variant) goes to the rest, "
        "it is tried again later, or nobody else gets anything.",
    )


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
    assignment = Assignment(
        required=False,
        help_text='"random", or {"attribute": …} for people who were assigned before: the names of the variants are its '
        "values, `holdout` is the value of those who got nothing.",
    )
    holdout_percent = Number(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=experiment_fields.MOST_HELD_OUT,
        help_text="Who get nothing on purpose, of those who may be sent to; two decimals at most. Null or 0: nobody.",
    )
    control_variant = Whole(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=draft.MAX_VARIANTS - 1,
        help_text="The variant, from 0, that the others are compared with; null: each with each.",
    )
    expected_rate_percent = Number(
        required=False,
        allow_null=True,
        min_value=experiment_fields.LEAST_RATE_PERCENT,
        max_value=experiment_fields.MOST_RATE_PERCENT,
        help_text="What is expected of the primary metric, to plan with; null: what is usual.",
    )
    outcome_window_minutes = Whole(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=experiment_fields.LONGEST_WINDOW_MINUTES,
        help_text="For how long after a person's turn an outcome counts; null: as long as is usual for the metric.",
    )
    auto_winner = AutoWinnerSerializer(required=False, allow_null=True)
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


A_TEST = {
    "name": "June",
    "message_content": "Fresh mangoes this week.",
    "target_criteria": {"tags": ["vip"]},
    "is_ab_test": True,
    "variants": [
        {"name": "Mangoes", "content": "Fresh mangoes this week.", "weight": 1},
        {"name": "Passion fruit", "content": "Passion fruit, just in.", "weight": 3},
    ],
    "primary_metric": "converted",
    "expected_rate_percent": 2.5,
    "holdout_percent": 5,
    "auto_winner": {"test_percent": 20, "decide_after_minutes": 1_440, "if_undecided": "control"},
}
"""A good example of what can be asked for."""


class VariantView(serializers.Serializer[Any]):
    """One arm of an A/B test, as it was given."""

    name = serializers.CharField()
    content = serializers.CharField(allow_blank=True)
    template_id = serializers.UUIDField(required=False)
    template_variables = serializers.DictField(child=serializers.CharField(), required=False)
    weight = serializers.IntegerField(required=False)


class AutoWinnerView(serializers.Serializer[Any]):
    """A test on a part of the people, whose winner goes to the rest."""

    test_percent = serializers.IntegerField()
    decide_after_minutes = serializers.IntegerField()
    if_undecided = serializers.ChoiceField(experiment.UNDECIDED)


class WinnerView(serializers.Serializer[Any]):
    """What was decided: `variant` is null and `reason` says why when none was selected. Selected is not proven."""

    decided_at = serializers.DateTimeField()
    variant = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)


class ExperimentPlanView(serializers.Serializer[Any]):
    """What the test was planned to see, fixed at its start; rates and differences from 0 to 1."""

    people_by_variant = serializers.ListField(child=serializers.IntegerField(), allow_null=True)
    held_out = serializers.IntegerField(allow_null=True)
    rest = serializers.IntegerField()
    expected_rate = serializers.FloatField()
    smallest_detectable_difference = serializers.FloatField(allow_null=True)
    information = serializers.FloatField(allow_null=True)
    holdout_expected_rate = serializers.FloatField(allow_null=True)
    holdout_smallest_detectable_difference = serializers.FloatField(allow_null=True)
    holdout_information = serializers.FloatField(allow_null=True)
    alpha = serializers.FloatField()
    power = serializers.FloatField()
    comparisons = serializers.IntegerField()


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
    assignment = Assignment()
    holdout_percent = serializers.FloatField()
    control_variant = serializers.IntegerField(allow_null=True)
    expected_rate_percent = serializers.FloatField(allow_null=True)
    outcome_window_minutes = serializers.IntegerField(help_text="The one in force.")
    auto_winner = AutoWinnerView(allow_null=True)
    winner = WinnerView(allow_null=True, help_text="Null until the winner is picked.")
    experiment_plan = ExperimentPlanView(allow_null=True, help_text="Null until the start, and for what is no test.")
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


_MADE_UP = {
    "quiet_hours", "frequency_cap_exempt_reason", "assignment", "holdout_percent", "expected_rate_percent",
    "outcome_window_minutes", "winner",
}  # fmt: skip
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
        "assignment": campaign.assignment or experiment_fields.RANDOM,
        "holdout_percent": experiment_fields.holdout_percent(campaign),
        "expected_rate_percent": experiment_fields.percent(campaign.expected_rate),
        "outcome_window_minutes": experiment.window_of(campaign) // timedelta(minutes=1),
        "winner": _winner(campaign),
        "delivery_rate": campaign.calculate_delivery_rate(),
        "read_rate": campaign.calculate_read_rate(),
        "engagement_rate": campaign.calculate_engagement_rate(),
        "conversion_rate": campaign.calculate_conversion_rate(),
    }


def _winner(campaign: MessageCampaign) -> dict[str, Any] | None:
    if campaign.winner_decided_at is None:
        return None
    return {
        "decided_at": campaign.winner_decided_at,
        "variant": campaign.winner_variant,
        "reason": campaign.winner_reason,
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
