"""A campaign as files: everybody in it, line by line, and its results, a line for each arm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from tulia.campaigns.models import MessageCampaign
from tulia.core import sql
from tulia.core.errors import Invalid
from tulia.ledger.queries import LINES
from tulia.ledger.status import NAMES, State
from tulia.reports import csv_lines
from tulia.reports.campaign_report import CampaignReport
from tulia.reports.csv_lines import amount, instant, number, text
from tulia.reports.money import Cost, Revenue
from tulia.reports.variants import Arm

RECIPIENT_COLUMNS = (
    "external_id", "phone", "name", "variant", "state", "reason", "attempts", "due_at", "accepted_at", "sent_at",
    "delivered_at", "read_at", "replied_at", "converted_at", "failed_at", "failure_class", "failure_code", "cost_usd",
    "revenue", "currency",
)  # fmt: skip
RESULT_COLUMNS = (
    "variant", "targeted", "sent", "delivered", "failed", "read", "replied", "converted", "delivery_rate", "read_rate",
    "engagement_rate", "conversion_rate", "mean_reply_seconds", "median_reply_seconds", "spent_usd", "reserved_usd",
    "revenue", "currency",
)  # fmt: skip


def states_named(state: str | None) -> list[int] | None:
    """The states behind a line of the balance sheet; None for all. Raises Invalid for a line that there isn't."""
    if state is None:
        return None
    if state not in LINES:
        known = ", ".join(LINES)
        raise Invalid(f"state must be one of {known}.", details={"state": f"must be one of {known}"})
    return [int(one) for one in LINES[state]]


def recipients(
    tenant_id: UUID, campaign_id: UUID, *, variants: Sequence[str], states: list[int] | None, reason: str | None
) -> Iterator[bytes]:
    """The file of everybody, in blocks, through a cursor of the database: to be read within one transaction.

    `variants` are the names of the arms. Phones are written as they are: the database holds them to a plus and digits,
    so that they can do nothing in a spreadsheet, and they can be imported again.
    """
    rows = sql.stream(
        sql.load("reports", "export_recipients"),
        {"tenant_id": tenant_id, "campaign_id": campaign_id, "states": states, "reason": reason},
    )
    return csv_lines.blocks(RECIPIENT_COLUMNS, (_person(row, variants) for row in rows))


def _person(row: sql.Row, variants: Sequence[str]) -> tuple[object, ...]:
    external_id, phone, name, arm, state, reason, attempts, *rest = row
    *times, kind, code, cost, currencies, revenues = rest
    return (
        text(external_id), phone or "", text(name), _variant(arm, variants), NAMES[State(state)], text(reason), attempts,
        *(instant(at) for at in times), text(kind), text(code), amount(cost),
        ";".join(amount(one) for one in revenues or ()), ";".join(currencies or ()),
    )  # fmt: skip


def _variant(arm: int | None, variants: Sequence[str]) -> str:
    if arm is None:
        return ""
    return text(variants[arm]) if arm < len(variants) else str(arm)


def variant_names(campaign: MessageCampaign) -> list[str]:
    """The names of the arms by number; none when the campaign is no test."""
    return [str(variant.get("name", "")) for variant in campaign.variants] if campaign.is_ab_test else [""]


def results(report: CampaignReport) -> Iterator[bytes]:
    """The file of results: a line for each variant of a test, and the last one for all together.

    Who was left out before variants were dealt out is in the total alone.
    """
    rows = [_arm(arm) for arm in report.arms] if report.campaign.is_ab_test else []
    return csv_lines.blocks(RESULT_COLUMNS, [*rows, _total(report)])


def _arm(arm: Arm) -> tuple[object, ...]:
    counts = (arm.assigned, arm.sent, arm.delivered, arm.failed, arm.read, arm.responded, arm.converted)
    seconds = (arm.average_response_seconds, arm.median_response_seconds)
    return _line(text(arm.name), counts, seconds, arm.cost, arm.revenue)


def _total(report: CampaignReport) -> tuple[object, ...]:
    campaign, to_reply = report.campaign, report.times.to_reply
    counts = (
        report.balance.audience, campaign.delivery_count, campaign.delivered_count, campaign.failed_count,
        campaign.read_count, campaign.response_count, campaign.conversion_count,
    )  # fmt: skip
    seconds = (to_reply.mean_seconds, to_reply.median_seconds)
    return _line("total", counts, seconds, report.money.cost, report.money.revenue)


def _line(
    name: str,
    counts: tuple[int, ...],
    seconds: tuple[float | None, float | None],
    cost: Cost,
    revenue: tuple[Revenue, ...],
) -> tuple[object, ...]:
    _, sent, delivered, _, read, replied, converted = counts
    shares = ((delivered, sent), (read, delivered), (replied, delivered), (converted, delivered))
    return (
        name, *counts, *(number(100.0 * part / whole) if whole else "" for part, whole in shares),
        *(number(one) for one in seconds), amount(cost.spent_micros), amount(cost.reserved_micros),
        ";".join(amount(one.revenue_micros) for one in revenue), ";".join(one.currency for one in revenue),
    )  # fmt: skip
