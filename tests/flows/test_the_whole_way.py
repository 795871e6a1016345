"""From an audience to a true report, over HTTP, with the simulator as the provider."""

from __future__ import annotations

from flows.conftest import OpenShop
from live_installation import eventually
from tulia.reports.verify import verify


def test_a_campaign_with_two_variants_goes_the_whole_way(open_shop: OpenShop) -> None:
    shop = open_shop(customers=600, consenting=500)
    reach = shop.call("POST", "/v1/campaigns/reach", {"target_criteria": {"tags": ["vip"]}}).json()
    assert (reach["total_matching"], reach["with_consent"]) == (600, 500)
    assert [step["remaining"] for step in reach["waterfall"]] == [600, 500, 500, 500, 500, 500]
    campaign = shop.make(
        is_ab_test=True,
        seed=42,
        variants=[{"name": "A", "content": "Mangoes, {{ customer.first_name }}!"}, {"name": "B", "content": "Sale!"}],
    )
    answer = shop.execute(campaign, wait=30)
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert results["targeted"] == 600
    assert results["skipped_no_consent"] == 100
    assert results["sent"] == 500
    assert shop.execute(campaign).status_code == 409
    shop.drain_provider()
    ledger = shop.ledger_of_provider()
    mine = {opaque: n for opaque, n in ledger["accepts_by_opaque"].items() if campaign in opaque}
    assert len(mine) == results["sent"]
    assert set(mine.values()) == {1}

    def settled() -> bool:
        from tulia.core import clock
        from tulia.ingest import apply

        return shop.tenant_id not in apply.tenants_waiting(received_before=clock.now())

    eventually(settled)
    report = shop.report(campaign)
    balance = report["balance"]
    assert balance["audience"] == 600
    assert balance["skipped"] == 100
    assert balance["sent"] + balance["failed"] + balance["unknown"] == 500
    assert balance["is_balanced"]
    first, second = report["ab_test"]["variants"]
    assert (first["customer_count"], second["customer_count"]) == (250, 250)
    assert first["statistical_comparison"]["metric"] == "responded"
    assert report["delivery"]["delivered_count"] > 400
    assert report["engagement"]["read_count"] > 100
    assert report["engagement"]["response_count"] > 5
    assert verify([shop.tenant_id]).differences == ()
    everyone = shop.people(campaign)
    assert len(everyone) == 600
    assert len(shop.people(campaign, state="skipped", reason="no_consent")) == 100
