"""How much of its tier a tenant has used, and the reservation that keeps a launch within it.

Nothing is kept apart from the facts: what was sent is counted in the ledger, and so is what still may be.
"""

from __future__ import annotations

import zoneinfo
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tulia.audience import criteria, reach
from tulia.campaigns.models import MessageCampaign
from tulia.core import sql
from tulia.core.errors import Forbidden
from tulia.ledger import rules as sending_rules
from tulia.tenants import queries as tenants
from tulia.tenants.models import Tenant, Tier

WARNED_AT_PERCENT = 80.0


class CampaignSendLimit(Forbidden):
    code = "campaign_send_limit"


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month of a time zone: `start` belongs to it, `end` to the next."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much of a limit is gone: used, and reserved for what may still go out. A null limit is no limit."""

    used: int
    reserved: int
    limit: int | None

    @property
    def taken(self) -> int:
        return self.used + self.reserved

    @property
    def remaining(self) -> int | None:
        return None if self.limit is None else max(0, self.limit - self.taken)

    @property
    def percent(self) -> float | None:
        """Of the limit, rounded down to a tenth, so that 100 means that nothing is left."""
        if self.limit is None:
            return None
        return int(1_000 * self.taken / self.limit) / 10 if self.limit else 100.0

    @property
    def is_warning(self) -> bool:
        return self.percent is not None and self.percent >= WARNED_AT_PERCENT


@dataclass(frozen=True, slots=True)
class Usage:
    """What a tenant has used now. `lifting` names the next tier with room for more sends, with its limit."""

    tier: str
    timezone: str
    month: Month
    campaign_sends: Allowance
    messages_of_day: Allowance
    max_variants: int
    next_for_sends: Tier | None
    next_for_messages: Tier | None


def month_of(now: datetime, zone: str) -> Month:
    """The calendar month that it is now in this zone."""
    local = now.astimezone(zoneinfo.ZoneInfo(zone))
    start = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
    end = start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
    return Month(start.astimezone(now.tzinfo), end.astimezone(now.tzinfo))


def of_tenant(tenant_id: UUID, *, now: datetime) -> Usage:
    """Read in the tenant's scope. What is reserved is counted where there is a limit."""
    tenant = Tenant.objects.select_related("tier").get(pk=tenant_id)
    tier, month = tenant.tier, month_of(now, tenant.timezone)
    used, reserved = _of_month(tenant_id, month)
    row = sql.fetch_one(sql.load("ledger", "usage_since"), {"tenant_id": tenant_id, "since": now - sending_rules.DAY})
    assert row is not None  # a count
    return Usage(
        tier=tier.name,
        timezone=tenant.timezone,
        month=month,
        campaign_sends=Allowance(used, reserved, tier.max_campaign_sends_per_month),
        messages_of_day=Allowance(row[0], 0, tier.max_messages_per_day),
        max_variants=tier.max_variants,
        next_for_sends=tenants.tier_with_more("max_campaign_sends_per_month", than=tier.max_campaign_sends_per_month),
        next_for_messages=tenants.tier_with_more("max_messages_per_day", than=tier.max_messages_per_day),
    )


def sends_left(tenant_id: UUID, *, now: datetime) -> int | None:
    """How many campaign messages the tier still allows this month; None when it allows any number, and nothing is counted.

    Call in the tenant's scope.
    """
    if tenants.tier_of(tenant_id).max_campaign_sends_per_month is None:
        return None
    return of_tenant(tenant_id, now=now).campaign_sends.remaining


def reserve(campaign: MessageCampaign, *, now: datetime) -> int | None:
    """The number of people that this launch takes of the month's sends; None when the tier has no limit.

    To be called in the transaction that launches. Launches of one tenant take turns here until the transaction ends, so
    that no two can take the last sends. Raises CampaignSendLimit.
    """
    if tenants.tier_of(campaign.tenant_id).max_campaign_sends_per_month is None:
        return None
    tenant = _held(campaign.tenant_id)
    tree = criteria.parse(campaign.target_criteria)
    who = sending_rules.who_may_be_sent_to(sending_rules.of_campaign(campaign, now=now), now=now)
    counted = reach.calculate(campaign.tenant_id, tree, as_of=campaign.as_of or now, rules=who)
    asked = counted.steps[-1].remaining
    _check(tenant, asked=asked, now=now)
    return asked


def confirm(campaign: MessageCampaign, *, now: datetime) -> None:
    """Counts again once the audience is written: more people may match by then than were reserved.

    To be called in the transaction that writes it. Raises CampaignSendLimit.
    """
    if tenants.tier_of(campaign.tenant_id).max_campaign_sends_per_month is not None:
        _check(_held(campaign.tenant_id), asked=0, now=now)


def _held(tenant_id: UUID) -> Tenant:
    """The tenant with its tier of this very moment, held until the end of the transaction."""
    return Tenant.objects.select_for_update(no_key=True, of=("self",)).select_related("tier").get(pk=tenant_id)


def _check(tenant: Tenant, *, asked: int, now: datetime) -> None:
    limit = tenant.tier.max_campaign_sends_per_month
    month = month_of(now, tenant.timezone)
    used, reserved = _of_month(tenant.pk, month)
    if limit is None or used + reserved + asked <= limit:
        return
    lifting = tenants.tier_with_more("max_campaign_sends_per_month", than=used + reserved + asked - 1)
    raise CampaignSendLimit(
        f"The {tenant.tier.name} tier allows {limit:,} campaign sends a month: {used:,} are used, {reserved:,} reserved, "
        f"and this campaign asks for {asked:,}. {_remedy(lifting)} A new month begins on {month.end:%Y-%m-%d} (UTC).",
        details={
            "limit": "campaign_sends_per_month",
            "tier": tenant.tier.name,
            "allowed": limit,
            "used": used,
            "reserved": reserved,
            "asked": asked,
            "remaining": max(0, limit - used - reserved),
            "lifted_by": lifting.name if lifting else None,
            "resets_at": month.end.isoformat().replace("+00:00", "Z"),
        },
    )


def _remedy(tier: Tier | None) -> str:
    if tier is None:
        return "No tier allows so many."
    allowed = tier.max_campaign_sends_per_month
    return f"The {tier.name} tier allows {f'{allowed:,}' if allowed is not None else 'any number'}."


def _of_month(tenant_id: UUID, month: Month) -> tuple[int, int]:
    row = sql.fetch_one(
        sql.load("ledger", "usage_of_month"),
        {"tenant_id": tenant_id, "month_start": month.start, "month_end": month.end},
    )
    assert row is not None  # counts
    return int(row[0]), int(row[1])
