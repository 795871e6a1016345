"""What a campaign brought beyond what would have come anyway, as the people held out of it show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tulia.audience.models import COUNTING_ORDER_STATUSES
from tulia.campaigns.models import MessageCampaign
from tulia.core import sql
from tulia.ledger.record import CONVERSION_WINDOW
from tulia.ledger.status import Role
from tulia.reports import money
from tulia.reports.money import Return
from tulia.reports.tally import Tally

NOTE = (
    "What everybody who was dealt a variant ordered until seven days after the end, less what they would have ordered if "
    "they were like the people held out. An estimate by itself: with few people held out it may be far off."
)
_NO_HOLDOUT = "Nobody was held out, so nobody knows what would have come anyway."


@dataclass(frozen=True, slots=True)
class Extra:
    """Revenue in one currency beyond what would have come anyway; negative when it was less."""

    currency: str
    revenue_micros: int


@dataclass(frozen=True, slots=True)
class Incremental:
    """`note` says how it was worked out, or why nothing can be said; then there is no revenue and no return."""

    dealt: int
    held_out: int
    revenue: tuple[Extra, ...]
    roi: Return
    note: str


def of_campaign(campaign: MessageCampaign, counted: Tally, *, now: datetime) -> Incremental:
    """One query. Call in the tenant's scope."""
    held_out = counted.of_role(Role.HELD_OUT).sum(lambda cell: cell.people)
    dealt = counted.sum(lambda cell: cell.people if cell.arm is not None else 0)
    since = campaign.started_at or now
    rows = sql.fetch_all(
        sql.load("reports", "ordered_meanwhile"),
        {
            "tenant_id": campaign.tenant_id,
            "campaign_id": campaign.pk,
            "since": since,
            "until": min(now, (campaign.completed_at or now) + CONVERSION_WINDOW),
            "statuses": list(COUNTING_ORDER_STATUSES),
        },
    )
    if not held_out or not dealt:
        return Incremental(dealt, held_out, (), Return(None, _NO_HOLDOUT), _NO_HOLDOUT)
    ordered = {(is_held_out, currency): micros for is_held_out, currency, micros in rows}
    currencies = sorted({currency for _, currency in ordered})
    extra = tuple(
        Extra(one, round(ordered.get((False, one), 0) - ordered.get((True, one), 0) * dealt / held_out))
        for one in currencies
    )
    spent = counted.sum(lambda cell: cell.spent_micros)
    roi = money.return_on(spent, {one.currency: one.revenue_micros for one in extra})
    return Incremental(dealt, held_out, extra, roi, NOTE)
