"""Whom a campaign reaches, at what cost, and why each person is where they are."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tulia.api.campaign_shapes import MessageCampaignCreateSerializer
from tulia.api.fields import Shape, Text
from tulia.api.pagination import page_of
from tulia.api.resource import Resource
from tulia.campaigns import experiment_plan
from tulia.campaigns.experiment_fields import percent
from tulia.campaigns.experiment_plan import ExperimentPlan
from tulia.core.errors import Invalid
from tulia.ledger.waterfall import Waterfall
from tulia.reach_service import ReachService


class WaterfallStep(serializers.Serializer[Any]):
    """How many people are left after this step and all before it."""

    step = serializers.CharField()
    remaining = serializers.IntegerField()


class MarketCostView(serializers.Serializer[Any]):
    """What the messages to one market would cost, in millionths of a US dollar."""

    market = serializers.CharField()
    people = serializers.IntegerField()
    price_micros = serializers.IntegerField()
    cost_micros = serializers.IntegerField()


class EstimateView(serializers.Serializer[Any]):
    """List prices of the day, if every message is delivered."""

    category = serializers.CharField()
    currency = serializers.CharField()
    cost_micros = serializers.IntegerField()
    markets = MarketCostView(many=True)


class PlanView(serializers.Serializer[Any]):
    """What a test or a holdout of so many people can see; without a test or a holdout there is no plan."""

    people_by_variant = serializers.ListField(
        child=serializers.IntegerField(),
        allow_null=True,
        help_text="Whose variants are compared: all, or the test phase; null when an attribute says who gets which.",
    )
    held_out = serializers.IntegerField(allow_null=True)
    rest = serializers.IntegerField(help_text="Who get the winner when it is picked.")
    expected_rate_percent = serializers.FloatField()
    smallest_detectable_points = serializers.FloatField(
        allow_null=True, help_text="Between variants, with a power of 80 %; null when there is no such difference."
    )
    holdout_smallest_detectable_points = serializers.FloatField(
        allow_null=True, help_text="Of conversions, between the holdout and everybody else."
    )
    is_worthwhile = serializers.BooleanField(allow_null=True, help_text="Null when nothing can be planned.")
    sentences = serializers.ListField(child=serializers.CharField())


class ReachView(serializers.Serializer[Any]):
    """Reach, step by step, with its cost; `notes` say what holds people back."""

    total_matching = serializers.IntegerField()
    with_consent = serializers.IntegerField()
    waterfall = WaterfallStep(many=True)
    estimate = EstimateView()
    notes = serializers.ListField(child=serializers.CharField())
    experiment = PlanView(allow_null=True, help_text="Null when it is neither a test nor has a holdout.")


class RecipientView(serializers.Serializer[Any]):
    """One person of a campaign and what happened to them (before the launch: what would)."""

    customer_id = serializers.UUIDField()
    external_id = serializers.CharField(allow_null=True)
    name = serializers.CharField(allow_blank=True)
    phone = serializers.CharField(allow_blank=True)
    arm = serializers.IntegerField(allow_null=True)
    state = serializers.CharField()
    reason = serializers.CharField(allow_blank=True)
    attempts = serializers.IntegerField()
    due_at = serializers.DateTimeField(allow_null=True)
    accepted_at = serializers.DateTimeField(allow_null=True)
    sent_at = serializers.DateTimeField(allow_null=True)
    delivered_at = serializers.DateTimeField(allow_null=True)
    read_at = serializers.DateTimeField(allow_null=True)
    failed_at = serializers.DateTimeField(allow_null=True)
    replied_at = serializers.DateTimeField(allow_null=True)
    converted_at = serializers.DateTimeField(allow_null=True)
    message_id = serializers.CharField(allow_null=True)
    failure_class = serializers.CharField(allow_null=True)
    failure_code = serializers.CharField(allow_null=True)
    cost_micros = serializers.IntegerField()
    clicked_at = serializers.DateTimeField(allow_null=True)


class RuleView(serializers.Serializer[Any]):
    """What one rule says of the person, and when it said so."""

    rule = serializers.CharField()
    verdict = serializers.ChoiceField(["passed", "failed", "waiting", "not_applied"])
    at = serializers.DateTimeField(allow_null=True)
    detail = serializers.CharField(allow_blank=True)
    until = serializers.DateTimeField(allow_null=True)


class HappeningView(serializers.Serializer[Any]):
    """Something that happened to the person."""

    what = serializers.CharField()
    at = serializers.DateTimeField()
    reason = serializers.CharField(allow_blank=True)
    until = serializers.DateTimeField(allow_null=True)


class ExplanationView(serializers.Serializer[Any]):
    """Why one person is where they are."""

    customer_id = serializers.UUIDField()
    external_id = serializers.CharField(allow_null=True)
    name = serializers.CharField(allow_blank=True)
    phone = serializers.CharField(allow_blank=True)
    is_launched = serializers.BooleanField()
    state = serializers.CharField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)
    arm = serializers.IntegerField(allow_null=True)
    attempts = serializers.IntegerField()
    due_at = serializers.DateTimeField(allow_null=True)
    message_id = serializers.CharField(allow_null=True)
    failure_class = serializers.CharField(allow_null=True)
    failure_code = serializers.CharField(allow_null=True)
    cost_micros = serializers.IntegerField()
    criteria = serializers.DictField(child=serializers.BooleanField())
    rules = RuleView(many=True)
    history = HappeningView(many=True)


class RecipientQuery(Shape):
    """Which people of a campaign."""

    state = Text(required=False)
    reason = Text(required=False, max_length=60)


def reach_to_json(counted: Waterfall) -> dict[str, Any]:
    return {
        "total_matching": counted.total_matching,
        "with_consent": counted.with_consent,
        "waterfall": [{"step": step.name, "remaining": step.remaining} for step in counted.steps],
        "estimate": {"currency": "USD", **asdict(counted.estimate)},
        "notes": list(counted.notes),
        "experiment": _plan_to_json(counted.plan) if counted.plan else None,
    }


def _plan_to_json(made: ExperimentPlan) -> dict[str, Any]:
    return {
        "people_by_variant": made.people_by_variant,
        "held_out": made.held_out,
        "rest": made.rest,
        "expected_rate_percent": percent(made.expected_rate),
        "smallest_detectable_points": percent(made.smallest_detectable_difference),
        "holdout_smallest_detectable_points": percent(made.holdout_smallest_detectable_difference),
        "is_worthwhile": made.is_worthwhile,
        "sentences": experiment_plan.sentences(made),
    }


def _fields_of(request: Request) -> dict[str, Any]:
    fields = dict(request.data)
    if "target_criteria" not in fields:
        raise Invalid("target_criteria is required.", details={"target_criteria": "is required"})
    return fields


class Reach(Resource):
    """Whom criteria mean, before anything is made. The fields of a campaign may come along."""

    scopes: ClassVar = {"POST": "conversations:view"}

    @extend_schema(
        summary="Whom criteria mean, step by step, and at what cost",
        operation_id="calculate_reach",
        request=MessageCampaignCreateSerializer(partial=True),
        responses=ReachView,
    )
    def post(self, request: Request) -> Response:
        return Response(reach_to_json(ReachService(self.caller).of_draft(_fields_of(request))))


class PeopleReached(Resource):
    """The people behind each step of the reach, before anything is made."""

    scopes: ClassVar = {"POST": "analytics:view"}
    is_repeatable = True

    @extend_schema(
        summary="The people behind each step of the reach",
        operation_id="list_people_reached",
        request=MessageCampaignCreateSerializer(partial=True),
        responses=page_of(RecipientView),
        parameters=[RecipientQuery],
    )
    def post(self, request: Request) -> Response:
        asked = self.query(RecipientQuery)
        found = ReachService(self.caller).people_of_draft(
            _fields_of(request), self.page_request(), state=asked.get("state"), reason=asked.get("reason")
        )
        return self.page_answer(found)


class ReachOfCampaign(Resource):
    """Whom a saved campaign would reach now."""

    scopes: ClassVar = {"GET": "analytics:view"}

    @extend_schema(
        summary="Whom a saved campaign would reach now", operation_id="get_reach_of_campaign", responses=ReachView
    )
    def get(self, request: Request, campaign_id: UUID) -> Response:
        self.no_query()
        return Response(reach_to_json(ReachService(self.caller).of_campaign(campaign_id)))


class Recipients(Resource):
    """The people behind each line of the balance sheet; before the launch, behind each step of the reach."""

    scopes: ClassVar = {"GET": "analytics:view"}

    @extend_schema(
        summary="A campaign's people; before the launch, those it would reach",
        operation_id="list_recipients",
        responses=page_of(RecipientView),
        parameters=[RecipientQuery],
    )
    def get(self, request: Request, campaign_id: UUID) -> Response:
        asked = self.query(RecipientQuery)
        found = ReachService(self.caller).people(
            campaign_id, self.page_request(), state=asked.get("state"), reason=asked.get("reason")
        )
        return self.page_answer(found)


class Recipient(Resource):
    """One person of a campaign: every rule with its verdict and time, every attempt, every piece of evidence."""

    scopes: ClassVar = {"GET": "analytics:view"}

    @extend_schema(
        summary="Why one person of a campaign is where they are",
        operation_id="explain_recipient",
        responses=ExplanationView,
    )
    def get(self, request: Request, campaign_id: UUID, customer_id: UUID) -> Response:
        self.no_query()
        return Response(asdict(ReachService(self.caller).explain(campaign_id, customer_id)))
