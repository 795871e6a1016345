"""/v1/usage: what is used of the tier's limits, with a warning from 80 % on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tulia.api.resource import Resource
from tulia.governance_service import SEES, GovernanceService

if TYPE_CHECKING:
    from tulia.ledger.usage import Allowance, Usage
    from tulia.tenants.models import Tier


class Period(serializers.Serializer[Any]):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    timezone = serializers.CharField()


class AllowanceView(serializers.Serializer[Any]):
    used = serializers.IntegerField()
    reserved = serializers.IntegerField(help_text="For people of running campaigns who may still be sent to.")
    limit = serializers.IntegerField(allow_null=True, help_text="null: none.")
    remaining = serializers.IntegerField(allow_null=True)
    percent = serializers.FloatField(allow_null=True, help_text="Used and reserved, of the limit.")
    is_warning = serializers.BooleanField(help_text="80 % or more.")
    warning = serializers.CharField(help_text="A sentence for people; empty below 80 %.")


class MonthlyAllowanceView(AllowanceView):
    resets_at = serializers.DateTimeField()


class VariantsLimit(serializers.Serializer[Any]):
    limit = serializers.IntegerField()


class UsageView(serializers.Serializer[Any]):
    tier = serializers.CharField()
    period = Period()
    campaign_sends = MonthlyAllowanceView()
    messages_last_24_hours = AllowanceView()
    variants = VariantsLimit()
    warnings = serializers.ListField(child=serializers.CharField())
    resets_at = serializers.DateTimeField()


def shown(usage: Usage) -> dict[str, Any]:
    sends = _allowance(usage.campaign_sends, "campaign sends this month", _lifted(usage.next_for_sends, "month"))
    messages = _allowance(
        usage.messages_of_day,
        "campaign messages in the last 24 hours",
        "What is beyond waits until there is room. " + _lifted(usage.next_for_messages, "day"),
    )
    return {
        "tier": usage.tier,
        "period": {"start": usage.month.start, "end": usage.month.end, "timezone": usage.timezone},
        "campaign_sends": sends | {"resets_at": usage.month.end},
        "messages_last_24_hours": messages,
        "variants": {"limit": usage.max_variants},
        "warnings": [one["warning"] for one in (sends, messages) if one["warning"]],
        "resets_at": usage.month.end,
    }


def _allowance(allowance: Allowance, what: str, remedy: str) -> dict[str, Any]:
    warning = ""
    if allowance.is_warning:
        warning = (
            f"{allowance.taken:,} of {allowance.limit:,} {what} are used ({allowance.percent:g} %). {remedy}".strip()
        )
    return {
        "used": allowance.used,
        "reserved": allowance.reserved,
        "limit": allowance.limit,
        "remaining": allowance.remaining,
        "percent": allowance.percent,
        "is_warning": allowance.is_warning,
        "warning": warning,
    }


def _lifted(tier: Tier | None, period: str) -> str:
    if tier is None:
        return ""
    limit = tier.max_campaign_sends_per_month if period == "month" else tier.max_messages_per_day
    return f"The {tier.name} tier allows {f'{limit:,}' if limit is not None else 'any number'} a {period}."


class UsageOfTenant(Resource):
    scopes = {"GET": SEES}

    @extend_schema(summary="Show what is used of the tier's limits", operation_id="get_usage", responses=UsageView)
    def get(self, request: Request) -> Response:
        self.no_query()
        return Response(shown(GovernanceService(self.caller).usage()))
