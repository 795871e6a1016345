"""Sending: failures by class, one run for two executes, pauses, schedules, crashes."""

from __future__ import annotations

import concurrent.futures
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

from flows.conftest import OpenShop
from flows.shop import Shop, text_reply
from flows.test_callbacks import applied, counters
from live_installation import Installation, eventually, fetch
from tulia.reports.verify import verify


def accepts(shop: Shop, campaign: str) -> Counter[str]:
    """How often the provider accepted each reference of this campaign."""
    ledger = shop.ledger_of_provider()["accepts_by_opaque"]
    return Counter({opaque: count for opaque, count in ledger.items() if campaign in opaque})


def test_each_class_of_failure_gets_what_it_deserves(open_shop: OpenShop) -> None:
    endings = [26, 429, 500, 220, 221, 230, 1000, 1001]
    shop = open_shop(customers=len(endings), number=lambda i: 7_770_000 + endings[i])
    campaign = shop.make()
    shop.execute(campaign)
    shop.until(campaign, within=90)
    shop.drain_provider()
    applied(shop)
    by_ending = {person["phone"][-4:]: person for person in shop.people(campaign)}
    assert by_ending["0026"]["state"] == "failed"
    assert by_ending["0026"]["failure_code"] == "131026"
    for ending, tries in (("0429", 1), ("0500", 3)):  # refused twice, then taken; being too fast is no try
        assert by_ending[ending]["accepted_at"], by_ending[ending]
        assert by_ending[ending]["attempts"] == tries
    assert by_ending["0220"]["state"] == "delivered"
    assert (by_ending["0221"]["state"], by_ending["0221"]["delivered_at"]) == ("read", None)
    assert by_ending["0230"]["state"] in ("delivered", "read")
    assert set(accepts(shop, campaign).values()) == {1}
    assert verify([shop.tenant_id]).differences == ()


def test_what_was_accepted_without_an_answer_is_resolved_by_its_callbacks_and_never_sent_again(
    open_shop: OpenShop,
) -> None:
    shop = open_shop(customers=3, number=lambda i: 7_780_000 + [599, 599 + 10_000, 1000][i])
    campaign = shop.make()
    shop.execute(campaign)
    shop.until(campaign)
    shop.drain_provider()
    applied(shop)
    balance = shop.report(campaign)["balance"]
    assert balance["unknown"] == 0
    assert balance["sent"] + balance["failed"] == 3
    assert set(accepts(shop, campaign).values()) == {1}
    assert counters(shop, campaign)[0] == 3


def test_two_executes_at_once_are_one_run_and_one_refusal(open_shop: OpenShop) -> None:
    shop = open_shop(customers=50)
    for _ in range(5):
        campaign = shop.make()
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: shop.execute(campaign).status_code, range(4)))
        assert sorted(answers) == [202, 409, 409, 409]
        shop.until(campaign)
        # Who answered an earlier one of the five with STOP is skipped now.
        skipped = shop.get(f"/v1/campaigns/{campaign}/report")["balance"]["skipped"]
        assert len(accepts(shop, campaign)) + skipped == 50
        assert set(accepts(shop, campaign).values()) == {1}


def test_everyone_must_be_confirmed_and_so_must_any_run(open_shop: OpenShop) -> None:
    shop = open_shop(customers=3)
    campaign = shop.make(target_criteria={})
    assert shop.call("POST", f"/v1/campaigns/{campaign}/execute", {}).status_code == 400
    refused = shop.execute(campaign)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "everyone_not_confirmed")
    assert shop.execute(campaign, wait=20, confirm_everyone=True).json()["results"]["sent"] == 3


def test_a_scheduled_campaign_starts_by_itself_once_with_two_workers(
    open_shop: OpenShop, installation: Installation
) -> None:
    shop = open_shop(customers=20)
    installation.start_worker("second")
    at = datetime.now(tz=UTC) + timedelta(seconds=3)
    campaign = shop.make(scheduled_at=at.isoformat())
    ended = shop.until(campaign, within=30)
    installation.stop("second")
    assert 0 <= (datetime.fromisoformat(ended["started_at"]) - at).total_seconds() < 5
    assert ended["delivery_count"] == 20
    assert set(accepts(shop, campaign).values()) == {1}
    past = shop.call(
        "POST", "/v1/campaigns",
        {"name": "x", "message_content": "x", "target_criteria": {"tags": ["vip"]}, "scheduled_at": "2020-01-01T00:00:00Z"},
    )  # fmt: skip
    assert past.status_code == 400
    assert "scheduled_at" in past.json()["error"]["details"]


def test_pause_resume_and_cancel_lose_and_repeat_nobody(open_shop: OpenShop) -> None:
    shop = open_shop(customers=1_200, rate=300)
    campaign = shop.make()
    shop.execute(campaign)
    eventually(lambda: counters(shop, campaign)[0] > 100, every=0.05)
    assert shop.call("POST", f"/v1/campaigns/{campaign}/pause", {}).json()["status"] == "paused"
    time.sleep(2)
    then = counters(shop, campaign)[0]
    time.sleep(1)
    assert counters(shop, campaign)[0] == then < 1_200
    assert shop.report(campaign)["balance"]["sending"] == 0
    assert shop.call("POST", f"/v1/campaigns/{campaign}/pause", {}).status_code == 409
    shop.call("POST", f"/v1/campaigns/{campaign}/resume", {})
    eventually(lambda: counters(shop, campaign)[0] > then + 100, every=0.05)
    assert shop.call("POST", f"/v1/campaigns/{campaign}/cancel", {}).json()["status"] == "canceled"
    eventually(lambda: shop.report(campaign)["balance"]["waiting"] == 0)
    balance = eventually(lambda: (b := shop.report(campaign)["balance"])["sending"] == 0 and b)
    assert balance["cancelled"] > 0
    assert balance["cancelled"] + balance["sent"] + balance["failed"] == 1_200
    assert set(accepts(shop, campaign).values()) == {1}
    assert len(accepts(shop, campaign)) == counters(shop, campaign)[0]


def test_the_rate_is_never_above_the_limit_in_any_second(open_shop: OpenShop) -> None:
    shop = open_shop(customers=400, rate=100)
    campaign = shop.make()
    shop.execute(campaign)
    shop.until(campaign, within=30)
    assert shop.ledger_of_provider()["max_per_second"][shop.phone_number_id] <= 100


def test_an_acknowledged_stop_stops_every_message_that_has_not_gone_out(open_shop: OpenShop) -> None:
    shop = open_shop(customers=300, rate=60)
    campaign = shop.make()
    shop.execute(campaign)
    eventually(lambda: counters(shop, campaign)[0] > 10, every=0.05)
    acknowledged: dict[str, datetime] = {}
    for person in shop.people(campaign, state="waiting")[::3]:
        assert shop.callback(text_reply(person["phone"], " Stop! ")).status_code == 200
        acknowledged[person["customer_id"]] = datetime.now(tz=UTC)
    shop.until(campaign, within=60)
    by_id = {person["customer_id"]: person for person in shop.people(campaign)}
    skipped = [one for one in acknowledged if by_id[one]["reason"] == "opted_out"]
    assert len(skipped) > 30
    for one in set(acknowledged) - set(skipped):  # their turn came before their STOP did
        sent_at = datetime.fromisoformat(by_id[one]["accepted_at"])
        assert sent_at < acknowledged[one] + timedelta(seconds=0.5)
    assert all(by_id[one]["reason"] == "" for one in by_id.keys() - acknowledged.keys())


def test_kill_9_of_the_worker_sends_to_nobody_twice_and_forgets_nobody(
    open_shop: OpenShop, installation: Installation
) -> None:
    shop = open_shop(customers=5_000, rate=2_000)
    campaign = shop.make()
    shop.execute(campaign)
    for _ in range(3):
        before = counters(shop, campaign)[0]
        eventually(lambda: counters(shop, campaign)[0] > before + 300, every=0.02)
        installation.kill("worker")
        in_flight = shop.report(campaign)["balance"]["sending"]
        assert in_flight <= 512
        installation.start_worker()
    shop.until(campaign, within=120)
    shop.drain_provider()
    applied(shop)
    balance = shop.report(campaign)["balance"]
    taken = accepts(shop, campaign)
    assert set(taken.values()) == {1}
    assert balance["is_balanced"]
    assert balance["sent"] + balance["failed"] + balance["unknown"] == 5_000
    # Whoever is still unknown was noted at the very moment of a kill and never reached the provider; nobody else is.
    unknown = shop.people(campaign, state="unknown")
    assert len(unknown) <= 3
    assert len(taken) == counters(shop, campaign)[0] == 5_000 - len(unknown)
    assert verify([shop.tenant_id]).differences == ()


def test_a_sender_whose_token_expired_is_paused_and_burns_nobody(
    open_shop: OpenShop, installation: Installation
) -> None:
    shop = open_shop(customers=50)
    fetch(f"{installation.simulator_url}/_sim/numbers", {
        "phone_number_id": shop.phone_number_id, "display_phone_number": "254711000000", "access_token": "another",
        "app_secret": "app-secret-of-the-shop", "callback_url": "http://127.0.0.1:9/x", "verify_token": "v", "rate": 0,
    })  # fmt: skip
    campaign = shop.make()
    shop.execute(campaign)
    paused = shop.until(campaign, "paused")
    assert "access token" in paused["status_reason"]
    eventually(lambda: shop.report(campaign)["balance"]["sending"] == 0)
    balance = shop.report(campaign)["balance"]
    assert (balance["failed"], balance["waiting"] + balance["deferred"]) == (0, 50)
