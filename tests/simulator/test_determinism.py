"""The same seed and the same messages meet the same fates, whatever the order and the concurrency."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import aiohttp

from simulator.business import NUMBER, Business
from simulator.conftest import QUIET
from simulator.inbox import Inbox
from whatsapp_simulator import serve

MESSAGES = [(f"+2547{index:04d}1{index % 7:04d}", f"o{index}") for index in range(240)]


async def fates(seed: int, order: list[tuple[str, str]], at_once: int) -> tuple[Counter[Any], Counter[Any]]:
    simulator = await serve(seed=seed, config={**QUIET, "noise": {"dup_rate": 0.05, "reorder_rate": 0.05}})
    inbox = Inbox()
    await inbox.open()
    try:
        async with aiohttp.ClientSession() as session:
            business = Business(simulator, session)
            await business.control(
                "POST", "numbers", {**NUMBER, "callback_url": inbox.url, "verify_token": inbox.token}
            )
            gate = asyncio.Semaphore(at_once)

            async def send(to: str, opaque: str) -> None:
                async with gate:
                    assert (await business.send(to, opaque))[0] == 200

            await asyncio.gather(*[send(to, opaque) for to, opaque in order])
            await business.drain()
            said = Counter(
                (message["from"], message["type"], str(message.get("text") or message.get("button")))
                for message in inbox.messages()
            )
            return inbox.fates(), said
    finally:
        await inbox.close()
        await simulator.close()


async def test_order_and_concurrency_change_nothing_and_the_seed_changes_much() -> None:
    told, said = await fates(5, MESSAGES, 1)
    shuffled = sorted(MESSAGES, key=lambda message: message[1][::-1])
    assert (told, said) == await fates(5, shuffled, 32)
    assert sum(said.values()) > 3
    other, _ = await fates(6, MESSAGES, 32)
    assert other != told


async def test_a_reset_begins_the_same_story_again(business: Business, inbox: Inbox) -> None:
    stories = []
    for _ in range(2):
        await business.control("POST", "reset", {"seed": 11})
        inbox.posts.clear()
        for to, opaque in MESSAGES[:60]:
            await business.send(to, opaque)
        await business.drain()
        stories.append((inbox.fates(), (await business.ledger())["by_state"]))
    assert stories[0] == stories[1]
    assert stories[0][1]["read"] > 10


async def test_sending_the_same_again_meets_another_fate_than_the_first_time(business: Business, inbox: Inbox) -> None:
    for _ in range(60):
        await business.send("+254700001111", "the same")
    await business.drain()
    assert len({state for _, state, _ in inbox.fates()}) == 4
    ledger = await business.ledger()
    assert ledger["duplicates"] == ["the same"]
    assert ledger["accepts_by_opaque"] == {"the same": 60}
