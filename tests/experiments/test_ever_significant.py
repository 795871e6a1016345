"""A test without any difference, looked at again and again, is declared to have one in at most 5 % of cases."""

import numpy as np
import numpy.typing as npt

from tulia.experiments.plan import Counted, Plan
from tulia.experiments.verdict import judge

RUNS, LOOKS, PEOPLE, RATE = 2_000, 50, 5_000, 0.1


def maturing(seed: int) -> npt.NDArray[np.int64]:
    """Successes so far at each look (runs, arms, looks): everybody is written to at once, outcomes ripen."""
    draw = np.random.default_rng(seed)
    steps = np.diff(RATE * np.geomspace(0.001, 1, LOOKS), prepend=0.0)
    return draw.multinomial(PEOPLE, [*steps, 1 - RATE], size=(RUNS, 2))[:, :, :-1].cumsum(axis=2)


def test_an_a_a_test_seen_fifty_times_is_declared_significant_in_at_most_one_of_twenty() -> None:
    plan = Plan(auto_stop=True, baseline=RATE, totals=(PEOPLE, PEOPLE))
    declared = naive = anytime = 0
    for run in maturing(seed=20261122).tolist():
        ever = naively = always = False
        for look in range(LOOKS):
            counts = Counted((run[0][look], run[1][look]), (PEOPLE, PEOPLE))
            said, (tested,) = judge(counts, plan, is_final=look == LOOKS - 1)
            ever |= said.kind == "winner"
            naively |= tested.deciding_p < 0.05
            always |= tested.sequential_p < 0.05
        declared, naive, anytime = declared + ever, naive + naively, anytime + always
    assert declared / RUNS <= 0.05
    assert anytime / RUNS <= 0.05
    assert naive / RUNS > 0.25  # what the naive test does to people who look


def test_a_plan_mistaken_fourfold_still_keeps_its_promise() -> None:
    runs = maturing(seed=2)[:500].tolist()
    for mistaken in (0.25, 4.0):
        information = mistaken * PEOPLE / 2 * RATE / (1 - RATE)
        plan = Plan(auto_stop=True, information=information)
        stopped = sum(
            any(
                judge(Counted((run[0][look], run[1][look]), (PEOPLE, PEOPLE)), plan, is_final=False)[0].kind == "winner"
                for look in range(0, LOOKS, 2)
            )
            for run in runs
        )
        assert stopped / len(runs) <= 0.02


def test_without_auto_stop_nothing_is_said_before_the_end() -> None:
    plan = Plan(baseline=RATE, totals=(PEOPLE, PEOPLE))
    clear = Counted((100, 900), (PEOPLE, PEOPLE))
    assert judge(clear, plan, is_final=False)[0].code == "window_open"
    assert judge(clear, plan, is_final=True)[0].kind == "winner"
