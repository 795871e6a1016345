from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from simulator.business import NUMBER, Business
from simulator.inbox import Inbox
from whatsapp_simulator import RunningSimulator, serve

QUIET = {
    "accepting": {"latency_ms": {"median": 0, "sigma": 0}},
    "noise": {"dup_rate": 0, "reorder_rate": 0},
    "webhooks": {"flush_ms": 5, "verify_real_s": 0.05},
    "limits": {"pair_burst": 0},
}


@pytest.fixture
async def simulator() -> AsyncIterator[RunningSimulator]:
    """A simulator without noise and HTTP latency."""
    running = await serve("127.0.0.1", 0, seed=7, scale=1.0, config=QUIET)
    yield running
    await running.close()


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    """The business's callback endpoint."""
    endpoint = Inbox()
    await endpoint.open()
    yield endpoint
    await endpoint.close()


@pytest.fixture
async def stranger(simulator: RunningSimulator) -> AsyncIterator[Business]:
    """A business whose number the simulator doesn't know yet."""
    async with aiohttp.ClientSession() as session:
        yield Business(simulator, session)


@pytest.fixture
async def business(stranger: Business, inbox: Inbox) -> Business:
    """A business with a registered number and a verified callback URL."""
    registered = await stranger.control(
        "POST", "numbers", {**NUMBER, "callback_url": inbox.url, "verify_token": inbox.token}
    )
    assert registered["verified"]
    return stranger
