"""Funnel, times, failures and money agree with a count by hand, on campaigns with an invented past."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from invented_ledger import ARMS, CAUSES, Ledger, counts_of, invent, is_delivered

from cast import NOW, add_campaign, add_people, add_sender
from tulia.analytics_service import AnalyticsService
from tulia.audience.models import Order
from tulia.campaign_service import CampaignService
from tulia.campaigns.models import MessageCampaign
from tulia.core.errors import Missing
from tulia.ledger.models import Recipient
from tulia.ledger.status import State
from tulia.reports import failure_words, response_times
from tulia.reports.money import Money
from tulia.reports.response_times import EDGES, Spread
from tulia.tenants import api_keys
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope

Figures = Callable[[AnalyticsService, MessageCampaign], Any]
EVERY: dict[str, Figures] = {
    "timeline": lambda service, campaign: service.timeline(campaign.pk),
    "funnel": lambda service, campaign: service.funnel(campaign.pk),
    "cohorts by week": lambda service, campaign: service.cohorts(campaign.pk, by="first_message_week"),
    "cohorts by tag": lambda service, campaign: service.cohorts(campaign.pk, by="tag"),
    "cohorts by country": lambda service, campaign: service.cohorts(campaign.pk, by="country"),
    "response times": lambda service, campaign: service.response_times(campaign.pk),
    "failures": lambda service, campaign: service.failures(campaign.pk),
    "money": lambda service, campaign: service.money(campaign.pk),
    "messaging": lambda service, _: service.messaging(),
    "results": lambda service, campaign: list(service.export_results(campaign.pk).blocks),
}


def service(tenant: Tenant) -> AnalyticsService:
    return AnalyticsService(api_keys.operator(tenant.id))


def test_the_funnel_counts_people_of_all_and_of_each_variant(tenant: Tenant) -> None:
    ledger = invent(tenant, 400)
    said = service(tenant).funnel(ledger.campaign.pk)
    assert {step.step: step.people for step in said.steps} == counts_of(ledger.rows)
    assert [(index, name) for index, name, _ in said.arms] == [(0, "A"), (1, "=B")]
    for index, _, steps in said.arms:
        assert {step.step: step.people for step in steps} == counts_of(ledger.people(arm=index))
    people = [step.people for step in said.steps]
    assert said.steps[0].percent_of_previous is None
    for number, step in enumerate(said.steps[1:], start=1):
        assert step.percent_of_previous == pytest.approx(100 * people[number] / people[number - 1])
        assert step.percent_of_targeted == pytest.approx(100 * people[number] / people[0])


def seconds(rows: list[Recipient], kind: str) -> list[float]:
    """How long each person took, by hand."""
    found = []
    for row in rows:
        at: datetime | None = getattr(row, kind)
        if at:
            begun = row.sent_at or row.accepted_at
            assert begun
            found.append(max(0.0, (at - begun).total_seconds()))
    return found


def check_spread(spread: Spread, times: list[float], *, people: int | None = None) -> None:
    """`people` is given where `times` repeats one person, because quantiles by hand need two."""
    assert spread.people == (people or len(times))
    assert spread.mean_seconds == pytest.approx(statistics.fmean(times))
    deciles = statistics.quantiles(times, n=10, method="inclusive")
    assert spread.p10_seconds == pytest.approx(deciles[0])
    assert spread.median_seconds == pytest.approx(statistics.median(times))
    assert spread.p90_seconds == pytest.approx(deciles[8])
    assert sum(bar.people for bar in spread.histogram) == spread.people
    if people == 1:
        return
    for bar in spread.histogram:
        ending = bar.to_seconds or float("inf")
        assert bar.people == sum(bar.from_seconds <= one < ending for one in times)


def test_times_to_read_and_to_reply_are_those_one_works_out_by_hand(tenant: Tenant) -> None:
    ledger = invent(tenant, 500)
    said = service(tenant).response_times(ledger.campaign.pk)
    check_spread(said.everyone.to_read, seconds(ledger.rows, "read_at"))
    check_spread(said.everyone.to_reply, seconds(ledger.rows, "replied_at"))
    for index, _, times in said.arms:
        check_spread(times.to_read, seconds(ledger.people(arm=index), "read_at"))
        check_spread(times.to_reply, seconds(ledger.people(arm=index), "replied_at"))
    assert [bar.from_seconds for bar in said.everyone.to_read.histogram] == [0, *EDGES]


def test_times_of_very_many_people_are_known_to_three_digits(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = invent(tenant, 500)
    exact = service(tenant).response_times(ledger.campaign.pk).everyone
    monkeypatch.setattr(response_times, "EXACT_UP_TO", 0)
    rounded = service(tenant).response_times(ledger.campaign.pk).everyone
    for before, after in ((exact.to_read, rounded.to_read), (exact.to_reply, rounded.to_reply)):
        assert after.histogram == before.histogram
        assert after.mean_seconds == pytest.approx(before.mean_seconds)
        for name in ("p10_seconds", "median_seconds", "p90_seconds"):
            assert getattr(after, name) == pytest.approx(getattr(before, name), rel=0.01)
    assert rounded != exact


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=60))
def test_any_times_have_the_quantiles_that_statistics_knows(times: list[int]) -> None:
    found = response_times.spread(Counter(map(float, times)), float(sum(times)))
    check_spread(found, [float(one) for one in times] if len(times) > 1 else [float(times[0])] * 2, people=len(times))


def test_failures_are_counted_by_class_and_code_with_what_to_do(tenant: Tenant) -> None:
    ledger = invent(tenant, 600)
    by_hand = Counter((row.failure_kind, row.failure_code) for row in ledger.rows if row.state == State.FAILED)
    lines = service(tenant).failures(ledger.campaign.pk)
    assert {(line.failure_class, line.code): line.people for line in lines} == dict(by_hand)
    assert set(by_hand) == set(CAUSES)
    assert [line.people for line in lines] == sorted((line.people for line in lines), reverse=True)
    for line in lines:
        assert line.sentence.endswith(".")
        assert (line.meaning, line.advice) == (
            failure_words.of_class(line.failure_class).meaning,
            failure_words.of_class(line.failure_class).advice,
        )
    assert "24 hours" not in str(lines)


def test_every_class_of_failure_has_words_of_its_own() -> None:
    from tulia.channels.types import FailureKind

    words = [failure_words.of_class(kind.value) for kind in FailureKind]
    assert len(set(words) | {failure_words.of_class("")}) == len(FailureKind) + 1


def check_money(said: Money, ledger: Ledger, rows: list[Recipient]) -> None:
    assert {one.currency: one.revenue_micros for one in said.revenue} == ledger.revenue(rows)
    assert sum(one.conversions for one in said.revenue) == sum(len(ledger.conversions.get(row.pk, ())) for row in rows)
    spent = sum(row.cost_micros for row in rows if is_delivered(row))
    on_the_way = (State.SENDING, State.UNKNOWN, State.ACCEPTED, State.SENT)
    assert said.cost.spent_micros == spent
    assert said.cost.reserved_micros == sum(row.cost_micros for row in rows if row.state in on_the_way)
    counts = counts_of(rows)
    assert said.cost.per_delivered_micros == pytest.approx(spent / counts["delivered"])
    assert said.cost.per_reply_micros == pytest.approx(spent / counts["replied"])
    assert said.cost.per_conversion_micros == pytest.approx(spent / counts["converted"])


def test_two_currencies_are_told_side_by_side_and_never_added(tenant: Tenant) -> None:
    ledger = invent(tenant, 400)
    said = service(tenant).money(ledger.campaign.pk)
    check_money(said.everyone, ledger, ledger.rows)
    for index, _, money in said.arms:
        check_money(money, ledger, ledger.people(arm=index))
    assert said.everyone.single_revenue_micros is None
    assert (said.everyone.roi.percent, said.everyone.roi.reason) == (None, "The cost is in USD, and revenue is in KES.")
    report = CampaignService(api_keys.operator(tenant.id)).generate_report(ledger.campaign.pk).to_json()
    assert report["engagement"]["revenue_micros"] is None
    assert {one["currency"]: one["revenue_micros"] for one in report["engagement"]["revenue"]} == ledger.revenue(
        ledger.rows
    )


def test_revenue_in_the_currency_of_the_cost_makes_a_return(tenant: Tenant) -> None:
    ledger = invent(tenant, 300, currencies=("USD",))
    said = service(tenant).money(ledger.campaign.pk).everyone
    spent, earned = said.cost.spent_micros, ledger.revenue(ledger.rows)["USD"]
    assert said.single_revenue_micros == earned
    assert said.roi.percent == pytest.approx(100 * (earned - spent) / spent)
    report = CampaignService(api_keys.operator(tenant.id)).generate_report(ledger.campaign.pk).to_json()
    assert report["engagement"]["revenue_micros"] == earned
    assert report["money"]["roi"]["percent"] == said.roi.percent
    assert sum(arm["revenue_micros"] for arm in report["ab_test"]["variants"]) == earned


def test_without_a_recorded_cost_nothing_is_said_of_a_return(tenant: Tenant) -> None:
    ledger = invent(tenant, 100, currencies=("USD",))
    with tenant_scope(tenant.id):
        Recipient.objects.filter(campaign=ledger.campaign).update(cost_micros=0)
    said = service(tenant).money(ledger.campaign.pk).everyone
    assert said.roi.percent is None
    assert "No cost" in said.roi.reason


def test_what_is_incremental_is_told_beside_what_is_credited(tenant: Tenant) -> None:
    ledger = invent(tenant, 300, start=NOW - timedelta(days=1))
    spent: dict[tuple[bool, str], int] = {}
    did: dict[bool, int] = {True: 0, False: 0}
    with tenant_scope(tenant.id):
        for number, row in enumerate(ledger.rows):
            at = NOW + timedelta(days=number % 12 - 3)
            status, currency = ("paid", "canceled")[number % 5 == 0], ("USD", "KES")[number % 2]
            micros = 1_000_000 * (number % 17)
            Order.objects.create(
                tenant=tenant, customer_id=row.customer_id, placed_at=at, status=status, currency=currency,
                total_micros=micros,
            )  # fmt: skip
            is_held_out = row.state == State.HOLDOUT
            turn = row.turn_at
            if turn is None or not (is_held_out or row.arm is not None):
                continue
            if status == "paid" and turn.replace(microsecond=0) <= at <= turn + timedelta(days=7):
                spent[is_held_out, currency] = spent.get((is_held_out, currency), 0) + micros
                did[is_held_out] += 1
    said = service(tenant).money(ledger.campaign.pk).incremental
    held_out = sum(row.state == State.HOLDOUT for row in ledger.rows)
    dealt = sum(row.arm is not None and row.state != State.HOLDOUT for row in ledger.rows)
    assert (said.dealt, said.held_out) == (dealt, held_out)
    assert {one.currency: one.revenue_micros for one in said.revenue if one.variant is None} == {
        currency: pytest.approx(spent[False, currency] - spent.get((True, currency), 0) / held_out * dealt, abs=1)
        for currency in ("KES", "USD")
    }
    for one in said.revenue:
        assert one.held_out_per_person_micros == round(spent.get((True, one.currency), 0) / held_out)
        assert one.per_person_micros == pytest.approx(
            one.dealt_per_person_micros - one.held_out_per_person_micros, abs=1
        )
    for currency in ("KES", "USD"):
        lines = [one for one in said.revenue if one.currency == currency]
        assert [one.variant for one in lines] == [None, 0, 1]
        assert lines[0].revenue_micros == pytest.approx(lines[1].revenue_micros + lines[2].revenue_micros, abs=2)
    assert not any(one.is_significant for one in said.people)
    together = next(one for one in said.people if one.kind == "order" and one.variant is None)
    assert (together.did, together.held_out_did) == (did[False], did[True])
    assert together.incremental == pytest.approx(did[False] - did[True] / held_out * dealt)
    assert together.incremental_interval[0] < together.incremental < together.incremental_interval[1]
    assert said.roi.percent is None
    with tenant_scope(tenant.id):
        Recipient.objects.filter(campaign=ledger.campaign, state=State.HOLDOUT).delete()
    without = service(tenant).money(ledger.campaign.pk).incremental
    assert (without.revenue, without.roi.percent) == ((), None)
    assert "Nobody was held out" in without.note


@pytest.mark.parametrize("figures", EVERY.values(), ids=EVERY)
def test_a_campaign_with_nobody_in_it_has_figures_too(tenant: Tenant, figures: Figures) -> None:
    figures(service(tenant), add_campaign(tenant))
    figures(service(tenant), add_campaign(tenant, is_ab_test=True, variants=ARMS))


def test_with_nobody_there_are_no_shares_and_no_times(tenant: Tenant) -> None:
    draft = add_campaign(tenant)
    for step in service(tenant).funnel(draft.pk).steps:
        assert (step.people, step.percent_of_previous, step.percent_of_targeted) == (0, None, None)
    money = service(tenant).money(draft.pk).everyone
    assert (money.revenue, money.single_revenue_micros, money.cost.per_reply_micros) == ((), 0, None)
    spread = service(tenant).response_times(draft.pk).everyone.to_reply
    assert (spread.people, spread.mean_seconds, spread.median_seconds) == (0, None, None)
    assert sum(bar.people for bar in spread.histogram) == 0


@pytest.mark.parametrize("figures", EVERY.values(), ids=EVERY)
def test_the_campaign_of_another_tenant_is_missing(tenant: Tenant, figures: Figures) -> None:
    from tulia.tenants import accounts

    stranger = accounts.create_tenant(f"s-{tenant.slug}", name="S", tier="starter")
    if figures is EVERY["messaging"]:
        return
    with pytest.raises(Missing):
        figures(service(stranger), add_campaign(tenant))


@pytest.fixture(scope="module")
def two_sizes() -> tuple[Tenant, MessageCampaign, MessageCampaign]:
    """A tenant with a campaign of a hundred people, some held out, and one of a thousand."""
    from tulia.tenants import accounts

    tenant = accounts.create_tenant(f"sizes-{id(object())}", name="Sizes", tier="enterprise")
    sender, people = add_sender(tenant), [person.id for person in add_people(tenant, 1_000)]
    small = invent(tenant, 0, people=people[:100], sender=sender)
    large = invent(tenant, 0, people=people, sender=sender, start=NOW)
    return tenant, small.campaign, large.campaign


@pytest.mark.parametrize("figures", EVERY.values(), ids=EVERY)
def test_the_number_of_queries_does_not_depend_on_the_number_of_people(
    figures: Figures, two_sizes: tuple[Tenant, MessageCampaign, MessageCampaign]
) -> None:
    tenant, small, large = two_sizes
    counts = []
    for campaign in (small, large):
        with CaptureQueriesContext(connection) as queries:
            figures(service(tenant), campaign)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 14


def test_the_report_agrees_with_the_figures_beside_it(tenant: Tenant) -> None:
    ledger = invent(tenant, 300)
    report = CampaignService(api_keys.operator(tenant.id)).generate_report(ledger.campaign.pk)
    figures = service(tenant)
    assert report.money == figures.money(ledger.campaign.pk).everyone
    assert report.times == figures.response_times(ledger.campaign.pk).everyone
    assert report.failures == figures.failures(ledger.campaign.pk)
    assert set(report.to_json()) >= {"failures", "money", "response_times"}
    steps = {step.step: step.people for step in figures.funnel(ledger.campaign.pk).steps}
    assert (steps["sent"], steps["delivered"]) == (ledger.campaign.delivery_count, ledger.campaign.delivered_count)
