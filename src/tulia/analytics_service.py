"""The Python API of analysis: timelines, funnels, cohorts, times, failures, money, all messages, and files.

Each method checks the caller's permission, opens a view of the tenant's rows at one instant and calls one report.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils.text import slugify

from tulia.campaigns import edit
from tulia.campaigns.models import MessageCampaign
from tulia.core import clock
from tulia.core.errors import Invalid
from tulia.reports import (
    campaign_report,
    cohorts,
    export,
    failures,
    funnel,
    incremental,
    messaging,
    money,
    response_times,
    tally,
    timeline,
)
from tulia.reports.buckets import INTERVALS
from tulia.reports.cohorts import Cohorts
from tulia.reports.failures import FailureLine
from tulia.reports.funnel import FunnelStep
from tulia.reports.incremental import Incremental
from tulia.reports.messaging import Messaging
from tulia.reports.money import Money
from tulia.reports.response_times import ResponseTimes, Times
from tulia.reports.timeline import Timeline
from tulia.tenants import queries as tenants
from tulia.tenants.api_keys import Caller
from tulia.tenants.audit import act
from tulia.tenants.permission import require
from tulia.tenants.scope import tenant_view

READ = "analytics:view"


@dataclass(frozen=True, slots=True)
class Funnels:
    """The funnel of everybody, and of each variant of a test (index, name, steps)."""

    steps: tuple[FunnelStep, ...]
    arms: tuple[tuple[int, str, tuple[FunnelStep, ...]], ...]


@dataclass(frozen=True, slots=True)
class AllTimes:
    """Times of everybody, and of each variant of a test (index, name, times)."""

    everyone: Times
    arms: tuple[tuple[int, str, Times], ...]


@dataclass(frozen=True, slots=True)
class AllMoney:
    """Money of the whole campaign as it is credited, what is incremental, and money of each variant of a test."""

    everyone: Money
    incremental: Incremental
    arms: tuple[tuple[int, str, Money], ...]


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file to be handed out: its name, and its bytes in blocks, made as they are read."""

    name: str
    blocks: Iterator[bytes]


class AnalyticsService:
    """What `caller` may learn of the campaigns and messages of their tenant."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._tenant_id = caller.tenant_id

    def timeline(
        self, campaign_id: UUID, *, interval: str = "hour", since: datetime | None = None, until: datetime | None = None
    ) -> Timeline:
        """What happened when, in minutes, hours or days of the tenant's time zone."""
        require(self._caller, READ)
        if interval not in INTERVALS:
            known = ", ".join(INTERVALS)
            raise Invalid(f"interval must be one of {known}.", details={"interval": f"must be one of {known}"})
        with tenant_view(self._tenant_id):
            return timeline.of_campaign(
                self._find(campaign_id), interval=interval, zone=self._zone(), since=since, until=until, now=clock.now()
            )

    def funnel(self, campaign_id: UUID) -> Funnels:
        """The same people, fewer at each step."""
        require(self._caller, READ)
        with tenant_view(self._tenant_id):
            campaign = self._find(campaign_id)
            counted = tally.of_campaign(self._tenant_id, campaign_id)
        return Funnels(
            funnel.of(counted),
            tuple((arm, name, funnel.of(counted.of_arm(arm))) for arm, name in _arms(campaign)),
        )

    def cohorts(self, campaign_id: UUID, *, by: str) -> Cohorts:
        """The campaign's people by the week of their first message, by tag or by country."""
        require(self._caller, READ)
        with tenant_view(self._tenant_id):
            return cohorts.of_campaign(self._find(campaign_id), by=by, timezone=str(self._zone()))

    def response_times(self, campaign_id: UUID) -> AllTimes:
        """How long people took to read and to reply."""
        require(self._caller, READ)
        with tenant_view(self._tenant_id):
            campaign = self._find(campaign_id)
            times: ResponseTimes = response_times.of_campaign(campaign)
        return AllTimes(times.everyone, tuple((arm, name, times.of_arm(arm)) for arm, name in _arms(campaign)))

    def failures(self, campaign_id: UUID) -> tuple[FailureLine, ...]:
        """Why messages failed, the most frequent cause first; all causes."""
        require(self._caller, READ)
        with tenant_view(self._tenant_id):
            self._find(campaign_id)
            return failures.of(tally.of_campaign(self._tenant_id, campaign_id), most=None)

    def money(self, campaign_id: UUID) -> AllMoney:
        """What the campaign brought, as credited and beyond what would have come anyway, and what it cost."""
        require(self._caller, READ)
        with tenant_view(self._tenant_id):
            campaign = self._find(campaign_id)
            counted = tally.of_campaign(self._tenant_id, campaign_id)
            revenue = money.revenue_by_arm(self._tenant_id, campaign_id)
            extra = incremental.of_campaign(campaign, counted, now=clock.now())
        return AllMoney(
            money.weigh(money.all_together(revenue), counted),
            extra,
            tuple((arm, name, money.weigh(revenue.get(arm, ()), counted.of_arm(arm))) for arm, name in _arms(campaign)),
        )

    def messaging(self, *, since: datetime | None = None, until: datetime | None = None) -> Messaging:
        """All messages by type; of the last thirty days unless said otherwise."""
        require(self._caller, READ)
        with tenant_view(self._tenant_id):
            return messaging.of_tenant(self._tenant_id, since=since, until=until, zone=self._zone(), now=clock.now())

    def export_recipients(
        self, campaign_id: UUID, *, state: str | None = None, reason: str | None = None
    ) -> ExportedFile:
        """The file of the campaign's people. Refuses at once what can't be; reads when its blocks are iterated.

        All of it is of the instant of the first block. It holds a connection until it is read to its end or closed, and
        must be read and closed in one thread. That somebody took it is on record.
        """
        require(self._caller, READ)
        states = export.states_named(state)
        with act(self._caller, "campaign.export") as entry:
            campaign = entry.about(self._find(campaign_id))
            entry.say(state=state, reason=reason)

        def blocks() -> Iterator[bytes]:
            with tenant_view(self._tenant_id):
                yield from export.recipients(
                    self._tenant_id,
                    campaign_id,
                    variants=export.variant_names(campaign),
                    states=states,
                    reason=reason,
                )

        return ExportedFile(f"{_file_name(campaign)}-recipients.csv", blocks())

    def export_results(self, campaign_id: UUID) -> ExportedFile:
        """The file of the campaign's results: a line for each variant, and one for all together."""
        require(self._caller, READ)
        with tenant_view(self._tenant_id):
            campaign = self._find(campaign_id)
            report = campaign_report.generate(campaign, now=clock.now())
        return ExportedFile(f"{_file_name(campaign)}-results.csv", export.results(report))

    def _find(self, campaign_id: UUID) -> MessageCampaign:
        return edit.find(self._tenant_id, campaign_id)

    def _zone(self) -> ZoneInfo:
        return ZoneInfo(tenants.get(self._tenant_id).timezone)


def _arms(campaign: MessageCampaign) -> list[tuple[int, str]]:
    return list(enumerate(export.variant_names(campaign))) if campaign.is_ab_test else []


def _file_name(campaign: MessageCampaign) -> str:
    return slugify(campaign.name)[:80] or "campaign"
