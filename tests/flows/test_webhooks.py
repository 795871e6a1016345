"""Outgoing webhooks the whole way: a shop subscribes over HTTP, the worker tells its receiver what happens."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import live_installation as installations
from flows import opening
from flows.shop import Shop, status, text_reply
from hook_receiver import Receiver, receiving
from live_installation import Installation, eventually
from tulia.webhooks.event_types import EVENT_TYPES


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One whose subscribers may live on this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TULIA_WEBHOOKS_MAY_BE_LOCAL", "true")
        with installations.running(tmp_path_factory.mktemp("installation")) as running:
            yield running


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


def _subscribe(shop: Shop, receiver: Receiver, *types: str) -> Any:
    answer = shop.call("POST", "/v1/event-subscriptions", {"url": receiver.url, "event_types": types or EVENT_TYPES})
    assert answer.status_code == 201, answer.text
    return answer.json()


def _run(shop: Shop) -> str:
    """A campaign to everybody, sent and over; its id."""
    campaign = shop.make()
    assert shop.execute(campaign, wait=30).status_code == 200
    return campaign


def _all_delivered(shop: Shop, subscription: Any) -> bool:
    path = f"/v1/event-subscriptions/{subscription['id']}/deliveries?limit=1"
    return not shop.get(f"{path}&state=pending")["results"] and not shop.get(f"{path}&state=failed")["results"]


def test_a_campaign_and_its_people_are_told_of_signed_and_once_each(
    installation: Installation, receiver: Receiver
) -> None:
    shop = opening.open_shop(installation, customers=40, consenting=30)
    subscription = _subscribe(shop, receiver)
    campaign = _run(shop)
    shop.drain_provider()
    report = eventually(lambda: _settled(shop, campaign, receiver))
    eventually(lambda: _all_delivered(shop, subscription))
    told = receiver.types()
    assert set(receiver.times().values()) == {1}, "the receiver was healthy: nothing comes twice"
    assert told["campaign.started"] == told["campaign.completed"] == 1
    assert told["recipient.sent"] == report["delivery"]["delivery_count"] == 30
    assert told["recipient.delivered"] == report["delivery"]["delivered_count"]
    assert told["recipient.read"] == report["engagement"]["read_count"]
    assert told["recipient.replied"] == report["engagement"]["response_count"]
    assert told["recipient.skipped"] == 0, "who never consented was no recipient"
    for one in receiver.arrived:
        payload = one.verify(subscription["secret"])
        assert set(payload) == {"type", "timestamp", "data"}
        assert "+254" not in one.body.decode()
        assert "mangoes" not in one.body.decode().lower()


def _settled(shop: Shop, campaign: str, receiver: Receiver) -> Any:
    """The report, once every callback is applied and every event of it has arrived."""
    from tulia.core import clock
    from tulia.ingest import apply

    if shop.tenant_id in apply.tenants_waiting(received_before=clock.now()):
        return None
    report = shop.report(campaign)
    told = receiver.types()
    expected = {
        "recipient.sent": report["delivery"]["delivery_count"],
        "recipient.delivered": report["delivery"]["delivered_count"],
        "recipient.failed": report["delivery"]["failed_count"],
        "recipient.read": report["engagement"]["read_count"],
        "recipient.replied": report["engagement"]["response_count"],
    }
    return report if all(told[kind] >= count for kind, count in expected.items()) else None


def test_a_stop_a_conversion_and_a_pause_are_told(installation: Installation, receiver: Receiver) -> None:
    shop = opening.open_shop(installation, customers=8)
    _subscribe(shop, receiver)
    campaign = _run(shop)
    row = next(one for one in shop.people(campaign) if one["accepted_at"] and one["state"] != "failed")
    customer = shop.get(f"/v1/customers/{row['customer_id']}")
    now = datetime.now(tz=UTC)
    order = shop.call(
        "POST",
        "/v1/orders",
        {
            "customer_id": row["customer_id"], "placed_at": now.isoformat(), "total": "500",
            "currency": "KES", "status": "paid",
        },
    )  # fmt: skip
    assert order.status_code == 201, order.text
    assert shop.callback(text_reply(customer["phone"], "STOP")).status_code == 200
    eventually(lambda: receiver.types()["customer.opted_out"])
    eventually(lambda: receiver.types()["recipient.converted"])
    (stop,) = [one.payload for one in receiver.arrived if one.type == "customer.opted_out"]
    assert stop["data"]["customer_id"] == row["customer_id"]
    (bought,) = [one.payload for one in receiver.arrived if one.type == "recipient.converted"]
    assert (bought["data"]["revenue_micros"], bought["data"]["currency"]) == (500_000_000, "KES")
    later = shop.make(scheduled_at=(now + timedelta(days=1)).isoformat())
    assert shop.call("POST", f"/v1/campaigns/{later}/cancel", {}).status_code == 200
    eventually(lambda: receiver.types()["campaign.scheduled"] and receiver.types()["campaign.canceled"])


def test_what_was_refused_is_tried_again_and_what_arrived_can_be_sent_again(
    installation: Installation, receiver: Receiver
) -> None:
    shop = opening.open_shop(installation, customers=1)
    receiver.answer = lambda n: (500, {}) if n == 0 else (200, {})
    subscription = _subscribe(shop, receiver, "campaign.completed")
    began = datetime.now(tz=UTC) - timedelta(seconds=5)
    _run(shop)
    eventually(lambda: len(receiver.arrived) == 2 and _all_delivered(shop, subscription))
    assert len(receiver.times()) == 1
    log = f"/v1/event-subscriptions/{subscription['id']}/deliveries"
    (delivery,) = shop.get(log)["results"]
    assert (delivery["state"], delivery["attempt_count"]) == ("delivered", 2)
    assert [one["status"] for one in shop.get(f"{log}/{delivery['id']}")["attempts"]] == [200, 500]

    assert shop.call("POST", f"{log}/{delivery['id']}/replay", {}).status_code == 202
    eventually(lambda: len(receiver.arrived) == 3)
    period = {"from": began.isoformat(), "to": (datetime.now(tz=UTC) + timedelta(seconds=5)).isoformat()}
    answer = shop.call("POST", f"/v1/event-subscriptions/{subscription['id']}/replay", period)
    assert (answer.status_code, answer.json()) == (202, {"event_count": 1})
    eventually(lambda: len(receiver.arrived) == 4)
    assert receiver.times() == {delivery["event_id"]: 4}
    assert len({one.body for one in receiver.arrived}) == 1
    for one in receiver.arrived:
        one.verify(subscription["secret"])


def test_a_test_event_is_posted_at_once_and_the_answer_told(installation: Installation, receiver: Receiver) -> None:
    shop = opening.open_shop(installation)
    subscription = _subscribe(shop, receiver, "campaign.completed")
    answers = []
    for status_code in (200, 404):
        receiver.answer = lambda _, status_code=status_code: (status_code, {})  # type: ignore[misc]
        answers.append(shop.call("POST", f"/v1/event-subscriptions/{subscription['id']}/test", {}).json())
    assert [(one["is_delivered"], one["status"], one["response"]) for one in answers] == [
        (True, 200, "hey"), (False, 404, "hey")
    ]  # fmt: skip
    assert receiver.arrived[0].verify(subscription["secret"])["type"] == "webhook.test"


def test_nothing_is_lost_when_the_worker_is_killed_in_the_middle(
    installation: Installation, receiver: Receiver
) -> None:
    """Killed three times, in the middle of sending and of telling: each fact arrives, with few repeated."""
    shop = opening.open_shop(installation, customers=300, rate=100)
    subscription = _subscribe(shop, receiver)
    campaign = shop.make()
    shop.execute(campaign)
    for part in (30, 90, 150):
        eventually(lambda part=part: len(receiver.arrived) >= part, within=60)  # type: ignore[misc]
        installation.kill("worker")
        installation.start_worker()
    shop.until(campaign, "completed", within=90)
    shop.drain_provider()
    report = eventually(lambda: _settled(shop, campaign, receiver), within=90)
    eventually(lambda: _all_delivered(shop, subscription), within=60)
    told = receiver.types()
    assert told["recipient.sent"] == report["delivery"]["delivery_count"]
    assert told["recipient.delivered"] == report["delivery"]["delivered_count"]
    assert told["campaign.completed"] == 1
    repeated = sum(count - 1 for count in receiver.times().values())
    assert repeated <= 3 * 20, "at most the batch that was being posted at each kill"
    for one in receiver.arrived:
        one.verify(subscription["secret"])


def test_late_receipts_of_a_finished_campaign_are_told_too(installation: Installation, receiver: Receiver) -> None:
    shop = opening.open_shop(installation, customers=1)
    campaign = _run(shop)
    _subscribe(shop, receiver, "recipient.read")
    shop.drain_provider()
    eventually(lambda: shop.report(campaign)["delivery"]["delivered_count"] >= 0)
    (row,) = shop.people(campaign)
    had = shop.report(campaign)["engagement"]["read_count"]
    assert shop.statuses(status(row["message_id"], "read")).status_code == 200
    eventually(lambda: shop.report(campaign)["engagement"]["read_count"] == 1)
    eventually(lambda: receiver.types()["recipient.read"] >= 1 - had)
