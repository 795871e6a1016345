"""Where a function crosses zero."""

from __future__ import annotations

from collections.abc import Callable

_MOST_STEPS = 200


def crossing(
    function: Callable[[float], float],
    *,
    low: float,
    at_low: float,
    high: float,
    at_high: float,
    start: float,
    within: float,
) -> float:
    """The zero of `function` between `low`, where it is negative, and `high`, where it is positive.

    Regula falsi by Anderson & Björck (1973), which halves its bracket whenever that goes slower. `start` is a guess,
    `within` the length of a last step. `at_low` and `at_high` are the function's values there, if need be just their
    signs: 0 counts as negative at `low` and as positive at `high`.
    """
    guess = start if low < start < high else (low + high) / 2
    side = 0
    for step in range(_MOST_STEPS):
        value = function(guess)
        if value == 0 or high - low <= within:
            return guess
        if value < 0:
            if side < 0:
                at_high *= _reduced(value, at_low) if at_low else 0.5
            low, at_low, side = guess, value, -1
        else:
            if side > 0:
                at_low *= _reduced(value, at_high) if at_high else 0.5
            high, at_high, side = guess, value, 1
        if at_low == 0 or at_high == 0:  # only the sign is known there: no line to follow
            guess = (low + high) / 2
            continue
        next_guess = high - at_high * (high - low) / (at_high - at_low)
        if abs(next_guess - guess) <= within:
            return next_guess
        if step % 4 == 3 or not low < next_guess < high:
            next_guess = (low + high) / 2
            if not low < next_guess < high:
                return guess
        guess = next_guess
    return guess


def _reduced(value: float, before: float) -> float:
    """Anderson and Björck's factor for the value at the end that stayed."""
    factor = 1 - value / before
    return factor if factor > 0 else 0.5
