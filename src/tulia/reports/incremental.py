"""What a campaign brought beyond what would have come anyway, as the people held out of it show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tulia.audience.models import COUNTING_BOOKING_STATUSES, COUNTING_ORDER_STATUSES
from tulia.campaigns import experiment
from tulia.campaigns.models import MessageCampaign
from tulia.core import sql
from tulia.experiments import several, words
from tulia.experiments.counts import Inconclusive
from tulia.experiments.holdout import Amounts, Increment, MoneyIncrement, incremental_conversions, incremental_money
from tulia.experiments.proportions import pooled_z_test
from tulia.experiments.verdict import deciding_p
from tulia.ledger.record import CONVERSION_WINDOW
from tulia.ledger.status import Role, State
from tulia.reports import money
from tulia.reports.money import Return
from tulia.reports.tally import Tally

NOTE = (
    "What those who were dealt a variant ordered and booked within the window of their own turn, less what they would have "
    "if they were like the people held out. Per person dealt a variant, sent to or not; who is credited makes no difference."
)
_NO_HOLDOUT = "Nobody was held out, so nobody knows what would have come anyway."
KINDS = {"any": "ordered or booked", "order": "ordered", "booking": "booked"}
"""What people did, by kind."""
ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Extra:
    """Revenue in one currency beyond what would have come anyway, with its 95 % interval; negative when it was less.

    `variant` None for all together. `per_person_micros` is by how much `dealt_per_person_micros`, what orders came to per
    person dealt, is more than the same of the people held out.
    """

    currency: str
    variant: int | None
    revenue_micros: int
    interval_micros: tuple[int, int] | None
    per_person_micros: int
    dealt_per_person_micros: int
    held_out_per_person_micros: int


@dataclass(frozen=True, slots=True)
class ExtraPeople:
    """People who ordered or booked beyond those who would have anyway.

    `kind` is "any", "order" or "booking"; `variant` None for all together. Rates and their difference are percent of the
    people dealt and held out; `incremental` is in people, `attributed` are all of the dealt who did. Intervals are 95 %.
    `p_value` is two-sided; of variants it is adjusted (Holm) for their number. It means something at the end only, so
    nothing `is_significant` before every window is closed.
    """

    kind: str
    variant: int | None
    dealt: int
    did: int
    held_out: int
    held_out_did: int
    rate: float
    held_out_rate: float
    difference_points: float
    difference_interval: tuple[float, float]
    incremental: float
    incremental_interval: tuple[float, float]
    attributed: int
    incremental_share: float | None
    p_value: float
    is_significant: bool


@dataclass(frozen=True, slots=True)
class Incremental:
    """`note` says how it was worked out, or why nothing can be said; then there is nothing else. `share_matured` is whose
    window is closed, of everybody dealt or held out; `findings` are sentences."""

    dealt: int
    held_out: int
    revenue: tuple[Extra, ...]
    roi: Return
    note: str
    people: tuple[ExtraPeople, ...] = ()
    cost_micros: int = 0
    window_minutes: int = 0
    share_matured: float | None = None
    findings: tuple[str, ...] = ()


@dataclass(slots=True)
class _Bought:
    """People by (held out, arm, kind), and money by (held out, arm, currency): its sum, and that of its squares."""

    people: dict[tuple[bool, int | None, str], int] = field(default_factory=dict)
    money: dict[tuple[bool, int | None, str], tuple[float, float]] = field(default_factory=dict)

    def did(self, kind: str, *, is_held_out: bool, arm: int | None = None) -> int:
        return sum(
            people
            for (held, variant, what), people in self.people.items()
            if held is is_held_out and what == kind and (arm is None or variant == arm)
        )

    def amounts(self, people: int, currency: str, *, is_held_out: bool, arm: int | None = None) -> Amounts:
        sums = [
            sums
            for (held, variant, what), sums in self.money.items()
            if held is is_held_out and what == currency and (arm is None or variant == arm)
        ]
        return Amounts(people, sum(total for total, _ in sums), sum(squares for _, squares in sums))


def of_campaign(campaign: MessageCampaign, counted: Tally, *, now: datetime) -> Incremental:
    """Two queries. Call in the tenant's scope."""
    held_out = counted.of_role(Role.HELD_OUT).sum(lambda cell: cell.people)
    dealt = counted.of_role(Role.DEALT).sum(lambda cell: cell.people if cell.arm is not None else 0)
    if not held_out or not dealt:
        return Incremental(dealt, held_out, (), Return(None, _NO_HOLDOUT), _NO_HOLDOUT)
    window = experiment.window_of(campaign) if campaign.primary_metric == "converted" else CONVERSION_WINDOW
    bought = _bought(campaign, window, now=now)
    sizes = {
        cell.arm: counted.of_arm(cell.arm).sum(lambda one: one.people)
        for cell in counted.of_role(Role.DEALT).cells
        if cell.arm is not None
    }
    spent = counted.of_role(Role.DEALT).sum(lambda cell: cell.spent_micros)
    matured = _matured(campaign, window, now=now)
    is_final = matured == _turned(counted, dealt + held_out)
    people = _people(bought, sizes, held_out, is_final=is_final)
    revenue, said = _revenue(bought, sizes, held_out, is_final=is_final)
    return Incremental(
        dealt,
        held_out,
        revenue,
        money.return_on(spent, {one.currency: one.revenue_micros for one in revenue if one.variant is None}),
        NOTE,
        people=people,
        cost_micros=spent,
        window_minutes=window // timedelta(minutes=1),
        share_matured=matured / (dealt + held_out),
        findings=(*_findings(people, is_final=is_final), *said),
    )


def _bought(campaign: MessageCampaign, window: timedelta, *, now: datetime) -> _Bought:
    since = campaign.started_at or now
    rows = sql.fetch_all(
        sql.load("reports", "bought_in_window"),
        {
            "tenant_id": campaign.tenant_id,
            "campaign_id": campaign.pk,
            "since": since.replace(microsecond=0),
            "until": (campaign.completed_at or now) + window + timedelta(seconds=1),
            "span": window,
            "order_statuses": list(COUNTING_ORDER_STATUSES),
            "booking_statuses": list(COUNTING_BOOKING_STATUSES),
        },
    )
    found = _Bought()
    for is_held_out, arm, kind, currency, people, micros, squares in rows:
        if currency is None:
            found.people[is_held_out, arm, kind] = people
        else:
            found.money[is_held_out, arm, currency] = (micros, squares)
    return found


def _matured(campaign: MessageCampaign, window: timedelta, *, now: datetime) -> int:
    row = sql.fetch_one(
        sql.load("reports", "turns_before"),
        {
            "tenant_id": campaign.tenant_id,
            "campaign_id": campaign.pk,
            "closed_by": (now - window).replace(second=0, microsecond=0),
        },
    )
    return row[0] if row else 0


def _turned(counted: Tally, everybody: int) -> int:
    """Everybody but those whose turn is still to come, or never came."""
    open_states = (State.WAITING, State.DEFERRED, State.SENDING, State.CANCELLED)
    roles = (Role.DEALT, Role.HELD_OUT)
    return everybody - counted.sum(
        lambda cell: (
            cell.people
            if cell.role in roles and cell.state in open_states and (cell.arm is not None or cell.role is Role.HELD_OUT)
            else 0
        )
    )


def _people(bought: _Bought, sizes: Mapping[int, int], held_out: int, *, is_final: bool) -> tuple[ExtraPeople, ...]:
    """Of each kind all variants together, and with several variants each of them."""
    found: list[ExtraPeople] = []
    for kind in KINDS:
        held_did = bought.did(kind, is_held_out=True)
        together = (bought.did(kind, is_held_out=False), sum(sizes.values()))
        p_value = _p(together, (held_did, held_out))
        found += _line(kind, None, together, (held_did, held_out), p_value, is_final=is_final)
        if len(sizes) > 1:
            each = [(arm, (bought.did(kind, is_held_out=False, arm=arm), size)) for arm, size in sorted(sizes.items())]
            adjusted = several.holm([_p(counts, (held_did, held_out)) for _, counts in each])
            for (arm, counts), p_value in zip(each, adjusted, strict=True):
                found += _line(kind, arm, counts, (held_did, held_out), p_value, is_final=is_final)
    return tuple(found)


def _p(treated: tuple[int, int], held: tuple[int, int]) -> float:
    return deciding_p(pooled_z_test(*held, *treated), *held, *treated)[0]


def _line(
    kind: str, arm: int | None, treated: tuple[int, int], held: tuple[int, int], p_value: float, *, is_final: bool
) -> list[ExtraPeople]:
    found = incremental_conversions(*held, *treated, alpha=ALPHA)
    if isinstance(found, Inconclusive):
        return []
    (did, people), (held_did, held_out), (low, high) = treated, held, found.interval
    return [
        ExtraPeople(
            kind=kind,
            variant=arm,
            dealt=people,
            did=did,
            held_out=held_out,
            held_out_did=held_did,
            rate=100 * did / people,
            held_out_rate=100 * held_did / held_out,
            difference_points=100 * found.rate,
            difference_interval=(100 * low / people, 100 * high / people),
            incremental=found.conversions,
            incremental_interval=found.interval,
            attributed=found.attributed,
            incremental_share=found.share,
            p_value=p_value,
            is_significant=is_final and p_value < ALPHA,
        )
    ]


def _revenue(
    bought: _Bought, sizes: Mapping[int, int], held_out: int, *, is_final: bool
) -> tuple[tuple[Extra, ...], tuple[str, ...]]:
    """In each currency all variants together, which is told in words too, and with several variants each of them."""
    extra, said = [], []
    for currency in sorted({currency for _, _, currency in bought.money}):
        held = bought.amounts(held_out, currency, is_held_out=True)
        for arm in (None, *(sorted(sizes) if len(sizes) > 1 else ())):
            people = sum(sizes.values()) if arm is None else sizes[arm]
            treated = bought.amounts(people, currency, is_held_out=False, arm=arm)
            found = incremental_money(held, treated, alpha=ALPHA)
            extra.append(_extra(currency, arm, treated, held, found))
            if arm is None:
                said.append(words.money(found, currency=currency, so_far=not is_final))
    return tuple(extra), tuple(said)


def _extra(
    currency: str, arm: int | None, treated: Amounts, held: Amounts, found: MoneyIncrement | Inconclusive
) -> Extra:
    each, each_held = treated.total / treated.people, held.total / held.people
    known = found if isinstance(found, MoneyIncrement) else None
    return Extra(
        currency,
        arm,
        revenue_micros=round(known.total if known else (each - each_held) * treated.people),
        interval_micros=(round(known.interval[0]), round(known.interval[1])) if known else None,
        per_person_micros=round(each - each_held),
        dealt_per_person_micros=round(each),
        held_out_per_person_micros=round(each_held),
    )


def _findings(people: tuple[ExtraPeople, ...], *, is_final: bool) -> tuple[str, ...]:
    return tuple(
        words.increment(
            Increment(
                rate=one.difference_points / 100,
                conversions=one.incremental,
                interval=one.incremental_interval,
                attributed=one.attributed,
                share=one.incremental_share,
                alpha=ALPHA,
            ),
            noun=f"people who {KINDS[one.kind]}",
            did=KINDS[one.kind],
            is_significant=one.is_significant,
            so_far=not is_final,
        )
        for one in people
        if one.variant is None and (one.did or one.held_out_did) and one.kind != "any"
    )
