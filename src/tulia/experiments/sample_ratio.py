"""Whether the arms have the sizes that were planned. If not, something is wrong with the test, and no verdict is given."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tulia.experiments.counts import INSUFFICIENT_DATA, CountsInvalid, Inconclusive, shares, whole
from tulia.experiments.evalues import multinomial
from tulia.experiments.tails import chi_square_tail

THRESHOLD = 0.001


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """The chi-square test of the planned split, and the e-value that may be looked at any time.

    `expected` are the sizes that the weights ask for. `is_mismatch` is p < `threshold`. `is_exact` tells whether no arm is
    off by a whole person or more, as arms that were dealt out by us must be.
    """

    chi_square: float
    degrees: int
    p_value: float
    expected: tuple[float, ...]
    log_e: float
    always_valid_p: float
    is_exact: bool
    threshold: float

    @property
    def is_mismatch(self) -> bool:
        return self.p_value < self.threshold


def check_split(
    observed: Sequence[int],
    weights: Sequence[float] | None = None,
    *,
    concentration: float = 10_000.0,
    threshold: float = THRESHOLD,
) -> SampleRatio | Inconclusive:
    """χ² = Σ (O - E)²/E over the people *assigned*, k - 1 degrees. Equal weights by default.

    A threshold of 0.001 is customary because the check is made again and again; it is a veto, not a finding. The e-value
    is that of `evalues.multinomial`. `Inconclusive` when nobody is assigned.
    """
    counts = [whole(count, field=f"observed[{arm}]") for arm, count in enumerate(observed)]
    planned = shares(weights if weights is not None else [1.0] * len(counts))
    if len(planned) != len(counts):
        raise CountsInvalid("There must be as many weights as counts.", field="weights")
    if len(counts) < 2:
        raise CountsInvalid("There must be at least two arms.", field="observed")
    people = sum(counts)
    if people == 0:
        return Inconclusive(INSUFFICIENT_DATA, "Nobody is assigned yet.")
    expected = tuple(people * share for share in planned)
    chi_square = math.fsum((o - e) ** 2 / e for o, e in zip(counts, expected, strict=True))
    evidence = multinomial(counts, planned, concentration=concentration)
    return SampleRatio(
        chi_square=chi_square,
        degrees=len(counts) - 1,
        p_value=chi_square_tail(chi_square, len(counts) - 1),
        expected=expected,
        log_e=evidence.log_e,
        always_valid_p=evidence.always_valid_p,
        is_exact=all(abs(o - e) < 1 for o, e in zip(counts, expected, strict=True)),
        threshold=threshold,
    )
