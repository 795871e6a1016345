"""What every statistic here takes and may answer: counts, the refusal of impossible ones, and `Inconclusive`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

LARGEST_COUNT = 10**15
_SMALLEST_SHARE = 1e-15
INSUFFICIENT_DATA = "insufficient_data"
NO_DIFFERENCE = "no_difference_observable"


class CountsInvalid(ValueError):
    """The counts can't have been counted: no whole numbers, negative, or more successes than people.

    `field` names the one that is wrong, when there is one.
    """

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Inconclusive:
    """A statistic that has no answer. `code` is stable and for programs, `reason` is plain words."""

    code: str
    reason: str


def whole(value: object, *, field: str) -> int:
    """`value` as a count: 0 … 10¹⁵. A float without fraction is one, True and "3" are not. Raises `CountsInvalid`."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        if not isinstance(value, float) or not value.is_integer():
            raise CountsInvalid(f"{field} must be a whole number.", field=field)
        value = int(value)
    count = int(value)
    if count < 0:
        raise CountsInvalid(f"{field} must not be negative.", field=field)
    if count > LARGEST_COUNT:
        raise CountsInvalid(f"{field} is more than there can be ({LARGEST_COUNT:,}).", field=field)
    return int(count)


def check_arm(successes: int, total: int, *, name: str) -> None:
    """Raises `CountsInvalid` unless `successes` of `total` people is possible; `name` is the arm's ("a")."""
    if type(successes) is int and type(total) is int and 0 <= successes <= total <= LARGEST_COUNT:
        return
    whole(successes, field=f"successes_{name}")
    whole(total, field=f"total_{name}")
    if successes > total:
        raise CountsInvalid(
            f"Arm {name.upper()} has more successes ({successes}) than people ({total}).", field=f"successes_{name}"
        )


def check_alpha(alpha: float) -> None:
    """Raises `ValueError` unless `alpha` is an error rate."""
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, not {alpha}")


def shares(weights: Sequence[float]) -> tuple[float, ...]:
    """`weights` as shares of 1; raises `CountsInvalid` (field ``weights``) unless all are positive and finite."""
    if not weights or not all(0 < weight < float("inf") for weight in weights):
        raise CountsInvalid("weights must be positive numbers.", field="weights")
    whole_weight = math.fsum(weights)
    found = tuple(weight / whole_weight for weight in weights)
    if min(found) < _SMALLEST_SHARE:  # also when their sum is infinite
        raise CountsInvalid("weights differ by more than can be computed with.", field="weights")
    return found
