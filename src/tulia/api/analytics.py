"""/v1/campaigns/{id}/timeline, funnel and so on, and /v1/analytics: what there is to learn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from tulia.analytics_service import READ, AnalyticsService, ExportedFile
from tulia.api import analytics_shapes as shapes
from tulia.api import renderers
from tulia.api.resource import Resource
from tulia.api.streaming import StreamedFile


class Analysis(Resource):
    """One look at a campaign or at a tenant's messages."""

    scopes: ClassVar = {"GET": READ}

    @property
    def service(self) -> AnalyticsService:
        return AnalyticsService(self.caller)


def _by_variant(arms: Iterable[tuple[int, str, dict[str, Any]]]) -> list[dict[str, Any]]:
    return [{"variant_index": index, "variant_name": name, **facts} for index, name, facts in arms]


class CampaignTimeline(Analysis):
    @extend_schema(
        summary="What happened to a campaign's people when",
        operation_id="get_campaign_timeline",
        parameters=[shapes.TimelineQuery],
        responses=shapes.TimelineView,
    )
    def get(self, request: Request, campaign_id: UUID) -> Response:
        asked = self.query(shapes.TimelineQuery)
        found = self.service.timeline(
            campaign_id, interval=asked["interval"], since=asked.get("from"), until=asked.get("to")
        )
        # Each instant is written once: it ends the bucket before, too.
        begins = [renderers.instant(one.starts_at) for one in found.buckets]
        ends = [*begins[1:], renderers.instant(found.buckets[-1].ends_at)] if begins else []
        buckets = [
            {"starts_at": begin, "ends_at": end, "local_time": one.local_time, **one.counts._asdict()}
            for one, begin, end in zip(found.buckets, begins, ends, strict=True)
        ]
        return Response(
            {
                "interval": found.interval,
                "timezone": found.timezone,
                "buckets": buckets,
                "outside": found.outside._asdict(),
            }
        )


class CampaignFunnel(Analysis):
    @extend_schema(
        summary="How many of a campaign's people came how far",
        operation_id="get_campaign_funnel",
        responses=shapes.FunnelView,
    )
    def get(self, request: Request, campaign_id: UUID) -> Response:
        self.no_query()
        found = self.service.funnel(campaign_id)
        arms = ((index, name, {"steps": [asdict(step) for step in steps]}) for index, name, steps in found.arms)
        return Response({"steps": [asdict(step) for step in found.steps], "variants": _by_variant(arms)})


class CampaignCohorts(Analysis):
    @extend_schema(
        summary="A campaign's people in groups",
        operation_id="get_campaign_cohorts",
        parameters=[shapes.CohortQuery],
        responses=shapes.CohortsView,
    )
    def get(self, request: Request, campaign_id: UUID) -> Response:
        return Response(asdict(self.service.cohorts(campaign_id, by=self.query(shapes.CohortQuery)["by"])))


class CampaignResponseTimes(Analysis):
    @extend_schema(
        summary="How long people took to read and to reply",
        operation_id="get_campaign_response_times",
        responses=shapes.ResponseTimesView,
    )
    def get(self, request: Request, campaign_id: UUID) -> Response:
        self.no_query()
        found = self.service.response_times(campaign_id)
        arms = ((index, name, asdict(times)) for index, name, times in found.arms)
        return Response({**asdict(found.everyone), "variants": _by_variant(arms)})


class CampaignFailures(Analysis):
    @extend_schema(
        summary="Why messages failed, and what to do",
        operation_id="get_campaign_failures",
        responses=shapes.FailuresView,
    )
    def get(self, request: Request, campaign_id: UUID) -> Response:
        self.no_query()
        found = self.service.failures(campaign_id)
        return Response({"people": sum(one.people for one in found), "failures": [asdict(one) for one in found]})


class CampaignMoney(Analysis):
    @extend_schema(
        summary="What a campaign brought and what it cost",
        operation_id="get_campaign_money",
        responses=shapes.MoneyView,
    )
    def get(self, request: Request, campaign_id: UUID) -> Response:
        self.no_query()
        found = self.service.money(campaign_id)
        arms = ((index, name, asdict(money)) for index, name, money in found.arms)
        extra = asdict(found.incremental)
        return Response({**asdict(found.everyone), "incremental": extra, "variants": _by_variant(arms)})


class MessagingAnalytics(Analysis):
    @extend_schema(
        summary="All messages by type and day",
        operation_id="get_messaging_analytics",
        parameters=[shapes.MessagingQuery],
        responses=shapes.MessagingView,
    )
    def get(self, request: Request) -> Response:
        asked = self.query(shapes.MessagingQuery)
        found = self.service.messaging(since=asked.get("from"), until=asked.get("to"))
        return Response(
            {
                "from": found.since,
                "to": found.until,
                "timezone": found.timezone,
                "types": [asdict(line) for line in found.types],
                "totals": {"messages": found.messages, "unique_customers": found.unique_customers},
                "days": [
                    {"date": day.date.isoformat(), "messages": day.messages, "total": day.total} for day in found.days
                ],
            }
        )


_CSV = {(200, "text/csv"): OpenApiTypes.STR}


def _file(request: Request, found: ExportedFile) -> HttpResponseBase:
    """For HEAD the headers only: nothing is read."""
    return StreamedFile(found.name, iter(()) if request.method == "HEAD" else found.blocks)


class CampaignRecipientsFile(Analysis):
    @extend_schema(
        summary="A campaign's people as CSV, streamed",
        operation_id="export_campaign_recipients",
        parameters=[shapes.ExportQuery],
        responses=_CSV,
    )
    def get(self, request: Request, campaign_id: UUID) -> HttpResponseBase:
        asked = self.query(shapes.ExportQuery)
        return _file(
            request,
            self.service.export_recipients(campaign_id, state=asked.get("state"), reason=asked.get("reason")),
        )


class CampaignResultsFile(Analysis):
    @extend_schema(
        summary="A campaign's results as CSV, a line for each variant",
        operation_id="export_campaign_results",
        responses=_CSV,
    )
    def get(self, request: Request, campaign_id: UUID) -> HttpResponseBase:
        self.no_query()
        return _file(request, self.service.export_results(campaign_id))
