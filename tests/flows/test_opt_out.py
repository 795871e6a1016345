"""Who says STOP gets no campaign message from then on, in any campaign, and one answer."""

from __future__ import annotations

import contextlib
import re
import time
from collections import Counter, defaultdict
from typing import Any

from flows.conftest import OpenShop
from flows.shop import Shop, text_reply
from flows.test_callbacks import applied
from live_installation import eventually, fetch
from tulia.audience.models import Confirmation, Customer
from tulia.audience.models import Message as Said
from tulia.ledger.models import Recipient
from tulia.ledger.status import State
from tulia.reports.verify import verify
from tulia.tenants.scope import tenant_scope

STOPPED = "You have been unsubscribed from promotional and reminder messages"


def says(shop: Shop, phone: str, text: str) -> None:
    """A person of the simulator writes; its callback is signed and posted by the simulator."""
    fetch(f"{shop.installation.simulator_url}/_sim/inbound", {"from": phone, "to": shop.phone_number_id, "text": text})


def accepted_for(shop: Shop, phone: str) -> list[Any]:
    """The provider's own record of what it took for this person from this shop."""
    found = fetch(f"{shop.installation.simulator_url}/_sim/messages?to={phone.lstrip('+')}&limit=1000")["messages"]
    return [one for one in found if one["phone_number_id"] == shop.phone_number_id]


def agreeing(shop: Shop, phones: list[str]) -> int:
    with tenant_scope(shop.tenant_id):
        return Customer.objects.filter(phone__in=phones, consents_promotional=True).count()


def confirmations(shop: Shop) -> list[tuple[str, str]]:
    with tenant_scope(shop.tenant_id):
        return list(Confirmation.objects.order_by("id").values_list("kind", "state"))


def stopped_in_time(campaigns: list[str], shop: Shop, stopping: list[str]) -> list[str]:
    """Of those whose STOP is acknowledged now, whose messages have not begun to leave; on a slow machine not all."""
    with tenant_scope(shop.tenant_id):
        rows = Recipient.objects.filter(campaign_id__in=campaigns, customer__phone__in=stopping)
        begun = set(rows.filter(claimed_at__isnull=False).values_list("customer__phone", flat=True))
    assert len(begun) <= len(stopping) // 2, "the campaigns were too far on to show anything"
    return [phone for phone in stopping if phone not in begun]


def test_fifty_stops_amid_ten_thousand_messages_of_two_campaigns_stop_every_later_one(open_shop: OpenShop) -> None:
    shop = open_shop(customers=5_000, rate=500)
    campaigns = [shop.make(name=name) for name in ("Mangoes", "Avocados")]
    for campaign in campaigns:
        shop.execute(campaign)
    eventually(
        lambda: all(shop.get(f"/v1/campaigns/{one}")["delivery_count"] > 500 for one in campaigns),
        within=90,
        every=0.05,
    )
    ranks: dict[str, list[int]] = defaultdict(list)
    with tenant_scope(shop.tenant_id):
        for campaign in campaigns:
            waiting = Recipient.objects.filter(campaign_id=campaign, due_at__isnull=False).order_by("id")
            for rank, phone in enumerate(waiting.values_list("customer__phone", flat=True)):
                ranks[phone].append(rank)
    # Far enough from the front that none of them is sent to before the STOP is there, and no farther.
    soon = sorted((max(one), phone) for phone, one in ranks.items() if len(one) == 2 and min(one) > 1_500)
    stopping = [phone for _, phone in soon[:50]]
    assert len(stopping) == 50
    for phone in stopping:
        says(shop, phone, "Stop!")
    eventually(lambda: agreeing(shop, stopping) == 0, within=90, every=0.02)
    stopping = stopped_in_time(campaigns, shop, stopping)
    came_after = [shop.get(f"/v1/campaigns/{campaign}")["delivery_count"] for campaign in campaigns]

    def states() -> Counter[tuple[int, str]]:
        with tenant_scope(shop.tenant_id):
            rows = Recipient.objects.filter(campaign_id__in=campaigns, customer__phone__in=stopping)
            return Counter(rows.values_list("state", "reason"))

    with contextlib.suppress(AssertionError):  # the comparison below says what they are instead
        eventually(lambda: states() == {(State.SKIPPED, "opted_out"): 2 * len(stopping)}, within=120)
    assert states() == {(State.SKIPPED, "opted_out"): 2 * len(stopping)}
    for campaign, before in zip(campaigns, came_after, strict=True):
        assert shop.get(f"/v1/campaigns/{campaign}")["delivery_count"] > before, "the campaigns went on after the stops"
        assert shop.call("POST", f"/v1/campaigns/{campaign}/cancel", {}).status_code == 200
    eventually(lambda: all(len(accepted_for(shop, phone)) == 1 for phone in stopping), within=20)
    for phone in stopping:
        (only,) = accepted_for(shop, phone)
        assert only["opaque"].startswith("confirmation:"), "a campaign's message left after the STOP was acknowledged"
    assert verify([shop.tenant_id]).differences == ()


def test_a_stop_is_answered_once_however_often_it_is_said_and_repeated(open_shop: OpenShop) -> None:
    shop = open_shop(customers=1)
    phone = "+254700000000"
    stop = text_reply(phone, " «Stop!» ")
    for _ in range(3):
        assert shop.callback(stop).status_code == 200
    assert agreeing(shop, [phone]) == 0
    shop.callback(text_reply(phone, "STOP"))
    eventually(lambda: confirmations(shop) == [("stopped", "sent")], within=15)
    applied(shop)
    time.sleep(1.5)
    assert confirmations(shop) == [("stopped", "sent")]
    assert [one["opaque"].partition(":")[0] for one in accepted_for(shop, phone)] == ["confirmation"]
    with tenant_scope(shop.tenant_id):
        said = list(Said.objects.filter(direction="outbound").values_list("message_type", "text"))
    assert said == [("automated_transactional", STOPPED)]


def test_yes_opts_in_again_only_as_the_next_word_after_stop(open_shop: OpenShop) -> None:
    shop = open_shop(customers=2)
    first, second = "+254700000000", "+254700000001"
    now = time.time()
    shop.callback(text_reply(first, "stop", at=now - 60))
    shop.callback(text_reply(second, "stop", at=now - 60))
    shop.callback(text_reply(second, "How much is it?", at=now - 30))
    applied(shop)
    shop.callback(text_reply(first, "Yes!", at=now), text_reply(second, "Yes!", at=now))
    applied(shop)
    assert (agreeing(shop, [first]), agreeing(shop, [second])) == (1, 0)
    eventually(
        lambda: sorted(confirmations(shop)) == [("started", "sent"), ("stopped", "sent"), ("stopped", "sent")],
        within=15,
    )


def test_the_providers_own_switch_and_its_refusal_withdraw_promotions_and_get_no_answer(open_shop: OpenShop) -> None:
    shop = open_shop(customers=2, number=lambda i: 7_790_000 + [1000, 50][i])
    switched, refused = "+254707791000", "+254707790050"
    fetch(
        f"{shop.installation.simulator_url}/_sim/preference",
        {"wa_id": switched, "value": "stop", "to": shop.phone_number_id},
    )
    eventually(lambda: agreeing(shop, [switched]) == 0)
    campaign = shop.make()
    shop.execute(campaign)
    shop.until(campaign)
    shop.drain_provider()
    eventually(lambda: agreeing(shop, [refused]) == 0)
    for phone in (switched, refused):
        (person,) = shop.get(f"/v1/customers?phone={phone.replace('+', '%2B')}")["results"]
        assert person["preferences"] == {
            "transactional_messages": True, "reminder_messages": True, "promotional_messages": False
        }  # fmt: skip
        (entry,) = [
            one
            for one in shop.get(f"/v1/customers/{person['id']}/consent-history")["results"]
            if one["source"] == "customer_initiated"
        ]
        assert (entry["actor"], entry["consent_type"]) == ("customer", "promotional_messages")
    assert confirmations(shop) == []


def test_the_logs_of_all_this_name_nobody(open_shop: OpenShop) -> None:
    shop = open_shop(customers=1)
    phone = "+254700000000"
    shop.callback(text_reply(phone, "Stop"), text_reply(phone, "my secret wish"))
    applied(shop)
    (person,) = shop.get("/v1/customers")["results"]
    assert shop.get(f"/v1/customers/{person['id']}/export")["messages"]
    body = {"confirm": True, "reason": "asked for it"}
    assert shop.call("POST", f"/v1/customers/{person['id']}/erase", body).status_code == 200
    assert shop.call("POST", f"/v1/customers/{person['id']}/erase", {"phone": phone}).status_code == 400
    for name in ("web", "worker"):
        said = (shop.installation.logs / f"{name}.log").read_text()
        assert not re.search(r"2547\d{8}|secret wish|Person 0", said), name
