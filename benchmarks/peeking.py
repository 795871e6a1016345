"""How often a test without any difference is ever declared to have one, when it is looked at 100 times.

    python benchmarks/peeking.py [--runs 2000] [--looks 100] [--people 10000] [--seed 1]

Simulates A/A tests and asks `tulia.experiments.verdict.judge`, as the product does, at every look. Outcomes come in as
people are added (accrual), all ripen after everybody was written to at once (maturing), or both (mixed: the sending takes
six tenths of the time, and outcomes follow with a delay). Columns: the naive z-test of any pair below 0.05 at any look;
the always-valid p-value below 0.05 at any look; the verdict ever naming a better arm with auto-stop; and without, where
nothing is said before the last look, so that this is the one test at its nominal 5 % (from forty times as many runs).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tulia.experiments.plan import Counted, Plan
from tulia.experiments.verdict import judge

Counts = npt.NDArray[np.int64]  # runs, arms, looks
BETTER = ("winner", "leading")
MORE_RUNS = 40
MEAN_DELAY = 0.15


@dataclass(frozen=True, slots=True)
class Share:
    """Of all runs, how many were declared significant."""

    naive: float
    always_valid: float
    with_auto_stop: float
    without_auto_stop: float


def accrual(
    draw: np.random.Generator, runs: int, arms: int, looks: int, people: int, rate: float
) -> tuple[Counts, Counts]:
    """The same number of people is added before each look, and their outcomes are known at once."""
    step = people // looks
    successes = draw.binomial(step, rate, size=(runs, arms, looks)).cumsum(axis=2)
    return successes, np.broadcast_to(step * np.arange(1, looks + 1), successes.shape)


def maturing(
    draw: np.random.Generator, runs: int, arms: int, looks: int, people: int, rate: float
) -> tuple[Counts, Counts]:
    """Everybody is written to at once, and looks come at ever longer intervals while outcomes come in."""
    times = np.geomspace(0.001, 1, looks)
    successes = _outcomes(draw, (runs, arms), people, rate, times)
    return successes, np.broadcast_to(people, successes.shape)


def mixed(
    draw: np.random.Generator, runs: int, arms: int, looks: int, people: int, rate: float
) -> tuple[Counts, Counts]:
    """People are written to during six tenths of the time, and each answers after a delay."""
    sending = looks * 6 // 10
    each = people // sending
    successes = np.zeros((runs, arms, looks), dtype=np.int64)
    for cohort in range(sending):
        times = np.arange(1, looks - cohort + 1) / looks
        successes[:, :, cohort:] += _outcomes(draw, (runs, arms), each, rate, times)
    totals = each * np.minimum(np.arange(1, looks + 1), sending)
    return successes, np.broadcast_to(totals, successes.shape)


def _outcomes(
    draw: np.random.Generator, shape: tuple[int, int], people: int, rate: float, times: npt.NDArray[np.float64]
) -> Counts:
    """How many have answered by each time, with exponential delays of which all are over at 1."""
    known = rate * -np.expm1(-times / MEAN_DELAY) / -np.expm1(-1 / MEAN_DELAY)
    steps = np.append(np.diff(known, prepend=0.0), 1 - known[-1])
    return draw.multinomial(people, np.clip(steps, 0, 1), size=shape)[:, :, :-1].cumsum(axis=2)


REGIMES: dict[str, Callable[..., tuple[Counts, Counts]]] = {"accrual": accrual, "maturing": maturing, "mixed": mixed}


def simulate(regime: str, *, arms: int, rate: float, runs: int, looks: int, people: int, seed: int) -> Share:
    successes, totals = REGIMES[regime](np.random.default_rng(seed), runs, arms, looks, people, rate)
    ends = tuple(int(total) for total in totals[0, :, -1])
    stopping, waiting = (Plan(baseline=rate, totals=ends, auto_stop=auto_stop) for auto_stop in (True, False))
    declared = np.zeros((3, runs), dtype=bool)
    for run in range(runs):
        rows, sizes = successes[run].T.tolist(), totals[run].T.tolist()
        for look in range(looks):
            is_final = look == looks - 1
            counts = Counted(tuple(rows[look]), tuple(sizes[look]))
            said, tested = judge(counts, waiting, is_final=is_final)
            declared[0, run] |= any(one.deciding_p < 0.05 for one in tested)
            declared[1, run] |= any(one.adjusted_sequential_p < 0.05 for one in tested)
            assert is_final or said.kind not in BETTER
            if not declared[2, run]:
                declared[2, run] = judge(counts, stopping, is_final=is_final)[0].kind in BETTER
    return Share(*(float(share) for share in declared.mean(axis=1)), _at_the_end(waiting, rate, MORE_RUNS * runs, seed))


def _at_the_end(plan: Plan, rate: float, runs: int, seed: int) -> float:
    drawn = np.random.default_rng(seed).binomial(plan.totals, rate, size=(runs, len(plan.totals))).tolist()
    return sum(judge(Counted(tuple(x), plan.totals), plan, is_final=True)[0].kind in BETTER for x in drawn) / runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2_000)
    parser.add_argument("--looks", type=int, default=100)
    parser.add_argument("--people", type=int, default=10_000, help="in each arm")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    print("| regime | arms | rate | naive z, any look | always-valid p | verdict, auto-stop | verdict, no auto-stop |")
    print("|---|---|---|---|---|---|---|", flush=True)
    started, row = time.perf_counter(), 0
    for regime in REGIMES:
        for arms in (2, 3, 4):
            for rate in (0.02, 0.6):
                row += 1
                found = simulate(
                    regime,
                    arms=arms,
                    rate=rate,
                    runs=asked.runs,
                    looks=asked.looks,
                    people=asked.people,
                    seed=asked.seed + row,
                )
                shares = (found.naive, found.always_valid, found.with_auto_stop, found.without_auto_stop)
                said = " | ".join(f"{100 * share:.1f} %" for share in shares)
                print(f"| {regime} | {arms} | {rate:g} | {said} |", flush=True)
    error = 100 * (0.05 * 0.95 / asked.runs) ** 0.5
    print(
        f"\n{asked.runs:,} runs of {asked.looks} looks at {asked.people:,} people in each arm; standard error at 5 %: ",
        end="",
    )
    print(f"{error:.2f} points; {time.perf_counter() - started:.0f} s.")


if __name__ == "__main__":
    main()
