"""What a test is fixed to before its launch, and the counts that come in later."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from tulia.experiments.counts import CountsInvalid, check_alpha, whole
from tulia.experiments.sample_ratio import THRESHOLD
from tulia.experiments.sequential import planned_information

EARLY_SHARE = 0.2
"""With auto-stop a fifth of alpha goes to stopping early, the rest to the final test: 0.01 and 0.04."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a test is judged. Fixed before the launch, whatever the counts turn out to be.

    `control`: the arm that the others are compared with, by its place; None compares every arm with every other.
    `auto_stop`: whether a winner may be named before the outcome windows have closed. Then `alpha` is divided: a fifth for
    stopping at any look, four fifths for the final test. Without it nothing is said before the end, and the final test has
    all of `alpha`.
    `baseline`: the rate that is expected, and `totals`: the people that each arm will have at the end. They make T*, the
    clock of the always-valid interval, unless `information` gives T* itself. Being wrong fourfold costs power, not truth.
    `guardrail_alpha` is each guardrail's own; `split_threshold` is the p below which the sample ratio vetoes the verdict.
    """

    alpha: float = 0.05
    power: float = 0.8
    auto_stop: bool = False
    control: int | None = None
    baseline: float | None = None
    totals: tuple[int, ...] = ()
    information: float | None = None
    prior: tuple[float, float] = (1.0, 1.0)
    guardrail_alpha: float = 0.05
    split_threshold: float = THRESHOLD

    def __post_init__(self) -> None:
        check_alpha(self.alpha)
        check_alpha(self.guardrail_alpha)
        if not 0 < self.power < 1:
            raise ValueError(f"power must lie between 0 and 1, not {self.power}")
        if self.baseline is not None and not 0 <= self.baseline <= 1:
            raise ValueError(f"baseline must be a rate from 0 to 1, not {self.baseline}")
        if self.information is not None and not 0 < self.information < math.inf:
            raise ValueError("information (T*) must be a positive number")

    @property
    def early_alpha(self) -> float:
        """The error rate of naming a winner at any look before the end; 0 without auto-stop."""
        return self.alpha * EARLY_SHARE if self.auto_stop else 0.0

    @property
    def final_alpha(self) -> float:
        """The error rate of the one test at the end."""
        return self.alpha * (1 - EARLY_SHARE) if self.auto_stop else self.alpha

    @property
    def shown_alpha(self) -> float:
        """That of the always-valid interval which is shown while the test runs."""
        return self.early_alpha if self.auto_stop else self.alpha

    def information_of(self, first: int, second: int) -> float | None:
        """T* of two arms; None when nothing was planned."""
        if self.information is not None:
            return self.information
        if self.baseline is None or not 0 < self.baseline < 1 or max(first, second) >= len(self.totals):
            return None
        total_a, total_b = self.totals[first], self.totals[second]
        return planned_information(total_a, total_b, self.baseline) if total_a > 0 and total_b > 0 else None


@dataclass(frozen=True, slots=True)
class ArmCounts:
    """One arm, in people.

    `assigned`: everybody who was dealt this arm, written to or not. `matured`: those of them whose outcome window has
    closed. `successes`: those of the *matured* with the primary metric, within their window. `so_far`: those of the
    *assigned* with it up to now; when every arm has it, looks before the end go by it. `weight`: the planned size relative
    to the others'.
    """

    name: str
    assigned: int
    matured: int
    successes: int
    so_far: int | None = None
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class GuardrailCounts:
    """Harm that is counted beside the primary metric: `events` in each arm (persons, of those assigned), in their order."""

    name: str
    events: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Counted:
    """The successes and people of every arm that a look goes by."""

    successes: tuple[int, ...]
    totals: tuple[int, ...]
    arms: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "arms", len(self.totals))

    def pair(self, first: int, second: int) -> tuple[int, int, int, int]:
        return self.successes[first], self.totals[first], self.successes[second], self.totals[second]


def counted(arms: tuple[ArmCounts, ...], *, is_final: bool) -> Counted:
    """At the end the people whose window has closed; before, what is known so far of everybody. Raises `CountsInvalid`."""
    for arm in arms:
        _check(arm)
    if not is_final and all(arm.so_far is not None for arm in arms):
        return Counted(tuple(arm.so_far or 0 for arm in arms), tuple(arm.assigned for arm in arms))
    return Counted(tuple(arm.successes for arm in arms), tuple(arm.matured for arm in arms))


def _check(arm: ArmCounts) -> None:
    so_far = arm.successes if arm.so_far is None else arm.so_far
    for value, name in (
        (arm.assigned, "assigned"),
        (arm.matured, "matured"),
        (arm.successes, "successes"),
        (so_far, "so_far"),
    ):
        if type(value) is not int or value < 0:
            whole(value, field=f"{arm.name}.{name}")
    if not arm.successes <= arm.matured <= arm.assigned:
        raise CountsInvalid(f"{arm.name}: successes, matured and assigned must not decrease.", field="matured")
    if so_far > arm.assigned:
        raise CountsInvalid(f"{arm.name}: so_far must not exceed assigned.", field="so_far")
