"""What GET /v1/campaigns/{id}/report answers."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from tulia.api import fields
from tulia.api.analysis_shapes import AnalysisView
from tulia.api.analytics_shapes import CostView, FailureView, IncrementalView, ReturnView, RevenueView, SpreadView


def _counts(**options: Any) -> serializers.DictField:
    return serializers.DictField(child=serializers.IntegerField(), **options)


class TargetingView(serializers.Serializer[Any]):
    criteria = fields.Criteria()
    as_of = serializers.DateTimeField(allow_null=True)
    total_targeted = serializers.IntegerField()
    skipped_no_consent = serializers.IntegerField()


class DeliveryFigures(serializers.Serializer[Any]):
    delivery_count = serializers.IntegerField(help_text="Sent: accepted by the provider at any time.")
    delivered_count = serializers.IntegerField()
    failed_count = serializers.IntegerField()
    delivery_rate = serializers.FloatField()


class EngagementView(serializers.Serializer[Any]):
    read_count = serializers.IntegerField()
    read_rate = serializers.FloatField()
    response_count = serializers.IntegerField()
    engagement_rate = serializers.FloatField()
    click_count = serializers.IntegerField()
    conversion_count = serializers.IntegerField()
    conversion_rate = serializers.FloatField()
    revenue_micros = serializers.IntegerField(allow_null=True, help_text="null: of several currencies.")
    revenue = RevenueView(many=True)


class BalanceView(serializers.Serializer[Any]):
    """Everybody of the audience in exactly one of the lines."""

    audience = serializers.IntegerField()
    holdout = serializers.IntegerField()
    skipped = serializers.IntegerField()
    cancelled = serializers.IntegerField()
    waiting = serializers.IntegerField()
    deferred = serializers.IntegerField()
    sending = serializers.IntegerField()
    unknown = serializers.IntegerField()
    failed = serializers.IntegerField()
    sent = serializers.IntegerField()
    skipped_by_reason = _counts()
    failed_by_class = _counts()
    sent_by_evidence = _counts()
    is_balanced = serializers.BooleanField()


class ComparisonView(serializers.Serializer[Any]):
    """Two arms compared on the primary metric, per person assigned; `reason` says why nothing is said."""

    metric = serializers.CharField()
    z_score = serializers.FloatField(allow_null=True)
    p_value = serializers.FloatField(allow_null=True)
    is_significant = serializers.BooleanField()
    confidence_level = serializers.FloatField(allow_null=True)
    winner = serializers.ChoiceField(["variant_0", "variant_1"], allow_null=True)
    improvement_percentage = serializers.FloatField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)


def _interval() -> serializers.ListField:
    return serializers.ListField(
        child=serializers.FloatField(), min_length=2, max_length=2, allow_null=True, help_text="95 %, in percent."
    )


class IntervalsView(serializers.Serializer[Any]):
    delivery_rate = _interval()
    read_rate = _interval()
    engagement_rate = _interval()
    click_rate = _interval()
    conversion_rate = _interval()


class ReportedVariant(serializers.Serializer[Any]):
    variant_index = serializers.IntegerField()
    variant_name = serializers.CharField()
    content = serializers.CharField(allow_blank=True)
    customer_count = serializers.IntegerField(help_text="People assigned.")
    sent_count = serializers.IntegerField()
    delivered_count = serializers.IntegerField()
    delivery_rate = serializers.FloatField()
    read_count = serializers.IntegerField()
    read_rate = serializers.FloatField()
    response_count = serializers.IntegerField()
    engagement_rate = serializers.FloatField()
    conversion_count = serializers.IntegerField()
    conversion_rate = serializers.FloatField()
    click_count = serializers.IntegerField()
    click_rate = serializers.FloatField()
    failed_count = serializers.IntegerField()
    intervals = IntervalsView()
    avg_response_time_seconds = serializers.FloatField(allow_null=True)
    median_response_time_seconds = serializers.FloatField(allow_null=True)
    revenue_micros = serializers.IntegerField(allow_null=True)
    revenue = RevenueView(many=True)
    statistical_comparison = ComparisonView(required=False, help_text="When there are two variants.")


class TestAnalysis(AnalysisView):
    """Empty when the campaign is no test. Rates, differences and lifts in percent; p-values and probabilities 0 to 1."""

    primary_metric = serializers.CharField(required=False)
    seed = serializers.IntegerField(required=False)
    denominator = serializers.CharField(required=False)
    statistical_comparison = ComparisonView(required=False, allow_null=True)


class TestView(serializers.Serializer[Any]):
    is_ab_test = serializers.BooleanField()
    variants = ReportedVariant(many=True)
    analysis = TestAnalysis()


class ReportedMoney(serializers.Serializer[Any]):
    revenue = RevenueView(many=True)
    cost = CostView()
    roi = ReturnView()


class ReportedTimes(serializers.Serializer[Any]):
    to_read = SpreadView()
    to_reply = SpreadView()


class CampaignReportSerializer(serializers.Serializer[Any]):
    """What became of a campaign; rates are percent, 0 when nobody stands below the line."""

    campaign_id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField(allow_null=True)
    status = serializers.CharField()
    status_reason = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    duration_seconds = serializers.FloatField(allow_null=True)
    targeting = TargetingView()
    delivery = DeliveryFigures()
    engagement = EngagementView()
    balance = BalanceView()
    ab_test = TestView()
    failures = FailureView(many=True)
    money = ReportedMoney()
    response_times = ReportedTimes()
    incremental = IncrementalView(allow_null=True, help_text="null: nobody was held out.")
