"""Waiting until nothing is left to happen, if wanted by moving virtual time ahead."""

from __future__ import annotations

import asyncio
import time

from whatsapp_simulator.world import World

_BACKLOG = 2_000
_JUMPS = 200


async def drain(world: World, *, fast_forward: bool, timeout_s: float) -> bool:
    """Wait (at most `timeout_s` real seconds) for the end of all scheduled happenings and callbacks.

    With `fast_forward` the clock jumps from one happening to the next as fast as the receiver acknowledges.
    """
    deadline = time.monotonic() + timeout_s
    generation = world.generation
    world.delivering.hurry = True
    try:
        while not world.idle and world.generation == generation:
            if time.monotonic() >= deadline:
                return False
            busy = fast_forward and _jump(world)
            if not busy:
                world.delivering.flush()
            await asyncio.sleep(0 if busy else 0.003)
        return True
    finally:
        world.delivering.hurry = False


def _jump(world: World) -> bool:
    """Jump from happening to happening for a while, unless callbacks pile up; whether anything happened."""
    jumped = False
    for _ in range(_JUMPS):
        due = world.timeline.next_due
        if due is None or world.delivering.backlog >= _BACKLOG:
            break
        world.clock.advance(max(0.0, due - world.clock.now()))
        jumped = world.timeline.run_due() > 0 or jumped
    world.timeline.rearm()
    return jumped
