"""How long 10,000 whole analyses of a four-arm campaign take: verdict, intervals, Bayes, guardrail, and all sentences.

    python benchmarks/statistics_speed.py [--analyses 10000] [--holdout]

Every one has other counts. The limit is 10 s.
"""

from __future__ import annotations

import argparse
import random
import time

from tulia.experiments import words
from tulia.experiments.analysis import analyse
from tulia.experiments.plan import ArmCounts, GuardrailCounts, Plan

PEOPLE = 10_000


def one(draw: random.Random, *, with_holdout: bool) -> tuple[str, ...]:
    rate = draw.uniform(0.005, 0.5)
    arms = tuple(
        ArmCounts(name, PEOPLE, PEOPLE, round(PEOPLE * rate * draw.uniform(0.8, 1.2)), weight=0.25) for name in "ABCD"
    )
    held = (
        ArmCounts("Holdout", PEOPLE // 5, PEOPLE // 5, round(PEOPLE * rate / 6), weight=0.05) if with_holdout else None
    )
    guardrail = GuardrailCounts("opt-outs", tuple(draw.randint(0, 60) for _ in arms))
    plan = Plan(baseline=rate, totals=(PEOPLE,) * 4, auto_stop=draw.random() < 0.5)
    is_final = draw.random() < 0.5
    return words.sentences(
        analyse(arms, plan, is_final=is_final, guardrails=(guardrail,), holdout=held), noun="replies"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--analyses", type=int, default=10_000)
    parser.add_argument("--holdout", action="store_true", help="with a holdout beside the four arms")
    asked = parser.parse_args()
    draw = random.Random(1)
    one(draw, with_holdout=asked.holdout)  # loads what is loaded lazily
    started = time.perf_counter()
    said = sum(len(one(draw, with_holdout=asked.holdout)) for _ in range(asked.analyses))
    took = time.perf_counter() - started
    print(
        f"{asked.analyses:,} analyses with {said:,} sentences in {took:.1f} s, {1000 * took / asked.analyses:.2f} ms each"
    )


if __name__ == "__main__":
    main()
