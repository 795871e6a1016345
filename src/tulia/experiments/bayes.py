"""Which arm is probably the best, and what a wrong choice would cost. An aid for choosing, no licence to look early:
stopping as soon as the probability exceeds 95 % names a winner in over half of all tests without any difference.

Rates have Beta posteriors. All integrals are taken on one grid over the logarithm of the odds, where every Beta density
is smooth and falls on either side: panels of Gauss-Legendre nodes around each arm, whose distribution functions are the
running sums of the same grid. Nothing is drawn at random, so figures don't flicker between two looks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tulia.experiments.several import check_arms

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

_NODES = 12
_PANELS = 6
_FIXED_EDGES = tuple(sign * point for point in (0.0, 1.5, 4.0, 8.0, 14.0, 20.0, 28.0, 36.0) for sign in (-1, 1))
_OVERFLOWING = 500.0
_DROP = 50.0
"""How far the logarithm of a density falls until the grid ends: e^-50 of the peak."""
_RARE = 1e-9
_MANY_PANELS = 90
_DEEP_DROP = 730.0


@dataclass(frozen=True, slots=True)
class Posterior:
    """For each arm: the probability that its rate is the highest, what choosing it loses on average against the best
    arm (in rate), and its posterior mean."""

    best: tuple[float, ...]
    expected_loss: tuple[float, ...]
    mean: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class TwoPosterior:
    """P(B's rate > A's), and the rate that choosing B or A loses on average when the other is better."""

    b_beats_a: float
    loss_choosing_a: float
    loss_choosing_b: float


def compare(
    successes_a: int, total_a: int, successes_b: int, total_b: int, *, prior: tuple[float, float] = (1.0, 1.0)
) -> TwoPosterior:
    """Two arms. E[(A - B)⁺] = ∫ F_B·(1 - F_A) dx, which loses no digits. Small probabilities are exact relatively, too."""
    check_arms((successes_a, successes_b), (total_a, total_b))
    shapes = _shapes((successes_a, successes_b), (total_a, total_b), prior)
    found = _integrals(shapes, _DROP, _PANELS)
    if min(found.best) < _RARE:
        found = _integrals(shapes, _DEEP_DROP, _MANY_PANELS)
    return TwoPosterior(found.best[1], found.expected_loss[0], found.expected_loss[1])


def compare_all(
    successes: Sequence[int], totals: Sequence[int], *, prior: tuple[float, float] = (1.0, 1.0)
) -> Posterior:
    """Any number of arms: P(best) = ∫ f_i·Π_{j≠i} F_j, expected loss = ∫ F_i·(1 - Π_{j≠i} F_j) dx. Sums to 1."""
    check_arms(successes, totals)
    return _integrals(_shapes(successes, totals, prior), _DROP, _PANELS)


def _shapes(
    successes: Sequence[int], totals: Sequence[int], prior: tuple[float, float]
) -> tuple[tuple[float, float], ...]:
    alpha, beta = prior
    if not (1e-6 <= alpha <= 1e15 and 1e-6 <= beta <= 1e15):
        raise ValueError("prior must be two positive numbers")
    return tuple((x + alpha, n - x + beta) for x, n in zip(successes, totals, strict=True))


def _integrals(shapes: tuple[tuple[float, float], ...], drop: float, panels: int) -> Posterior:
    import numpy as np

    nodes, weights, running = _rule()
    edges: list[float] = []
    for a, b in shapes:
        mode = math.log(a / b)
        left, right = mode - _fall(b, a, drop), mode + _fall(a, b, drop)
        edges.append(mode)
        for i in range(1, panels + 1):
            part = i / panels * (0.3 + 0.7 * i / panels)  # narrower where the density bends most
            edges += (mode + (left - mode) * part, mode + (right - mode) * part)
    # Between arms far apart the densities vanish, but x(1 - x), by which losses are weighed, does not.
    ends = np.unique(np.array(edges + [point for point in _FIXED_EDGES if min(edges) < point < max(edges)]))
    lengths = np.diff(ends)
    y = ends[:-1, None] + lengths[:, None] * nodes
    a_, b_ = (np.array(column)[:, None, None] for column in zip(*shapes, strict=True))
    away = y - np.log(a_ / b_)
    with np.errstate(all="ignore"):
        density = np.exp(a_ * away - (a_ + b_) * _log_sum(np, a_ / (a_ + b_), away))
    in_panels = (density @ weights) * lengths
    scale = in_panels.sum(axis=1)[:, None]
    in_panels /= scale
    density /= scale[:, :, None]
    within = density @ running * lengths[:, None]
    before = np.cumsum(in_panels, axis=1) - in_panels
    after = np.cumsum(in_panels[:, ::-1], axis=1)[:, ::-1] - in_panels
    below = np.maximum(before[:, :, None] + within, 0.0)
    above = np.maximum(after[:, :, None] + in_panels[:, :, None] - within, 0.0)
    # dx = x(1 - x) dy
    size = np.abs(y)
    shrunk = np.exp(-size)
    slope = shrunk / (1 + shrunk) ** 2
    weight = weights * lengths[:, None]
    best, loss = [], []
    for arm in range(len(shapes)):
        all_below, some_above = np.ones_like(y), np.zeros_like(y)
        for other in range(len(shapes)):
            if other != arm:
                some_above = some_above + all_below * above[other]
                all_below = all_below * below[other]
        best.append(float((density[arm] * all_below * weight).sum()))
        loss.append(float((below[arm] * some_above * slope * weight).sum()))
    certain = math.fsum(best)
    means = tuple(a / (a + b) for a, b in shapes)
    return Posterior(tuple(min(1.0, p / certain) for p in best), tuple(loss), means)


def _log_sum(np: Any, share: Array, away: Array) -> Array:
    """ln((1 + e^y)/(1 + e^mode)) = ln(1 + share·(e^away - 1)), which is exact near the mode."""
    if away.max() <= _OVERFLOWING:
        near: Array = np.log1p(share * np.expm1(away))
        return near
    far: Array = np.where(
        away > _OVERFLOWING, np.log(share) + away, np.log1p(share * np.expm1(np.minimum(away, _OVERFLOWING)))
    )
    return far


def _fall(a: float, b: float, drop: float) -> float:
    """How far above its mode the density of ln(x/(1-x)) has fallen by `drop` (below it, with a and b exchanged).

    Its logarithm has fallen by (a + b)·ln(1 + s(e^d - 1)) - a·d there, s = a/(a + b), which grows with d and is convex:
    Newton's method from a point beyond converges to it.
    """
    total, share = a + b, a / (a + b)
    curvature = a * b / total
    d = math.sqrt(2 * drop / curvature)
    for _ in range(60):  # to a point beyond
        if _fallen(total, share, a, d)[0] >= drop:
            break
        d *= 1.5
    for _ in range(30):
        fallen, slope = _fallen(total, share, a, d)
        step = (fallen - drop) / slope
        d -= step
        if step <= 0.01 * d:
            break
    return d


def _fallen(total: float, share: float, a: float, d: float) -> tuple[float, float]:
    if d > _OVERFLOWING:
        return total * (d + math.log(share + (1 - share) * math.exp(-d))) - a * d, total - a
    grown = share * math.expm1(d)
    return total * math.log1p(grown) - a * d, total * (share + grown) / (1 + grown) - a


@lru_cache(maxsize=1)
def _rule() -> tuple[Any, Any, Any]:
    """Nodes and weights on 0…1, and the matrix that turns values at the nodes into integrals from 0 to each node."""
    import numpy as np

    at, weights = np.polynomial.legendre.leggauss(_NODES)
    degrees = np.arange(_NODES)
    values = np.polynomial.legendre.legvander(at, _NODES)  # P_k at the nodes
    # The interpolant's coefficients are (2k + 1)/2·Σ w·f·P_k; ∫P_k from -1 is (P_{k+1} - P_{k-1})/(2k + 1).
    to_coefficients = (2 * degrees + 1)[:, None] / 2 * values[:, :_NODES].T * weights
    integrals = np.empty((_NODES, _NODES))
    integrals[:, 0] = at + 1
    integrals[:, 1:] = (values[:, 2:] - values[:, :-2]) / (2 * degrees[1:] + 1)
    running = (integrals @ to_coefficients).T / 2
    return (at + 1) / 2, weights / 2, running
