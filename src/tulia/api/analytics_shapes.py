"""What goes in and comes out of the addresses of analysis."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from tulia.api.fields import Choice, Instant, Shape, Text
from tulia.reports.buckets import INTERVALS, MOST_BUCKETS
from tulia.reports.cohorts import KINDS


def _view(name: str, about: str, **fields: Any) -> type[serializers.Serializer[Any]]:
    """A description made from its fields, because `from` can't be the name of an attribute."""
    return type(name, (serializers.Serializer,), {"__doc__": about, **fields})


def _query(name: str, about: str, **fields: Any) -> type[Shape]:
    return type(name, (Shape,), {"__doc__": about, **fields})


def _whole(**options: Any) -> serializers.IntegerField:
    return serializers.IntegerField(**options)


def _number() -> serializers.FloatField:
    return serializers.FloatField(allow_null=True)


def _words(**options: Any) -> serializers.CharField:
    return serializers.CharField(allow_blank=True, **options)


_KINDS = ("sent", "delivered", "read", "replied", "converted", "failed")
_FROM = "An instant; rounded down to a whole {}."
_TO = "An instant; rounded up to a whole {}."

TimelineQuery = _query(
    "TimelineQuery",
    "Which span, in which steps.",
    interval=Choice(INTERVALS, required=False, default="hour"),
    **{
        "from": Instant(required=False, help_text=_FROM.format("interval") + " Default: the start."),
        "to": Instant(required=False, help_text=_TO.format("interval") + " Default: the last evidence."),
    },
)
CohortQuery = _query("CohortQuery", "What to group people by.", by=Choice(KINDS, required=False, default=KINDS[0]))
MessagingQuery = _query(
    "MessagingQuery",
    "Which days; the last thirty unless said otherwise.",
    **{
        "from": Instant(required=False, help_text=_FROM.format("day")),
        "to": Instant(required=False, help_text=_TO.format("day")),
    },
)


class ExportQuery(Shape):
    """Which people of a campaign."""

    state = Text(required=False)
    reason = Text(required=False, max_length=60)


BucketView = _view(
    "TimelineBucket",
    "One minute, hour or day.",
    starts_at=serializers.DateTimeField(),
    ends_at=serializers.DateTimeField(),
    local_time=serializers.CharField(help_text="The tenant's clock at its start."),
    **{kind: _whole() for kind in _KINDS},
)
OutsideView = _view("TimelineOutside", "Evidence before or after the span.", **{kind: _whole() for kind in _KINDS})
TimelineView = _view(
    "Timeline",
    f"What happened when; at most {MOST_BUCKETS} buckets, without gaps.",
    interval=serializers.CharField(),
    timezone=serializers.CharField(),
    buckets=BucketView(many=True),
    outside=OutsideView(),
)

_variant = {"variant_index": _whole, "variant_name": _words}


def _of_variants(name: str, about: str, **fields: Any) -> serializers.BaseSerializer[Any]:
    named = {key: make() for key, make in _variant.items()}
    shape: serializers.BaseSerializer[Any] = _view(name, about, **named, **fields)(many=True)
    return shape


class FunnelStepView(serializers.Serializer[Any]):
    """People at one step; percent is null when there is nobody to compare with."""

    step = serializers.CharField()
    people = serializers.IntegerField()
    percent_of_previous = serializers.FloatField(allow_null=True)
    percent_of_targeted = serializers.FloatField(allow_null=True)


FunnelView = _view(
    "Funnel",
    "The same people, fewer at each step.",
    steps=FunnelStepView(many=True),
    variants=_of_variants("VariantFunnel", "The funnel of one variant.", steps=FunnelStepView(many=True)),
)


class AmountView(serializers.Serializer[Any]):
    """Revenue in one currency, in millionths; the currency is empty where none was named."""

    currency = serializers.CharField(allow_blank=True)
    revenue_micros = serializers.IntegerField()


class CohortView(serializers.Serializer[Any]):
    """One group of people; rates are percent, null when nobody stands below the line."""

    key = serializers.CharField(allow_null=True)
    is_other = serializers.BooleanField()
    targeted = serializers.IntegerField()
    sent = serializers.IntegerField()
    delivered = serializers.IntegerField()
    read = serializers.IntegerField()
    replied = serializers.IntegerField()
    converted = serializers.IntegerField()
    delivery_rate = serializers.FloatField(allow_null=True)
    read_rate = serializers.FloatField(allow_null=True)
    engagement_rate = serializers.FloatField(allow_null=True)
    conversion_rate = serializers.FloatField(allow_null=True)
    revenue = AmountView(many=True)


class CohortsView(serializers.Serializer[Any]):
    by = serializers.CharField()
    note = serializers.CharField()
    cohorts = CohortView(many=True)


class BarView(serializers.Serializer[Any]):
    from_seconds = serializers.IntegerField()
    to_seconds = serializers.IntegerField(allow_null=True)
    people = serializers.IntegerField()


class SpreadView(serializers.Serializer[Any]):
    """Times in seconds; null when there is nobody."""

    people = serializers.IntegerField()
    mean_seconds = serializers.FloatField(allow_null=True)
    p10_seconds = serializers.FloatField(allow_null=True)
    median_seconds = serializers.FloatField(allow_null=True)
    p90_seconds = serializers.FloatField(allow_null=True)
    histogram = BarView(many=True)


ResponseTimesView = _view(
    "ResponseTimes",
    "How long people took.",
    to_read=SpreadView(),
    to_reply=SpreadView(),
    variants=_of_variants(
        "VariantResponseTimes", "How long people of one variant took.", to_read=SpreadView(), to_reply=SpreadView()
    ),
)


class FailureView(serializers.Serializer[Any]):
    """One cause: what the class means, what the code means, and what to do."""

    failure_class = serializers.CharField(allow_blank=True)
    code = serializers.CharField(allow_blank=True)
    people = serializers.IntegerField()
    sentence = serializers.CharField()
    meaning = serializers.CharField()
    advice = serializers.CharField()


class FailuresView(serializers.Serializer[Any]):
    people = serializers.IntegerField()
    failures = FailureView(many=True)


class RevenueView(AmountView):
    """What orders and bookings in one currency came to."""

    conversions = serializers.IntegerField()
    people = serializers.IntegerField()


class CostView(serializers.Serializer[Any]):
    """In millionths of a US dollar; for each result only what was spent counts."""

    spent_micros = serializers.IntegerField()
    reserved_micros = serializers.IntegerField()
    per_delivered_micros = serializers.FloatField(allow_null=True)
    per_reply_micros = serializers.FloatField(allow_null=True)
    per_conversion_micros = serializers.FloatField(allow_null=True)
    currency = serializers.CharField()


class ReturnView(serializers.Serializer[Any]):
    """(Revenue − cost) / cost, in percent; null with the reason when it can't be said."""

    percent = serializers.FloatField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)


def interval(**options: Any) -> serializers.ListField:
    """Lower and upper limit."""
    return serializers.ListField(child=serializers.FloatField(), min_length=2, max_length=2, **options)


class ExtraRevenueView(serializers.Serializer[Any]):
    """Revenue beyond what would have come anyway, with its 95 % interval."""

    currency = serializers.CharField(allow_blank=True)
    variant = serializers.IntegerField(allow_null=True, help_text="null: all variants together.")
    revenue_micros = serializers.IntegerField()
    interval_micros = serializers.ListField(
        child=serializers.IntegerField(), min_length=2, max_length=2, allow_null=True
    )
    per_person_micros = serializers.IntegerField(help_text="The difference of the next two.")
    dealt_per_person_micros = serializers.IntegerField()
    held_out_per_person_micros = serializers.IntegerField()


class ExtraPeopleView(serializers.Serializer[Any]):
    """People who ordered or booked beyond those who would have anyway; rates in percent, intervals 95 %."""

    kind = serializers.ChoiceField(["any", "order", "booking"])
    variant = serializers.IntegerField(allow_null=True, help_text="null: all variants together.")
    dealt = serializers.IntegerField()
    did = serializers.IntegerField()
    held_out = serializers.IntegerField()
    held_out_did = serializers.IntegerField()
    rate = serializers.FloatField()
    held_out_rate = serializers.FloatField()
    difference_points = serializers.FloatField()
    difference_interval = interval()
    incremental = serializers.FloatField()
    incremental_interval = interval()
    attributed = serializers.IntegerField()
    incremental_share = serializers.FloatField(allow_null=True)
    p_value = serializers.FloatField()
    is_significant = serializers.BooleanField(help_text="Never before every outcome window is closed.")


class IncrementalView(serializers.Serializer[Any]):
    """Beyond what would have come anyway, as the people held out show; empty without any."""

    dealt = serializers.IntegerField()
    held_out = serializers.IntegerField()
    revenue = ExtraRevenueView(many=True)
    roi = ReturnView()
    note = serializers.CharField()
    people = ExtraPeopleView(many=True)
    cost_micros = serializers.IntegerField()
    window_minutes = serializers.IntegerField()
    share_matured = serializers.FloatField(allow_null=True)
    findings = serializers.ListField(child=serializers.CharField())


MoneyView = _view(
    "Money",
    "What the campaign brought and what it cost.",
    revenue=RevenueView(many=True),
    cost=CostView(),
    roi=ReturnView(),
    incremental=IncrementalView(),
    variants=_of_variants(
        "VariantMoney", "Money of one variant.", revenue=RevenueView(many=True), cost=CostView(), roi=ReturnView()
    ),
)


class MessageTypeView(serializers.Serializer[Any]):
    """One type of message; what became of them is known of campaigns only."""

    message_type = serializers.CharField()
    messages = serializers.IntegerField()
    unique_customers = serializers.IntegerField()
    delivered = serializers.IntegerField(allow_null=True)
    read = serializers.IntegerField(allow_null=True)
    replied = serializers.IntegerField(allow_null=True)
    failed = serializers.IntegerField(allow_null=True)


class MessagingDayView(serializers.Serializer[Any]):
    date = serializers.DateField()
    messages = serializers.DictField(child=serializers.IntegerField())
    total = serializers.IntegerField()


class MessagingTotalView(serializers.Serializer[Any]):
    """Over all types; each person once."""

    messages = serializers.IntegerField()
    unique_customers = serializers.IntegerField()


MessagingView = _view(
    "Messaging",
    "All messages of whole days.",
    timezone=serializers.CharField(),
    types=MessageTypeView(many=True),
    totals=MessagingTotalView(),
    days=MessagingDayView(many=True),
    **{"from": serializers.DateTimeField(), "to": serializers.DateTimeField()},
)
