"""Two shops on one worker: one with a crowd waiting, one with a hundred people who aren't to notice."""

from __future__ import annotations

import time

import pytest

from flows.conftest import OpenShop
from flows.opening import open_crowded_shop
from flows.shop import Shop
from live_installation import Installation, eventually

CROWD = 108_000
TRIES = 3  # a busy machine takes a second for itself now and then; who really waits for a crowd does so each time


def seconds_for_a_hundred(shop: Shop) -> float:
    """From the answer to the execute until the last of a hundred people was sent to."""
    campaign = shop.make()
    begun = time.monotonic()
    shop.execute(campaign)
    eventually(lambda: shop.get(f"/v1/campaigns/{campaign}")["delivery_count"] == 100, within=60, every=0.05)
    return time.monotonic() - begun


@pytest.mark.parametrize("crowds", [2])
def test_a_shop_with_a_crowd_delays_a_hundred_of_another_by_no_more_than_a_second(
    installation: Installation, open_shop: OpenShop, crowds: int
) -> None:
    """While the crowds are frozen, more of them than there are places for long jobs, and while they are sent to."""
    big = [open_crowded_shop(installation, people=CROWD, rate=1_000) for _ in range(crowds)]
    alone = min(seconds_for_a_hundred(open_shop(customers=100, rate=1_000)) for _ in range(2))
    small = [open_shop(customers=100, rate=1_000) for _ in range(1 + TRIES)]
    going = [(shop, shop.make(target_criteria={})) for shop in big]
    for shop, campaign in going:
        assert shop.execute(campaign, confirm_everyone=True).status_code == 202
    while_frozen = seconds_for_a_hundred(small[0])
    for shop, campaign in going:
        eventually(lambda: shop.get(f"/v1/campaigns/{campaign}")["delivery_count"] > 200, within=90)
    while_sent_to = 60.0
    for shop in small[1:]:
        if while_sent_to > alone + 1.0:
            while_sent_to = min(while_sent_to, seconds_for_a_hundred(shop))
    for shop, campaign in going:
        assert shop.get(f"/v1/campaigns/{campaign}")["status"] == "sending"
        shop.call("POST", f"/v1/campaigns/{campaign}/cancel", {})
    assert while_frozen <= alone + 1.0
    assert while_sent_to <= alone + 1.0
