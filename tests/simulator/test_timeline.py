from __future__ import annotations

import asyncio
import time

from whatsapp_simulator.clock import VirtualClock
from whatsapp_simulator.timeline import Timeline


async def test_acts_happen_in_the_order_of_their_moments_even_when_scheduled_backwards() -> None:
    timeline = Timeline(time.monotonic, lambda: 1.0, grain=0.001)
    seen: list[int] = []
    now = time.monotonic()
    for step in reversed(range(20)):
        timeline.at(now + step * 0.003, seen.append, step)
    await asyncio.sleep(0.1)
    assert seen == list(range(20))


async def test_an_earlier_act_wakes_the_timeline_earlier() -> None:
    timeline = Timeline(time.monotonic, lambda: 1.0, grain=0.001)
    seen: list[str] = []
    timeline.at(time.monotonic() + 5.0, seen.append, "late")
    timeline.at(time.monotonic() + 0.02, seen.append, "early")
    await asyncio.sleep(0.05)
    assert seen == ["early"]
    timeline.clear()
    assert len(timeline) == 0


async def test_an_act_that_fails_does_not_stop_the_others() -> None:
    problems: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: problems.append(context))
    timeline = Timeline(time.monotonic, lambda: 1.0, grain=0.001)
    seen: list[str] = []

    def fail() -> None:
        raise RuntimeError("on purpose")

    timeline.at(time.monotonic(), fail)
    timeline.at(time.monotonic() + 0.01, seen.append, "next")
    await asyncio.sleep(0.05)
    assert seen == ["next"]
    assert len(problems) == 1


async def test_virtual_time_runs_scaled_stands_still_and_jumps() -> None:
    clock = VirtualClock(1000.0)
    await asyncio.sleep(0.02)
    assert 20.0 <= clock.now() < 200.0
    clock.set_scale(0.0)
    stood = clock.now()
    await asyncio.sleep(0.01)
    assert clock.now() == stood
    clock.advance(3600.0)
    assert clock.now() == stood + 3600.0


async def test_the_present_is_stamped_with_the_real_clock() -> None:
    clock = VirtualClock(60.0)
    clock.advance(10_000.0)
    assert abs(clock.stamp(clock.now(), "wall") - time.time()) < 2
    assert abs(clock.stamp(clock.now() - 600.0, "wall") - (time.time() - 10)) < 2
    assert clock.stamp(clock.now(), "virtual") - time.time() > 9_000


async def test_ten_thousand_acts_do_not_starve_the_loop() -> None:
    timeline = Timeline(time.monotonic, lambda: 1.0, grain=0.001)
    done: list[int] = []
    for index in range(10_000):
        timeline.at(time.monotonic(), done.append, index)
    longest, before = 0.0, time.monotonic()
    while len(done) < 10_000:
        await asyncio.sleep(0)
        longest = max(longest, time.monotonic() - before)
        before = time.monotonic()
    assert longest < 0.1
