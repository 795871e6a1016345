"""Virtual time: runs `scale` times as fast as the real one and can be moved ahead."""

from __future__ import annotations

import time


class VirtualClock:
    """Seconds since the simulator started, as the people live them."""

    __slots__ = ("_anchor_real", "_anchor_virtual", "_born", "_scale")

    def __init__(self, scale: float = 1.0) -> None:
        self._born = time.time()
        self._anchor_real = time.monotonic()
        self._anchor_virtual = 0.0
        self._scale = scale

    @property
    def scale(self) -> float:
        """Virtual seconds in a real one; 0 stands still."""
        return self._scale

    def now(self) -> float:
        """Virtual seconds since the start."""
        return self._anchor_virtual + (time.monotonic() - self._anchor_real) * self._scale

    def set_scale(self, scale: float) -> None:
        """Go on from now at another speed."""
        self._anchor_virtual, self._anchor_real = self.now(), time.monotonic()
        self._scale = scale

    def advance(self, seconds: float) -> None:
        """Jump ahead."""
        self._anchor_virtual += seconds

    def stamp(self, moment: float, style: str) -> int:
        """Epoch seconds to write on something that happened at the virtual `moment`.

        ``virtual``: as far after the start as the people lived. ``wall``: the reading of a real clock at that moment,
        so that accelerated people don't write from the future.
        """
        if style == "virtual":
            return int(self._born + moment)
        ago = (self.now() - moment) / self._scale if self._scale > 0.0 else 0.0
        return int(time.time() - max(0.0, ago))
