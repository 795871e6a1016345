"""Messages go out in lanes: never more at once than may be, none forgotten, and none takes another along."""

from __future__ import annotations

import asyncio

from aiohttp import web

from dispatch.provider import Run, accepted
from tulia.dispatch.in_flight import InFlight
from tulia.dispatch.pacing import FEWEST_ON_WIRE
from tulia.ledger.status import State
from tulia.tenants.models import Tenant


class Wire:
    """Counts who is on it."""

    def __init__(self) -> None:
        self.now = self.most = self.passed = 0

    async def message(self) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0)
        self.now -= 1
        self.passed += 1


async def test_all_go_out_and_never_more_at_once_than_may() -> None:
    in_flight, wire = InFlight(), Wire()
    in_flight.widen(8)
    for _ in range(100):
        in_flight.send(wire.message)
    await in_flight.landed()
    assert (wire.passed, wire.most, len(in_flight)) == (100, 8, 0)


async def test_all_that_wait_count_as_in_flight() -> None:
    in_flight, wire = InFlight(), Wire()
    in_flight.widen(3)
    for _ in range(10):
        in_flight.send(wire.message)
    assert len(in_flight) == 10
    assert in_flight.are_some_waiting
    await in_flight.landed()


async def test_nobody_waits_who_only_has_not_begun_yet() -> None:
    in_flight, wire = InFlight(), Wire()
    for _ in range(10):
        in_flight.send(wire.message)
    assert not in_flight.are_some_waiting
    await in_flight.landed()


async def test_a_lane_that_is_called_off_makes_room_for_another() -> None:
    in_flight, wire = InFlight(), Wire()
    in_flight.widen(1)

    async def called_off() -> None:
        raise asyncio.CancelledError

    in_flight.send(called_off)
    await in_flight.landed()
    in_flight.send(wire.message)
    await in_flight.landed()
    assert wire.passed == 1


async def test_fewer_at_once_from_now_on_leaves_nobody_behind() -> None:
    in_flight, wire = InFlight(), Wire()
    for _ in range(20):
        in_flight.send(wire.message)
    await asyncio.sleep(0)
    assert wire.now == 20
    in_flight.widen(2)
    wire.most = 0
    for _ in range(20):
        in_flight.send(wire.message)
    await in_flight.landed()
    assert wire.passed == 40
    for _ in range(20):
        in_flight.send(wire.message)
    wire.most = 0
    await in_flight.landed()
    assert (wire.passed, wire.most) == (60, 2)


async def test_more_at_once_from_now_on_lets_those_who_wait_out() -> None:
    in_flight, wire = InFlight(), Wire()
    in_flight.widen(2)
    for _ in range(10):
        in_flight.send(wire.message)
    in_flight.widen(7)
    await asyncio.sleep(0)
    assert wire.now == 7
    await in_flight.landed()
    assert wire.passed == 10


async def test_a_message_that_breaks_takes_none_along() -> None:
    in_flight, wire = InFlight(), Wire()
    in_flight.widen(1)

    async def broken() -> None:
        raise RuntimeError("a bug of ours")

    in_flight.send(broken)
    in_flight.send(wire.message)
    await in_flight.landed()
    assert (wire.passed, len(in_flight)) == (1, 0)


async def test_what_comes_of_a_message_is_waited_for_too() -> None:
    in_flight, wire = InFlight(), Wire()

    async def message() -> None:
        in_flight.begin(wire.message())

    in_flight.send(message)
    await in_flight.landed()
    assert wire.passed == 1


async def test_who_waits_for_a_lane_when_it_stops_waits_again_and_has_lost_no_try(tenant: Tenant) -> None:
    take = accepted()

    async def slowly(turn: int) -> web.Response:
        await asyncio.sleep(1.0)
        taken = take(turn)
        assert isinstance(taken, web.Response)
        return taken

    run = Run(tenant, people=200, rate=2_000, answer=slowly)
    async with run.provider.listening(), run.dispatching() as dispatcher:
        dispatcher._most_on_wire.most = FEWEST_ON_WIRE
        async with asyncio.timeout(20):
            while not dispatcher._in_flight.are_some_waiting or len(run.provider.posted_at) < FEWEST_ON_WIRE:
                await asyncio.sleep(0.01)
    assert run.states() == {(State.ACCEPTED, ""): FEWEST_ON_WIRE, (State.WAITING, ""): 200 - FEWEST_ON_WIRE}
    assert sum(run.provider.posts.values()) == FEWEST_ON_WIRE
