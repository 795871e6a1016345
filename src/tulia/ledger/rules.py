"""What decides whether a person of a campaign may be sent to now: read together, applied by the claim and by reach."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import available_timezones

from tulia.audience import reach
from tulia.audience.places import zones_of_calling_codes
from tulia.audience.reach import Rule
from tulia.campaigns import template_use, window
from tulia.campaigns.models import MessageCampaign
from tulia.channels import rates
from tulia.channels.models import MessageTemplate, Sender
from tulia.channels.rates import RateCard
from tulia.core import by_key
from tulia.tenants import queries as tenants
from tulia.tenants import quiet_hours
from tulia.tenants.quiet_hours import QuietHours

UNWRITTEN = "marketing"
"""What a campaign without any message yet is counted and priced as."""
DAY = timedelta(hours=24)
"""Tiers and messaging limits count over the last 24 hours, whatever the clock says."""


@dataclass(frozen=True, slots=True)
class SendingRules:
    """The rules of one campaign, as of the moment they were read. None is no limit.

    `needs_window`: free text, which goes only to people who wrote in the last 24 hours. `price` is the card of the
    dearest category that the campaign's messages may be billed as.
    """

    sender_id: UUID | None
    tenant_zone: str
    needs_window: bool
    quiet_hours: QuietHours | None
    cap_messages: int | None
    cap_days: int | None
    daily_limit: int | None
    messaging_limit: int | None
    has_budget: bool
    price: RateCard

    @property
    def take_turns(self) -> bool:
        """Whether claims of this tenant must come one after another, because they share what is left of something."""
        return self.has_budget or any(
            limit is not None for limit in (self.cap_messages, self.daily_limit, self.messaging_limit)
        )

    def cap_since(self, now: datetime) -> datetime | None:
        """Messages claimed after this count towards the frequency cap; None without one."""
        return None if self.cap_days is None else now - timedelta(days=self.cap_days)


def of_campaign(campaign: MessageCampaign, *, now: datetime) -> SendingRules:
    """The rules as the settings, the tier, the sender and the templates have them now. Call in the tenant's scope."""
    tenant = tenants.get(campaign.tenant_id)
    tier = tenants.tier_of(campaign.tenant_id)
    sender = by_key.row(Sender, pk=campaign.sender_id) if campaign.sender_id else None
    categories = _categories_of(campaign)
    own = quiet_hours.of_columns(campaign.quiet_hours_start, campaign.quiet_hours_end)
    tenants_own = quiet_hours.of_columns(tenant.quiet_hours_start, tenant.quiet_hours_end)
    is_capped = tenant.frequency_cap_messages is not None and not campaign.frequency_cap_exempt_reason
    needs_window = rates.SERVICE in categories
    cards = [rates.card(category, on=now.date()) for category in sorted(categories)]
    return SendingRules(
        sender_id=campaign.sender_id,
        tenant_zone=tenant.timezone,
        needs_window=needs_window,
        quiet_hours={"tenant": tenants_own, "own": own}.get(campaign.quiet_hours_rule),
        cap_messages=tenant.frequency_cap_messages if is_capped else None,
        cap_days=tenant.frequency_cap_days if is_capped else None,
        daily_limit=tier.max_messages_per_day,
        messaging_limit=None if needs_window or sender is None else sender.daily_limit,
        has_budget=campaign.budget_micros is not None,
        price=max(cards, key=lambda card: card.other.cost_micros),
    )


def _categories_of(campaign: MessageCampaign) -> set[str]:
    """What the campaign's messages are billed as: the categories of its templates, "service" for free text."""
    template_ids = set(template_use.templates_of(campaign))
    chosen = [template_id for template_id in template_ids if template_id]
    categories = set(MessageTemplate.objects.filter(pk__in=chosen).values_list("category", flat=True))
    if not chosen and not campaign.is_ab_test and not campaign.message_content:
        return {UNWRITTEN}
    return categories | ({rates.SERVICE} if len(chosen) < len(template_ids) else set())


def who_may_be_sent_to(rules: SendingRules, *, now: datetime) -> tuple[Rule, ...]:
    """What must hold of a person to be sent to at all; whoever it doesn't hold of is skipped with the reason."""
    window_rule = (reach.in_window(now=now),) if rules.needs_window else (Rule("in_window", "true"),)
    return (reach.CONSENTED, reach.reachable(now=now), *window_rule)


def under_cap(rules: SendingRules, *, now: datetime) -> Rule:
    """What must hold of a person for the frequency cap not to put them off."""
    if rules.cap_messages is None:
        return Rule("under_frequency_cap", "true")
    return Rule(
        "under_frequency_cap",
        "c.id NOT IN (SELECT h.customer_id FROM ledger_recipients h WHERE h.tenant_id = %(tenant)s"
        " AND h.claimed_at > %(under_frequency_cap_since)s::timestamptz AND h.state <> 30"
        " GROUP BY h.customer_id HAVING count(*) >= %(under_frequency_cap_most)s::int)",
        {"under_frequency_cap_since": rules.cap_since(now), "under_frequency_cap_most": rules.cap_messages},
        reason="frequency_cap",
    )


@functools.lru_cache(maxsize=64)
def quiet_zones(hours: QuietHours | None, minute: datetime) -> Mapping[str, datetime]:
    """Every time zone where it is quiet at this minute, with the end of it. Clocks and quiet hours turn on minutes."""
    return window.quiet_zones(hours, available_timezones(), minute)


@dataclass(frozen=True, slots=True)
class Places:
    """Calling codes with what they tell, as columns: their time zone (empty when they span several) and the price."""

    codes: list[str]
    zones: list[str]
    prices: list[int]
    other_price: int


@functools.lru_cache(maxsize=256)
def _places(category: str, prices: tuple[tuple[str, int], ...], other_price: int) -> Places:
    del category
    zones, price_of = zones_of_calling_codes(), dict(prices)
    codes = sorted(zones.keys() | price_of.keys())
    return Places(
        codes, [zones.get(code, "") for code in codes], [price_of.get(code, other_price) for code in codes], other_price
    )


def places(card: RateCard) -> Places:
    """The places of a rate card."""
    return _places(
        card.category,
        tuple(sorted((code, rate.cost_micros) for code, rate in card.rates.items())),
        card.other.cost_micros,
    )
