"""Limits in real time: the number's and the pair's, and the account's reach in virtual time."""

from __future__ import annotations

import asyncio
import time

from simulator.business import NUMBER, Business, wamid
from simulator.inbox import Inbox


async def test_a_number_accepts_its_burst_and_then_its_rate(business: Business) -> None:
    await business.control("POST", "numbers", {**NUMBER, "rate": 50})
    before = time.monotonic()
    answers = await asyncio.gather(*[business.send(f"+25470000{index:04d}1", f"o{index}") for index in range(120)])
    took = time.monotonic() - before
    accepted = sum(status == 200 for status, _ in answers)
    assert 50 <= accepted <= 51 + 50 * took
    assert {body["error"]["code"] for status, body in answers if status != 200} == {130429}
    ledger = await business.ledger()
    assert ledger["accepted"] == accepted
    assert ledger["max_per_second"]["1065"] <= 100
    await asyncio.sleep(0.1)
    assert (await business.send("+254700000001", "later"))[0] == 200


async def test_the_configured_rate_holds_for_numbers_without_their_own(business: Business) -> None:
    await business.control("PUT", "config", {"limits": {"number_per_s": 1}})
    number = {name: value for name, value in NUMBER.items() if name != "rate"}
    await business.control("POST", "numbers", number)
    assert [(await business.send("+254700000001"))[0] for _ in range(2)] == [200, 400]


async def test_messages_from_people_use_up_the_rate_too(business: Business) -> None:
    await business.control("POST", "numbers", {**NUMBER, "rate": 5})
    for _ in range(5):
        await business.control("POST", "inbound", {"from": "+254700000001", "to": "1065", "text": "Hi"})
    assert (await business.send("+254700000001"))[1]["error"]["code"] == 130429


async def test_a_pair_has_its_own_limit_and_others_go_on(business: Business) -> None:
    await business.control("PUT", "config", {"limits": {"pair_burst": 3, "pair_refill_s": 0.2}})
    statuses = [await business.send("+254700000001") for _ in range(4)]
    assert [status for status, _ in statuses] == [200, 200, 200, 400]
    assert statuses[3][1]["error"]["code"] == 131056
    assert (await business.send("+254700000002"))[0] == 200
    await asyncio.sleep(0.21)
    assert (await business.send("+254700000001"))[0] == 200


async def test_an_account_reaches_only_so_many_people_a_day(business: Business, inbox: Inbox) -> None:
    await business.control("PUT", "config", {"limits": {"portfolio_per_day": 2}})
    for to in ("0001220", "0002220", "0001220", "0003220"):
        await business.send(f"+25470{to}", to)
    await business.drain()
    failed = {opaque: code for (opaque, state, code), _ in inbox.fates().items() if state == "failed"}
    assert failed == {"0003220": 131048}
    await business.control("POST", "clock", {"advance_s": 86_400})
    again = wamid(await business.send("+254700003220", "tomorrow"))
    await business.drain()
    assert "failed" not in inbox.states(again)


async def test_the_busiest_second_counts_only_what_lies_within_one(business: Business) -> None:
    for _ in range(2):
        for index in range(10):
            await business.send(f"+25470000{index:04d}", f"o{index}")
        await asyncio.sleep(0.6)
    await asyncio.sleep(0.5)
    await business.send("+254700000001")
    assert 10 <= (await business.ledger())["max_per_second"]["1065"] <= 20
