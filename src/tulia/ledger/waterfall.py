"""Before anything is sent: how many people are left after each rule, what it would cost, and who is where.

The rules are those that freezing and claiming apply (ledger.rules), so on unchanged data a launch does what this says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from tulia.audience import criteria, phone, reach
from tulia.audience.reach import Step
from tulia.campaigns import experiment_plan
from tulia.campaigns.experiment_plan import ExperimentPlan
from tulia.campaigns.models import MessageCampaign
from tulia.channels.rates import RateCard
from tulia.core import keyset, sql
from tulia.core.errors import Invalid
from tulia.core.keyset import Page, PageRequest
from tulia.ledger import rules as sending_rules
from tulia.ledger.queries import RecipientRow
from tulia.ledger.rules import SendingRules
from tulia.ledger.status import NAMES, State

DEFERRING = ("frequency_cap",)
"""Reasons that put a person off; every other one passes them over."""


@dataclass(frozen=True, slots=True)
class MarketCost:
    """What the messages to one market would cost."""

    market: str
    people: int
    price_micros: int
    cost_micros: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the messages to everybody who is left would cost if all were delivered, in millionths of a US dollar.

    List prices of the day, before a reseller's fees, volume tiers and free messages. `category` is what they are billed
    as; of several templates the dearest one's.
    """

    category: str
    cost_micros: int
    markets: tuple[MarketCost, ...]


@dataclass(frozen=True, slots=True)
class Waterfall:
    """People left after each step; `notes` say in words what holds some of them back, `plan` what an experiment with them
    can see (None for what is none)."""

    total_matching: int
    with_consent: int
    steps: tuple[Step, ...]
    estimate: Estimate
    notes: tuple[str, ...] = ()
    plan: ExperimentPlan | None = None

    @property
    def remaining(self) -> int:
        return self.steps[-1].remaining


def of_campaign(campaign: MessageCampaign, *, now: datetime, sends_left: int | None = None) -> Waterfall:
    """The waterfall of a campaign that need not be saved. Call in the tenant's scope.

    `sends_left` is how many messages the tier still allows this month (None: any number). Whoever the daily limit or
    the quiet hours keep waiting counts as reached: they only come later.
    """
    rules = sending_rules.of_campaign(campaign, now=now)
    counted = reach.calculate(
        campaign.tenant_id,
        criteria.parse(campaign.target_criteria),
        as_of=campaign.as_of or now,
        rules=_all_of(rules, now=now),
    )
    may_be_sent_to = counted.steps[-1].remaining
    held_out = experiment_plan.held_out_of(campaign, may_be_sent_to)
    left = may_be_sent_to - held_out
    estimate = _estimate(rules.price, _without(counted.remaining_by_prefix, held_out))
    notes = [*_notes(campaign, rules, estimate, left)]
    affordable = _affordable(campaign, estimate, left)
    if sends_left is not None and sends_left < left:
        notes.append(f"The tier allows {sends_left:,} more campaign messages this month.")
    within = min(left, affordable, sends_left if sends_left is not None else left)
    return Waterfall(
        total_matching=counted.total_matching,
        with_consent=counted.with_consent,
        steps=(*counted.steps, *([Step("not_held_out", left)] if held_out else []), Step("within_limits", within)),
        estimate=estimate,
        notes=tuple(notes),
        plan=experiment_plan.plan(campaign, _planned_for(may_be_sent_to, left=left, within=within)),
    )


def _without(people_by_prefix: Mapping[str, int], held_out: int) -> Mapping[str, int]:
    """The people of each prefix without those held out, who are of all countries alike; nobody is lost in rounding."""
    everybody = sum(people_by_prefix.values())
    if not held_out or not everybody:
        return people_by_prefix
    found, before = {}, 0
    for prefix, people in people_by_prefix.items():
        after = before + people
        found[prefix] = people - (held_out * after // everybody - held_out * before // everybody)
        before = after
    return found


def _planned_for(people: int, *, left: int, within: int) -> int:
    """How many people an experiment can count on: where plan or budget end the sending early, its share of everybody."""
    return people if within >= left else people * within // left


def _all_of(rules: SendingRules, *, now: datetime) -> tuple[reach.Rule, ...]:
    return (*sending_rules.who_may_be_sent_to(rules, now=now), sending_rules.under_cap(rules, now=now))


def _estimate(card: RateCard, people_by_prefix: Mapping[str, int]) -> Estimate:
    markets: dict[str, MarketCost] = {}
    for prefix, people in people_by_prefix.items():
        rate = card.of(phone.calling_code(prefix))
        before = markets.get(rate.market, MarketCost(rate.market, 0, rate.cost_micros, 0))
        markets[rate.market] = replace(
            before, people=before.people + people, cost_micros=before.cost_micros + people * rate.cost_micros
        )
    ordered = sorted(markets.values(), key=lambda one: (-one.cost_micros, one.market))
    return Estimate(card.category, sum(one.cost_micros for one in ordered), tuple(ordered))


def _affordable(campaign: MessageCampaign, estimate: Estimate, people: int) -> int:
    """For how many the budget pays: exactly when all messages cost the same, else at their average price."""
    if campaign.budget_micros is None or estimate.cost_micros <= campaign.budget_micros:
        return people
    if len({one.price_micros for one in estimate.markets}) == 1:
        return campaign.budget_micros // estimate.markets[0].price_micros
    return campaign.budget_micros * people // estimate.cost_micros


def _notes(campaign: MessageCampaign, rules: SendingRules, estimate: Estimate, left: int) -> Sequence[str]:
    notes = []
    if rules.needs_window:
        notes.append(
            "Free text goes only to people who wrote in the last 24 hours; an approved template reaches the others too."
        )
    if rules.daily_limit is not None and left > rules.daily_limit:
        notes.append(f"At most {rules.daily_limit:,} messages go out in 24 hours; the others wait for the next day.")
    if rules.messaging_limit is not None and left > rules.messaging_limit:
        notes.append(f"The sender may write to {rules.messaging_limit:,} people in 24 hours; the others wait.")
    if campaign.budget_micros is not None and estimate.cost_micros > campaign.budget_micros:
        notes.append("The budget doesn't pay for everybody: sending stops when it is used up.")
    return notes


def page(
    campaign: MessageCampaign, wanted: PageRequest, *, state: str | None, reason: str | None, now: datetime
) -> Page[RecipientRow]:
    """Whom a campaign that hasn't started would send to, defer and skip, in order of their ids, with the reason.

    Call in the tenant's scope. Raises Invalid for a state that nobody can be in before a launch.
    """
    states = {name: name for name in (NAMES[State.WAITING], NAMES[State.DEFERRED], NAMES[State.SKIPPED])}
    if state is not None and state not in states:
        known = ", ".join(states)
        raise Invalid(f"Before the launch, state must be one of {known}.", details={"state": f"must be one of {known}"})
    rules = sending_rules.of_campaign(campaign, now=now)
    chosen = reach.selection(
        criteria.parse(campaign.target_criteria),
        tenant_id=campaign.tenant_id,
        as_of=campaign.as_of or now,
        rules=_all_of(rules, now=now),
    )
    rows = sql.fetch_all(
        sql.load("ledger", "planned").replace("/*selection*/", chosen.sql),
        {
            **chosen.params,
            "tenant_id": campaign.tenant_id,
            "refusals": _refusals_of(state, reason),
            "is_other_than": state == NAMES[State.SKIPPED] and reason is None,
            "beyond": wanted.position[0] if wanted.position else None,
            "is_backward": wanted.is_backward,
            "batch": wanted.limit + 1,
        },
    )
    return keyset.cut([_planned(*row) for row in rows], wanted, position_of=lambda row: (row.customer_id,))


def _refusals_of(state: str | None, reason: str | None) -> list[str] | None:
    """The verdicts to list, or for all the skipped those not to list; None for everybody."""
    if reason is not None:
        is_deferring = reason in DEFERRING
        wrong = state is not None and (state == NAMES[State.DEFERRED]) != is_deferring
        return ["-"] if wrong or state == NAMES[State.WAITING] else [reason]
    if state is None:
        return None
    return {
        NAMES[State.WAITING]: [""],
        NAMES[State.DEFERRED]: list(DEFERRING),
        NAMES[State.SKIPPED]: ["", *DEFERRING],
    }[state]


def _planned(customer_id: UUID, external_id: str | None, name: str, number: str, refusal: str) -> RecipientRow:
    state = State.WAITING if not refusal else State.DEFERRED if refusal in DEFERRING else State.SKIPPED
    return RecipientRow(customer_id, external_id, name, number, None, NAMES[state], refusal)
