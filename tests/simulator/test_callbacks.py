"""What a business is told: signatures, shapes, batches, and how badly callbacks can travel."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import Counter

import orjson
import pytest

from simulator.business import NUMBER, Business, wamid
from simulator.inbox import Inbox


def keys(inbox: Inbox) -> list[set[tuple[str, str]]]:
    """For each POST the (message, state) pairs in it."""
    return [
        {
            (status["id"], status["status"])
            for change in orjson.loads(body)["entry"][0]["changes"]
            for status in change["value"].get("statuses", [])
        }
        for _, body in inbox.posts
    ]


def signed(headers: dict[str, str], body: bytes) -> bool:
    good = "sha256=" + hmac.new(b"secret", body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(headers["X-Hub-Signature-256"], good)


async def test_every_post_is_signed_over_its_raw_bytes(business: Business, inbox: Inbox) -> None:
    for suffix in ("0200", "0212", "0026"):
        await business.send(f"+25470000{suffix}", "a/b ü 🙏")
    await business.drain()
    assert inbox.posts
    assert all(signed(headers, body) for headers, body in inbox.posts)
    assert all(headers["Content-Type"] == "application/json" for headers, _ in inbox.posts)
    assert {status["biz_opaque_callback_data"] for status in inbox.statuses()} == {"a/b ü 🙏"}
    assert all(body.isascii() and b"a\\/b" in body for _, body in inbox.posts if b"biz_opaque" in body)


async def test_a_status_has_the_shape_of_version_24(business: Business, inbox: Inbox) -> None:
    sent = wamid(await business.send("+254700000220", "o1"))
    await business.drain()
    value = inbox.values()[-1]
    status = value["statuses"][-1]
    (contact,) = value["contacts"]
    assert value["metadata"] == {"display_phone_number": "254711000000", "phone_number_id": "1065"}
    assert contact["wa_id"] == "254700000220"
    assert contact["user_id"].startswith("KE.")
    assert contact["profile"]["name"]
    assert status.pop("timestamp").isdigit()
    assert status == {
        "id": sent,
        "status": "delivered",
        "recipient_id": "254700000220",
        "recipient_user_id": contact["user_id"],
        "biz_opaque_callback_data": "o1",
        "pricing": {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "marketing"},
    }
    assert orjson.loads(inbox.posts[0][1])["entry"][0]["id"] == "777"


async def test_a_failure_comes_without_contacts_and_prices(business: Business, inbox: Inbox) -> None:
    await business.send("+254700000026", "o1")
    await business.send("+254700000220", "o2")
    await business.drain()
    (value,) = [value for value in inbox.values() if value["statuses"][0]["status"] == "failed"]
    assert "contacts" not in value
    (status,) = value["statuses"]
    assert "pricing" not in status
    assert "recipient_user_id" not in status
    assert set(status["errors"][0]) == {"code", "title", "message", "error_data", "href"}


async def test_a_message_without_opaque_data_comes_back_without_it(business: Business, inbox: Inbox) -> None:
    await business.send("+254700000220")
    await business.drain()
    assert not any("biz_opaque_callback_data" in status for status in inbox.statuses())


async def test_service_messages_are_free_up_to_the_monthly_quota(business: Business, inbox: Inbox) -> None:
    await business.control("PUT", "config", {"service_free_per_month": 1})
    sent = [wamid(await business.say("+254700000220")) for _ in range(2)]
    await business.drain()
    kinds = [{status["pricing"]["type"] for status in inbox.statuses(one)} for one in sent]
    assert kinds == [{"free_customer_service"}, {"regular"}]
    assert {status["pricing"]["category"] for status in inbox.statuses()} == {"service"}


async def test_updates_are_gathered_but_never_beyond_the_greatest_batch(business: Business, inbox: Inbox) -> None:
    await business.control(
        "PUT", "config", {"webhooks": {"flush_ms": 60, "batch_usual": 7, "batch_max": 7, "posts_per_flush": 1}}
    )
    for index in range(40):
        await business.send(f"+2547000{index:02d}0220", f"o{index}")
    await business.drain()
    sizes = [len(batch) for batch in keys(inbox)]
    assert sum(sizes) == 80
    assert max(sizes) == 7


async def test_batches_grow_with_the_backlog(business: Business, inbox: Inbox) -> None:
    await business.control("PUT", "config", {"webhooks": {"batch_usual": 1, "posts_per_flush": 2, "flush_ms": 200}})
    for index in range(40):
        await business.send(f"+2547000{index:02d}0220", f"o{index}")
    await business.control("POST", "clock", {"advance_s": 60})
    await business.drain()
    assert len(inbox.posts) < 30


async def test_a_copy_comes_in_another_post_than_the_original(business: Business, inbox: Inbox) -> None:
    await business.control(
        "PUT", "config", {"noise": {"dup_rate": 1.0, "dup_within_s": 0.001}, "webhooks": {"batch_usual": 1000}}
    )
    for index in range(20):
        await business.send(f"+2547000{index:02d}0220", f"o{index}")
    await business.drain()
    told = Counter((status["id"], status["status"]) for status in inbox.statuses())
    assert set(told.values()) == {2}
    assert sum(len(batch) for batch in keys(inbox)) == 80
    assert (await business.ledger())["by_state"]["delivered"] == 20


async def test_reordered_updates_keep_the_moment_they_happened(business: Business, inbox: Inbox) -> None:
    await business.control(
        "PUT", "config", {"noise": {"reorder_rate": 1.0}, "timestamps": "virtual", "webhooks": {"batch_usual": 1}}
    )
    for index in range(10):
        await business.send(f"+2547000{index:02d}0220", f"o{index}")
    await business.drain()
    by_id: dict[str, list[str]] = {}
    for status in inbox.statuses():
        by_id.setdefault(status["id"], []).append(status["status"])
    assert ["delivered", "sent"] in by_id.values()
    stamps = {(status["id"], status["status"]): int(status["timestamp"]) for status in inbox.statuses()}
    assert all(stamps[one, "sent"] <= stamps[one, "delivered"] for one in by_id)


async def test_dropped_updates_are_never_told_but_did_happen(business: Business, inbox: Inbox) -> None:
    await business.control("PUT", "config", {"noise": {"drop_rate": 1.0}})
    await business.send("+254700000200", "o1")
    await business.drain()
    assert inbox.posts == []
    assert (await business.ledger())["by_state"]["read"] == 1


async def test_late_updates_come_much_later_than_they_happened(business: Business, inbox: Inbox) -> None:
    await business.control("PUT", "config", {"noise": {"late_rate": 1.0, "late_within_s": 90_000.0}})
    before = await business.control("GET", "clock")
    for index in range(5):
        await business.send(f"+2547000{index}0220", f"o{index}")
    after = await business.drain()
    assert after["virtual_s"] - before["virtual_s"] > 30_000
    assert len(inbox.statuses()) == 10


async def test_unannounced_fields_appear_on_request(business: Business, inbox: Inbox) -> None:
    await business.control("PUT", "config", {"noise": {"unknown_field_rate": 1.0}})
    await business.send("+254700000200", "o1")
    await business.drain()
    assert all("x_unannounced" in status for status in [*inbox.statuses(), *inbox.messages()])


async def test_bad_signatures_are_noticed_and_made_good_by_the_retry(business: Business, inbox: Inbox) -> None:
    inbox.check = signed
    await business.control("PUT", "config", {"noise": {"bad_signature_rate": 0.5}, "webhooks": {"batch_max": 1}})
    for index in range(20):
        await business.send(f"+2547000{index:02d}0220", f"o{index}")
    await business.drain()
    assert len(inbox.statuses()) == 40
    metrics = await (await business.session.get(f"{business.simulator.url}/metrics")).text()
    refused = next(line for line in metrics.splitlines() if line.startswith("whatsapp_simulator_callback_refused"))
    assert int(refused.split()[1]) > 5


async def test_a_burst_pause_withholds_callbacks_and_then_lets_them_flood(business: Business, inbox: Inbox) -> None:
    await business.control("PUT", "config", {"noise": {"burst_pause_s": 1000.0, "burst_every_s": 2000.0}})
    await business.send("+254700000220", "o1")
    await business.control("POST", "clock", {"advance_s": 100})
    await asyncio.sleep(0.1)
    assert inbox.posts == []
    await business.control("POST", "clock", {"advance_s": 1000})
    for _ in range(100):
        await asyncio.sleep(0.02)
        if len(inbox.statuses()) == 2:
            break
    assert len(inbox.statuses()) == 2


async def test_a_refused_post_is_repeated_at_once_and_then_ever_more_slowly(business: Business, inbox: Inbox) -> None:
    inbox.answers = [500, 500, 500]
    await business.control("PUT", "config", {"webhooks": {"batch_usual": 1000}})
    before = (await business.control("GET", "clock"))["virtual_s"]
    await business.send("+254700000026", "o1")
    after = (await business.drain())["virtual_s"]
    assert len(inbox.statuses()) == 1
    assert after - before > 1.5 + 2.0 + 4.0


async def test_later_retries_come_in_other_groups(business: Business, inbox: Inbox) -> None:
    await business.control("PUT", "config", {"webhooks": {"batch_usual": 1000, "flush_ms": 50}})
    inbox.answers = [500, 500]
    for index in range(10):
        await business.control("POST", "inbound", {"from": f"+25470000{index:04d}", "to": "1065", "text": "Hi"})
    await business.drain()
    assert len(inbox.messages()) == 10
    assert len(inbox.posts) >= 2


async def test_after_a_virtual_week_an_update_is_dead(business: Business, inbox: Inbox) -> None:
    inbox.always = 503
    await business.send("+254700000026", "o1")
    drained = await business.drain()
    assert drained["dead"] == 1
    dead = await business.control("GET", "webhooks/dead")
    assert dead["updates"] == 1
    assert dead["batches"][0]["problem"] == "HTTP 503"
    assert dead["batches"][0]["updates"][0]["item"]["biz_opaque_callback_data"] == "o1"
    assert drained["virtual_s"] > 6 * 86_400


async def test_an_unreachable_endpoint_is_no_harder_than_a_refusing_one(business: Business, inbox: Inbox) -> None:
    port = int(inbox.url.split(":")[2].split("/")[0])
    await inbox.close()
    await business.send("+254700000026", "o1")
    await business.control("POST", "clock", {"advance_s": 10})
    await business.control("POST", "drain", {"timeout_s": 0.2})
    await inbox.open(port)
    await business.drain()
    assert len(inbox.statuses()) == 1


async def test_a_number_is_verified_as_soon_as_its_endpoint_is_up(stranger: Business) -> None:
    inbox = Inbox()
    await inbox.open()
    port = int(inbox.url.split(":")[2].split("/")[0])
    await inbox.close()
    registration = {**NUMBER, "callback_url": inbox.url, "verify_token": inbox.token}
    registered = await stranger.control("POST", "numbers", registration)
    assert not registered["verified"]
    assert "reached" in registered["verify_problem"]
    await inbox.open(port)
    for _ in range(100):
        (number,) = (await stranger.control("GET", "numbers"))["numbers"]
        if number["verified"]:
            break
        await stranger.control("POST", "drain", {"timeout_s": 0.01})
        await asyncio.sleep(0.02)
    assert number["verified"]
    await inbox.close()


@pytest.mark.parametrize("required", [True, False])
async def test_an_endpoint_that_does_not_know_the_token_is_reported_and_if_wanted_not_called(
    stranger: Business, inbox: Inbox, required: bool
) -> None:
    await stranger.control("PUT", "config", {"webhooks": {"require_verification": required, "verify_real_s": 30}})
    registered = await stranger.control(
        "POST", "numbers", {**NUMBER, "callback_url": inbox.url, "verify_token": "something else"}
    )
    assert not registered["verified"]
    assert "403" in registered["verify_problem"]
    await stranger.send("+254700000026", "o1")
    await stranger.control("POST", "drain", {"fast_forward": True, "timeout_s": 0.3})
    assert len(inbox.posts) == (0 if required else 1)


async def test_a_number_without_callback_url_is_never_called(stranger: Business) -> None:
    await stranger.control("POST", "numbers", NUMBER)
    await stranger.send("+254700000200", "o1")
    assert (await stranger.drain())["acknowledged"] == 0
    assert (await stranger.ledger())["by_state"]["read"] == 1
