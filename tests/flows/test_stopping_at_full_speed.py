"""Pausing and canceling a thousand messages a second, while the callbacks of those before pour in."""

from __future__ import annotations

import time
from collections import Counter

from flows.conftest import OpenShop
from flows.shop import Shop
from flows.test_callbacks import counters
from live_installation import eventually, fetch
from tulia.reports.verify import verify

AT_MOST_SECONDS = 2.0  # what is promised; 0.1 to 0.4 s is usual


def accepts(shop: Shop, campaign: str) -> Counter[str]:
    ledger = shop.ledger_of_provider()["accepts_by_opaque"]
    return Counter({opaque: count for opaque, count in ledger.items() if campaign in opaque})


def seconds_until_it_stops(shop: Shop, campaign: str, *, watched_for: float = 3.0) -> float:
    """From now until the provider accepts the campaign's last message; it is watched for a while longer."""
    begun = last_change = time.monotonic()
    count = accepts(shop, campaign).total()
    while time.monotonic() - begun < watched_for:
        if (now := accepts(shop, campaign).total()) != count:
            count, last_change = now, time.monotonic()
        time.sleep(0.05)
    return last_change - begun


def act(shop: Shop, campaign: str, what: str) -> None:
    assert shop.call("POST", f"/v1/campaigns/{campaign}/{what}", {}).status_code == 200


def stopped_in_the_middle(shop: Shop, what: str) -> str:
    """A campaign that is paused or canceled (`what`) at full speed, and stops in time."""
    campaign = shop.make()
    shop.execute(campaign)
    eventually(lambda: counters(shop, campaign)[0] > 1_500, every=0.1)
    act(shop, campaign, what)
    assert seconds_until_it_stops(shop, campaign) <= AT_MOST_SECONDS
    return campaign


def test_a_pause_at_a_thousand_a_second_stops_within_two_seconds_and_a_resume_loses_and_repeats_nobody(
    open_shop: OpenShop,
) -> None:
    shop = open_shop(customers=6_000, rate=1_000)
    campaign = stopped_in_the_middle(shop, "pause")
    balance = shop.report(campaign)["balance"]
    assert (balance["sending"], balance["unknown"]) == (0, 0)
    sent = len(accepts(shop, campaign))
    assert 1_500 < sent < 6_000
    act(shop, campaign, "resume")
    eventually(lambda: counters(shop, campaign)[0] > sent + 1_000, every=0.1)
    act(shop, campaign, "pause")
    act(shop, campaign, "resume")
    shop.until(campaign, within=60)
    once = accepts(shop, campaign)
    assert set(once.values()) == {1}
    # Who answered with STOP before their turn came is skipped.
    balance = shop.report(campaign)["balance"]
    assert len(once) + balance["skipped"] + balance["failed"] >= 6_000
    assert balance["waiting"] == balance["sending"] == balance["deferred"] == balance["unknown"] == 0
    assert (
        fetch(f"{shop.installation.simulator_url}/_sim/ledger?brief=1")["max_per_second"][shop.phone_number_id] <= 1_000
    )
    eventually(lambda: not verify([shop.tenant_id]).differences, within=30)


def test_a_cancel_at_a_thousand_a_second_stops_within_two_seconds_and_everybody_is_accounted_for(
    open_shop: OpenShop,
) -> None:
    shop = open_shop(customers=5_000, rate=1_000)
    campaign = stopped_in_the_middle(shop, "cancel")
    balance = eventually(lambda: (b := shop.report(campaign)["balance"])["waiting"] == 0 and b)
    assert balance["sending"] == balance["unknown"] == 0
    assert balance["cancelled"] > 0
    assert balance["cancelled"] + balance["sent"] + balance["failed"] + balance["skipped"] == 5_000
    assert set(accepts(shop, campaign).values()) == {1}
