"""Orders and bookings after a campaign message count once, with their revenue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flows.conftest import OpenShop
from flows.shop import Shop
from flows.test_callbacks import counters, sent_campaign
from tulia.reports.verify import verify


def order(shop: Shop, **fields: Any) -> Any:
    defaults = {"placed_at": datetime.now(tz=UTC).isoformat(), "total": "1500.50", "currency": "KES", "status": "paid"}
    return shop.call("POST", "/v1/orders", defaults | fields)


def test_an_order_within_seven_days_counts_once_with_its_revenue(open_shop: OpenShop) -> None:
    shop = open_shop(customers=5)
    campaign, _ = sent_campaign(shop, 5)
    now = datetime.now(tz=UTC)
    late = (now + timedelta(days=8)).isoformat()
    early = (now - timedelta(hours=1)).isoformat()
    assert order(shop, external_id="1", customer_external_id="C0000000").status_code == 201
    order(shop, external_id="2", customer_external_id="C0000000", total="100")
    order(shop, external_id="3", customer_external_id="C0000001", placed_at=late)
    order(shop, external_id="4", customer_external_id="C0000002", placed_at=early)
    order(shop, external_id="5", customer_external_id="C0000003", status="draft")
    report = shop.report(campaign)
    assert report["engagement"]["conversion_count"] == 1
    assert report["engagement"]["revenue_micros"] == 1_600_500_000
    assert verify([shop.tenant_id]).differences == ()


def test_imported_orders_and_bookings_count_and_importing_them_again_changes_nothing(open_shop: OpenShop) -> None:
    shop = open_shop(customers=5)
    campaign, _ = sent_campaign(shop, 5)
    at = (datetime.now(tz=UTC) + timedelta(minutes=1)).isoformat()
    orders = f"external_id,customer_external_id,placed_at,total,currency,status\nA1,C0000000,{at},20,KES,completed\n"
    bookings = f"external_id,customer_external_id,booked_at,starts_at,status\nB1,C0000001,{at},{at},confirmed\n"
    for _ in range(2):
        for kind, text in (("orders", orders), ("bookings", bookings)):
            answer = shop.call("POST", f"/v1/{kind}/import", text.encode(), Content_Type="text/csv")
            assert answer.status_code == 200, answer.text
    assert counters(shop, campaign)[5] == 2
    assert shop.report(campaign)["engagement"]["revenue_micros"] == 20_000_000
    assert verify([shop.tenant_id]).differences == ()


def test_a_conversion_goes_to_the_last_message_before_it(open_shop: OpenShop) -> None:
    shop = open_shop(customers=1)
    older, _ = sent_campaign(shop, 1, name="older")
    newer, _ = sent_campaign(shop, 1, name="newer")
    order(shop, external_id="1", customer_external_id="C0000000")
    assert (counters(shop, older)[5], counters(shop, newer)[5]) == (0, 1)
