"""Named lines at which a process can be made to die, or to dawdle: for the torture instrument (docs/torture.md) alone.

`reached("claimed")` stands between two steps of which the second must not depend on luck. Without `TULIA_FAILPOINTS` it
is one comparison with None. With it, `claimed=kill@7,recorded=sleep:0.5@3` kills this very process (SIGKILL: nothing is
tidied up) the seventh time that the line is reached, and sleeps half a second the third time; without `@n` a line
sleeps each time, and kills the first.
"""

from __future__ import annotations

import os
import re
import signal
import time
from dataclasses import dataclass

_ORDER = re.compile(
    r"(?P<name>[a-z][a-z_]*)=(?:(?P<kill>kill)|sleep:(?P<seconds>\d+(?:\.\d+)?))(?:@(?P<nth>[1-9]\d*))?"
)


class FailpointsInvalid(ValueError):
    """An order that can't be understood; the text says how one looks."""


@dataclass(slots=True)
class _Order:
    """What is to happen at one line: sleep so many seconds (None: die), the `nth` time (0: each time)."""

    seconds: float | None
    nth: int
    reached: int = 0


_orders: dict[str, list[_Order]] | None = None


def arm(text: str) -> None:
    """Takes the orders of a process, once, when it starts; an empty text is none. Raises FailpointsInvalid."""
    global _orders
    orders: dict[str, list[_Order]] = {}
    for one in filter(None, (part.strip() for part in text.split(","))):
        found = _ORDER.fullmatch(one)
        if found is None:
            raise FailpointsInvalid(f"{one!r} is no order: write name=kill@n or name=sleep:seconds@n.")
        seconds = float(found["seconds"]) if found["seconds"] else None
        nth = int(found["nth"] or (1 if found["kill"] else 0))
        orders.setdefault(found["name"], []).append(_Order(seconds, nth))
    _orders = orders or None


def reached(name: str) -> None:
    """Says that this line is reached; does nothing unless an order names it."""
    if _orders is not None:
        _obey(name)


def _obey(name: str) -> None:
    for order in (_orders or {}).get(name, ()):
        order.reached += 1
        if order.nth and order.reached != order.nth:
            continue
        if order.seconds is None:
            os.kill(os.getpid(), signal.SIGKILL)
        else:
            time.sleep(order.seconds)
