from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from whatsapp_simulator.buckets import PairBuckets, spend, take

gaps = st.lists(st.floats(0.0, 30.0), min_size=1, max_size=80)


@settings(deadline=None)
@given(gaps, st.integers(1, 50), st.sampled_from([0.0125, 0.5, 6.0]))
def test_a_bucket_gives_what_a_counted_bucket_would(gaps: list[float], burst: int, interval: float) -> None:
    full_at, tokens, now, before = 0.0, float(burst), 1000.0, 1000.0
    for gap in gaps:
        now += gap
        tokens = min(float(burst), tokens + (now - before) / interval)
        before = now
        taken, full_at = take(full_at, now, interval, burst)
        if abs(tokens - 1.0) > 1e-3:
            assert taken == (tokens >= 1.0)
        if taken:
            tokens -= 1.0


def test_a_rested_bucket_gives_its_burst_at_once_and_then_its_rate() -> None:
    full_at, given_out = 0.0, 0
    for step in range(2000):
        taken, full_at = take(full_at, 100.0 + step / 1000.0, 1 / 80, 80)
        given_out += taken
    assert given_out in (80 + 159, 80 + 160)


def test_traffic_that_cannot_be_refused_owes_at_most_one_burst() -> None:
    full_at = 0.0
    for _ in range(1000):
        full_at = spend(full_at, 50.0, 0.1, 10)
    assert take(full_at, 51.0, 0.1, 10)[0] is False
    assert take(full_at, 51.11, 0.1, 10)[0] is True


def test_a_pair_gets_45_at_once_then_one_in_six_seconds_and_others_are_not_affected() -> None:
    pairs = PairBuckets()
    assert [pairs.take("a", 10.0, 6.0, 45) for _ in range(46)] == [True] * 45 + [False]
    assert pairs.take("b", 10.0, 6.0, 45)
    assert not pairs.take("a", 15.9, 6.0, 45)
    assert pairs.take("a", 16.0, 6.0, 45)


def test_full_pair_buckets_are_forgotten() -> None:
    pairs = PairBuckets()
    for index in range(60_000):
        pairs.take(str(index), index * 0.01, 6.0, 45)
    assert len(pairs) < 51_000
