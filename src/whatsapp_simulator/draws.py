"""Chance that depends on nothing but the seed and what is being decided.

Every decision about a person hashes ``seed, recipient, message key, purpose`` with BLAKE2b, so the same
inputs meet the same fate in whatever order and however concurrently they arrive.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import TypeVar

_STANDARD_NORMAL = NormalDist()
_Option = TypeVar("_Option")


class Draws:
    """A family of independent draws that share a key; `purpose` tells them apart."""

    __slots__ = ("_base",)

    def __init__(self, seed: int, *key: str) -> None:
        # Each part goes in behind its length, so that ("ab", "c") and ("a", "bc") are different keys.
        text = f"{seed}|" + "".join([f"{len(part)}:{part}" for part in key])
        self._base = hashlib.blake2b(text.encode(), digest_size=16)

    def raw(self, purpose: str) -> bytes:
        """Sixteen bytes that belong to `purpose`."""
        state = self._base.copy()
        state.update(purpose.encode())
        return state.digest()

    def uniform(self, purpose: str) -> float:
        """A number strictly between 0 and 1 (52 bits)."""
        return ((int.from_bytes(self.raw(purpose)[:8], "big") >> 12) + 0.5) * 2.0**-52

    def happens(self, purpose: str, probability: float) -> bool:
        """Whether something of this `probability` comes true."""
        return probability > 0.0 and self.uniform(purpose) < probability

    def lognormal(self, purpose: str, median: float, sigma: float) -> float:
        """A latency in the unit of `median`; `sigma` is the spread of its logarithm."""
        if sigma == 0.0 or median == 0.0:
            return median
        return median * math.exp(sigma * _STANDARD_NORMAL.inv_cdf(self.uniform(purpose)))

    def choice(self, purpose: str, options: Sequence[_Option]) -> _Option:
        """One of `options`, each as likely as the others."""
        return options[int(self.uniform(purpose) * len(options))]
