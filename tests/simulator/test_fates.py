from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from whatsapp_simulator import fates, magic
from whatsapp_simulator.config import QUIET, Behaviour, Behaviours, Noise
from whatsapp_simulator.draws import Draws
from whatsapp_simulator.fates import Circumstances, Happening, Kind
from whatsapp_simulator.outgoing import Button

MARKETING = Behaviours().marketing
UTILITY = Behaviours().utility
BUTTONS = (Button("quick_reply", "YES|1", "", 0), Button("quick_reply", "STOP|1", "", 1))
NOISY = Noise(dup_rate=0.3, reorder_rate=0.3, late_rate=0.3, drop_rate=0.2)


def now(marketing: bool = True, **changes: object) -> Circumstances:
    plain = Circumstances(magic.NOTHING, marketing, False, False, False, False, BUTTONS, ("Hi",))
    return plain._replace(**changes)  # type: ignore[arg-type]


def lives(behaviour: Behaviour, many: int = 6000, **changes: object) -> list[tuple[Happening, ...]]:
    return [
        fates.plan(Draws(3, f"2547{index:08d}", f"o{index}"), behaviour, QUIET, now(**changes))  # type: ignore[arg-type]
        for index in range(many)
    ]


def share(plans: list[tuple[Happening, ...]], kind: Kind) -> float:
    return sum(any(step.kind == kind for step in plan) for plan in plans) / len(plans)


def test_marketing_people_behave_as_the_table_says() -> None:
    plans = lives(MARKETING)
    assert abs(share(plans, Kind.SENT) - 0.905) < 0.015
    arrived = sum(any(step.kind in (Kind.DELIVERED, Kind.READ) for step in plan) for plan in plans) / len(plans)
    assert abs(arrived - 0.88) < 0.02
    assert abs(share(plans, Kind.READ) - 0.553) < 0.025
    codes = Counter(step.detail.code for plan in plans for step in plan if step.kind == Kind.FAILED)
    assert abs(codes[131026] / 6000 - 0.03) < 0.01
    assert abs(codes[131049] / 6000 - 0.058) < 0.012
    reads = sum(any(step.kind == Kind.READ for step in plan) for plan in plans)
    taps = [step for plan in plans for step in plan if step.kind == Kind.BUTTON]
    assert abs(len(taps) / reads - 0.045) < 0.015
    assert all(step.detail.payload in ("YES|1", "STOP|1") and step.detail.quoted for step in taps)


def test_utility_messages_are_never_capped_or_stopped() -> None:
    plans = lives(UTILITY, 3000, marketing=False)
    codes = {step.detail.code for plan in plans for step in plan if step.kind == Kind.FAILED}
    assert codes == {131026, 130472}
    assert not share(plans, Kind.NATIVE_STOP)


def test_marketing_never_reaches_the_united_states() -> None:
    plans = lives(MARKETING, 200, is_us=True)
    assert all([step.kind for step in plan] == [Kind.FAILED] for plan in plans)


def test_an_open_window_spares_people_the_cap() -> None:
    codes = {step.detail.code for plan in lives(MARKETING, 2000, window_open=True) for step in plan}
    assert 131049 not in codes


def test_the_limit_of_the_account_and_a_stop_fail_everything() -> None:
    assert {plan[0].detail.code for plan in lives(MARKETING, 50, over_limit=True)} == {131048}
    assert {plan[0].detail.code for plan in lives(MARKETING, 50, stopped=True)} == {131050}


@settings(deadline=None)
@given(st.integers(), st.text(max_size=20), st.sampled_from(["254700000001", "254700000230", "254700000210"]))
def test_callbacks_leave_in_order_and_never_before_they_happened(seed: int, opaque: str, to: str) -> None:
    circumstances = now()._replace(magic=magic.of(to))
    plan = fates.plan(Draws(seed, to, opaque), MARKETING, NOISY, circumstances)
    assert plan == fates.plan(Draws(seed, to, opaque), MARKETING, NOISY, circumstances)
    assert [step.let_go for step in plan] == sorted(step.let_go for step in plan)
    assert all(step.let_go >= step.happened for step in plan)


@settings(deadline=None)
@given(st.integers(), st.text(max_size=20))
def test_noise_neither_invents_nor_swallows_a_happening(seed: int, opaque: str) -> None:
    draws = Draws(seed, "254700000001", opaque)
    quiet = fates.plan(draws, MARKETING, QUIET, now())
    noisy = fates.plan(draws, MARKETING, NOISY, now())
    originals = [step for step in noisy if not step.detail.repeat]
    assert {(step.kind, step.happened) for step in originals} == {(step.kind, step.happened) for step in quiet}
    assert len(originals) == len(quiet)


def test_some_callbacks_pass_their_successor() -> None:
    noise = Noise(dup_rate=0.0, reorder_rate=1.0)
    plan = fates.plan(Draws(1, "1", "1"), MARKETING, noise, now()._replace(magic=magic.of("0200")))
    assert [step.kind for step in plan] != [Kind.SENT, Kind.DELIVERED, Kind.READ, Kind.TEXT]


@settings(deadline=None)
@given(st.text(max_size=10))
def test_holding_a_message_back_delays_its_whole_life(opaque: str) -> None:
    plan = fates.plan(Draws(1, "1", opaque), MARKETING, QUIET, now(hold=300.0))
    assert plan[0].happened >= 300.0
