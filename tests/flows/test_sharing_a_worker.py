"""Two shops on one worker: one with a crowd waiting, one with a hundred people who aren't to notice."""

from __future__ import annotations

import time

import pytest

from flows.conftest import OpenShop
from flows.shop import Shop
from live_installation import eventually
from tulia.core import clock, sql
from tulia.tenants.scope import tenant_scope

CROWD = 120_000
TRIES = 3  # a busy machine takes a second for itself now and then; who really waits for a crowd does so each time
_PEOPLE = """
    INSERT INTO customers (id, tenant_id, external_id, phone, name, language, timezone, country, attributes,
                           consents_promotional, created_at, updated_at)
    SELECT gen_random_uuid(), %(tenant)s, 'C-' || n, '+2547' || lpad(n::text, 8, '0'), 'Person ' || n, 'en', '', 'KE',
           '{}', true, %(now)s, %(now)s
    FROM generate_series(1, %(people)s::int) n
    WHERE n %% 10000 > 999
"""
_TALKING = """
    INSERT INTO conversations (id, tenant_id, customer_id, status, last_activity_at, last_inbound_at)
    SELECT gen_random_uuid(), %(tenant)s, id, 'open', %(now)s, %(now)s FROM customers WHERE tenant_id = %(tenant)s
"""


def fill(shop: Shop, people: int) -> None:
    with tenant_scope(shop.tenant_id):
        given = {"tenant": shop.tenant_id, "people": people, "now": clock.now()}
        sql.execute(_PEOPLE, given)
        sql.execute(_TALKING, given)


def seconds_for_a_hundred(shop: Shop) -> float:
    """From the answer to the execute until the last of a hundred people was sent to."""
    campaign = shop.make()
    begun = time.monotonic()
    shop.execute(campaign)
    eventually(lambda: shop.get(f"/v1/campaigns/{campaign}")["delivery_count"] == 100, within=60, every=0.05)
    return time.monotonic() - begun


@pytest.mark.parametrize("crowds", [2])
def test_a_shop_with_a_crowd_delays_a_hundred_of_another_by_no_more_than_a_second(
    open_shop: OpenShop, crowds: int
) -> None:
    """While the crowds are frozen, more of them than there are places for long jobs, and while they are sent to."""
    big = [open_shop(rate=1_000) for _ in range(crowds)]
    for shop in big:
        fill(shop, CROWD)
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
