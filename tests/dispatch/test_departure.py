"""The moment a message leaves, when the process stands still around it."""

from __future__ import annotations

import asyncio
import time

from tulia.dispatch.departure import Departure, TurnsOfLoop
from tulia.dispatch.pacing import WINDOW_SECONDS, Pacer


async def test_a_message_takes_up_room_from_when_its_bytes_have_gone_and_not_from_when_they_were_handed_over() -> None:
    pacer = Pacer(1)
    assert pacer.room(time.monotonic()) == 1
    pacer.take(1)
    departure = Departure(TurnsOfLoop(pacer))
    await departure()
    time.sleep(0.3)  # the process stands still before the event loop writes
    goes_on_at = time.monotonic()
    assert pacer.room(goes_on_at + 10.0) == 0, "it may leave at any moment"
    await asyncio.sleep(0)
    assert pacer.room(goes_on_at + 10.0) == 0, (
        "a turn that began before the bytes were handed over may still be going on"
    )
    await asyncio.sleep(0)
    departure.close()
    assert pacer.room(goes_on_at + WINDOW_SECONDS - 0.01) == 0
    assert pacer.room(goes_on_at + WINDOW_SECONDS + 5.0) == 1


async def test_who_never_left_takes_up_no_room() -> None:
    pacer = Pacer(1)
    assert pacer.room(time.monotonic()) == 1
    pacer.take(1)
    Departure(TurnsOfLoop(pacer)).close()
    assert pacer.room(time.monotonic() + 0.1) == 1
