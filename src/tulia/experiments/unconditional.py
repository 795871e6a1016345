"""Boschloo's and Barnard's exact tests, for few people: more powerful than Fisher's, and slower.

Both take the largest probability, over the unknown common rate, of all tables at least as extreme as the observed one.
They differ in what makes a table extreme: Fisher's one-sided p, or the pooled z.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tulia.experiments.counts import INSUFFICIENT_DATA, Inconclusive, check_arm

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

MOST_PEOPLE = 200
_GRID = 401
_TIES = 1e-9


def boschloo(successes_a: int, total_a: int, successes_b: int, total_b: int) -> float | Inconclusive:
    """Boschloo's two-sided p: twice the smaller of the one-sided ones, 1 at most. Boschloo (1970), *Stat. Neerl.* 24:1.

    `Inconclusive` with an empty arm, or with more than 200 people (``too_many_people``).
    """
    refused = _refused(successes_a, total_a, successes_b, total_b)
    if refused is not None:
        return refused
    sides = []
    for turned in (False, True):
        xa, xb = (total_a - successes_a, total_b - successes_b) if turned else (successes_a, successes_b)
        tail = _one_sided_fisher(total_a, total_b)
        sides.append(_largest_probability(tail <= tail[xa, xb] * (1 + _TIES), total_a, total_b))
    return min(1.0, 2 * min(sides))


def barnard(successes_a: int, total_a: int, successes_b: int, total_b: int) -> float | Inconclusive:
    """Barnard's two-sided p by the pooled z. Barnard (1947), *Biometrika* 34:123. `Inconclusive` as in `boschloo`."""
    refused = _refused(successes_a, total_a, successes_b, total_b)
    if refused is not None:
        return refused
    import numpy as np

    xa, xb = np.arange(total_a + 1)[:, None], np.arange(total_b + 1)[None, :]
    successes, total = xa + xb, total_a + total_b
    spread = successes * (total - successes)
    square = (xb * total_a - xa * total_b) ** 2 / np.maximum(spread, 1)
    extreme = square >= square[successes_a, successes_b] * (1 - _TIES)
    return min(1.0, _largest_probability(extreme, total_a, total_b))


def _refused(successes_a: int, total_a: int, successes_b: int, total_b: int) -> Inconclusive | None:
    check_arm(successes_a, total_a, name="a")
    check_arm(successes_b, total_b, name="b")
    if total_a == 0 or total_b == 0:
        return Inconclusive(INSUFFICIENT_DATA, "At least one variant has nobody assigned to it yet.")
    if total_a + total_b > MOST_PEOPLE:
        return Inconclusive("too_many_people", f"This exact test is made for up to {MOST_PEOPLE} people.")
    return None


def _log_choose(n: int) -> Array:
    import numpy as np

    factorials = np.array([math.lgamma(i + 1) for i in range(n + 1)])
    chosen: Array = factorials[-1] - factorials - factorials[::-1]
    return chosen


def _one_sided_fisher(total_a: int, total_b: int) -> Array:
    """For every table (successes in A, in B), P(at most so many in A | the margins)."""
    import numpy as np

    a, b = _log_choose(total_a), _log_choose(total_b)
    every = _log_choose(total_a + total_b)
    tail = np.empty((total_a + 1, total_b + 1))
    for successes in range(total_a + total_b + 1):
        low, high = max(0, successes - total_b), min(total_a, successes)
        xa = np.arange(low, high + 1)
        tail[xa, successes - xa] = np.cumsum(np.exp(a[xa] + b[successes - xa] - every[successes]))
    return tail


def _largest_probability(extreme: Any, total_a: int, total_b: int) -> float:
    """The largest probability of the `extreme` tables over the common rate: a grid, then finer ones about its best."""
    import numpy as np

    a, b = _log_choose(total_a)[:, None], _log_choose(total_b)[:, None]
    xa, xb = np.arange(total_a + 1)[:, None], np.arange(total_b + 1)[:, None]
    table = extreme.astype(float)

    def probabilities(angles: Any) -> Array:
        # sin² of an equal grid: denser where rates are near 0 and 1
        with np.errstate(divide="ignore"):
            yes, no = 2 * np.log(np.sin(angles)), 2 * np.log(np.cos(angles))
        in_a = np.exp(a + xa * yes + (total_a - xa) * no)
        in_b = np.exp(b + xb * yes + (total_b - xb) * no)
        found: Array = np.einsum("ig,ig->g", in_a, table @ in_b)
        return found

    step = math.pi / 2 / _GRID
    angles = (np.arange(_GRID) + 0.5) * step
    found = probabilities(angles)
    best = float(found.max())
    for place in np.argsort(found)[-3:]:
        middle, width = float(angles[place]), step
        for _ in range(4):
            finer = np.clip(np.linspace(middle - width, middle + width, 21), 1e-9, math.pi / 2 - 1e-9)
            near = probabilities(finer)
            middle, width = float(finer[near.argmax()]), width / 10
            best = max(best, float(near.max()))
    return best
