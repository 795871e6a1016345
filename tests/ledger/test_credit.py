"""Conversions: each order once, to the last message before it, within the window."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import pytest

from cast import NOW, add_campaign, add_people, add_sender, all_at_once, recipients, reloaded, start
from tulia.audience.models import Customer
from tulia.campaigns.models import MessageCampaign
from tulia.ledger import models as ledger
from tulia.ledger import record
from tulia.ledger.record import Conversion, Evidence, Kind
from tulia.reports import campaign_report
from tulia.reports.verify import verify
from tulia.tenants import accounts
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope

WEEK = timedelta(days=7)


class Shop:
    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.sender = add_sender(tenant)
        self.asha, self.brian = add_people(tenant, 2)

    def send(self, at: datetime = NOW, kind: Kind = Kind.ACCEPTED) -> MessageCampaign:
        """A campaign whose messages were accepted at this time."""
        campaign = start(add_campaign(self.tenant))
        record.record(self.tenant.id, self.sender.id, [Evidence(row.id, kind, at) for row in recipients(campaign)])
        return campaign

    def credit(self, *orders: Conversion, kind: str = "order", window: timedelta = WEEK) -> None:
        record.credit(self.tenant.id, kind, orders, window=window)

    def credited(self) -> dict[uuid.UUID, uuid.UUID]:
        """The campaign of each credited order."""
        with tenant_scope(self.tenant.id):
            return dict(ledger.Conversion.objects.values_list("source_id", "campaign_id"))


def order(who: Customer, at: datetime, *, micros: int = 5_000_000) -> Conversion:
    return Conversion(uuid.uuid4(), who.id, at, micros, "KES")


@pytest.fixture
def shop(tenant: Tenant) -> Shop:
    return Shop(tenant)


def test_an_order_counts_once_however_often_it_is_told(shop: Shop) -> None:
    campaign = shop.send()
    one = order(shop.asha, NOW + timedelta(hours=1))
    shop.credit(one, one)
    shop.credit(one)
    assert shop.credited() == {one.source_id: campaign.pk}
    assert reloaded(campaign).conversion_count == 1
    assert verify([shop.tenant.id]).differences == ()


def test_an_order_and_a_booking_of_one_id_are_two_conversions_of_one_person(shop: Shop) -> None:
    campaign = shop.send()
    one = order(shop.asha, NOW)
    shop.credit(one)
    shop.credit(one, kind="booking")
    assert reloaded(campaign).conversion_count == 1
    with tenant_scope(shop.tenant.id):
        assert ledger.Conversion.objects.count() == 2


def test_the_last_message_before_the_order_gets_it(shop: Shop) -> None:
    first, second = shop.send(NOW), shop.send(NOW + timedelta(days=1))
    shop.send(NOW + timedelta(days=3))
    between, after = order(shop.asha, NOW + timedelta(hours=23)), order(shop.brian, NOW + timedelta(days=2))
    shop.credit(after, between)
    assert shop.credited() == {between.source_id: first.pk, after.source_id: second.pk}


@pytest.mark.parametrize(
    ("after", "counts"),
    [
        (timedelta(0), True),
        (timedelta(microseconds=-1), True),
        (timedelta(seconds=-1, microseconds=1), True),
        (timedelta(seconds=-1), False),
        (WEEK, True),
        (WEEK + timedelta(microseconds=1), False),
        (timedelta(days=-1), False),
    ],
)
def test_the_window_has_exact_edges(shop: Shop, after: timedelta, counts: bool) -> None:
    campaign = shop.send()
    shop.credit(order(shop.asha, NOW + after))
    assert reloaded(campaign).conversion_count == int(counts)


def test_two_orders_of_one_person_are_one_converted_person_and_both_revenues(shop: Shop) -> None:
    campaign = shop.send()
    late, early = order(shop.asha, NOW + timedelta(hours=2)), order(shop.asha, NOW + timedelta(hours=1), micros=7)
    shop.credit(late)
    shop.credit(early)
    assert reloaded(campaign).conversion_count == 1
    with tenant_scope(shop.tenant.id):
        (arm,) = campaign_report.generate(reloaded(campaign), now=NOW).arms
    assert (arm.converted, arm.revenue_micros) == (1, 5_000_007)
    assert {row.converted_at for row in recipients(campaign) if row.customer_id == shop.asha.id} == {early.at}
    assert verify([shop.tenant.id]).differences == ()


def test_who_got_no_message_was_not_brought_by_one(shop: Shop) -> None:
    waiting = start(add_campaign(shop.tenant))
    rejected = shop.send(kind=Kind.REJECTED)
    failed = shop.send(kind=Kind.FAILED)
    got = shop.send(NOW - timedelta(hours=1))
    shop.credit(order(shop.asha, NOW + timedelta(hours=1)))
    assert [reloaded(one).conversion_count for one in (waiting, rejected, failed, got)] == [0, 0, 0, 1]


def test_orders_of_strangers_and_none_at_all_are_credited_to_nobody(shop: Shop) -> None:
    campaign = shop.send()
    other = accounts.create_tenant(f"o-{uuid.uuid4().hex[:8]}", name="Other", tier="starter")
    one = order(shop.asha, NOW)
    record.credit(other.id, "order", [one], window=WEEK)
    shop.credit()
    shop.credit(Conversion(uuid.uuid4(), uuid.uuid4(), NOW, 1, "KES"))
    assert shop.credited() == {}
    assert reloaded(campaign).conversion_count == 0


def test_the_same_orders_credited_by_many_at_once_count_once(shop: Shop) -> None:
    campaigns = [shop.send(), shop.send(NOW + timedelta(days=1))]
    orders = [order(who, NOW + timedelta(days=day)) for who in (shop.asha, shop.brian) for day in (0, 1, 2)]
    acts = [lambda some=orders[i:] + orders[:i]: shop.credit(*some) for i in range(6)]
    assert all_at_once(*acts) == [None] * 6
    assert len(shop.credited()) == 6
    assert [reloaded(one).conversion_count for one in campaigns] == [2, 2]
    assert verify([shop.tenant.id]).differences == ()


def test_a_reply_is_not_credited_to_a_message_that_failed(shop: Shop) -> None:
    from tulia.ledger import reconcile

    sent, failed = shop.send(NOW), shop.send(NOW + timedelta(minutes=1), kind=Kind.FAILED)
    asked = [(shop.asha.phone, NOW + timedelta(hours=1)), ("+254799999999", NOW)]
    latest = reconcile.latest_sends(shop.tenant.id, shop.sender.id, asked, window=timedelta(hours=72))
    assert latest == {0: next(row.id for row in recipients(sent) if row.customer_id == shop.asha.id)}
    assert reloaded(failed).delivery_count == 2
