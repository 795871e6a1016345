from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from whatsapp_simulator import wamid
from whatsapp_simulator.ledger import DELIVERED, FAILED, READ, SENT, Ledger, SlidingSecond, later_state

told = st.lists(st.sampled_from([SENT, DELIVERED, READ, FAILED]), max_size=8)


@settings(deadline=None)
@given(told, st.randoms())
def test_the_state_does_not_depend_on_the_order_or_on_copies(states: list[int], shuffler: object) -> None:
    shuffled = states * 2
    shuffler.shuffle(shuffled)  # type: ignore[attr-defined]

    def merged(seen: list[int]) -> int:
        state = 0
        for new in seen:
            state = later_state(state, new)
        return state

    assert merged(states) == merged(shuffled)
    arrived = [state for state in states if state in (DELIVERED, READ)]
    if arrived:
        assert merged(states) == max(arrived)


@settings(deadline=None)
@given(st.lists(st.floats(0.0, 5.0), min_size=1, max_size=120))
def test_the_busiest_second_is_exact(moments: list[float]) -> None:
    moments.sort()
    second = SlidingSecond()
    for moment in moments:
        second.add(moment)
    assert second.highest == max(sum(0.0 <= other - start < 1.0 for other in moments) for start in moments)
    assert list(second.moments) == moments


def test_two_moments_exactly_a_second_apart_do_not_share_one() -> None:
    second = SlidingSecond()
    second.add(1.0)
    second.add(2.0)
    assert second.highest == 1


def test_a_message_keeps_its_id_and_who_sent_it() -> None:
    ledger = Ledger()
    ledger.accept("n1", "254700000001", "o1", bytes(9), 0, 1.0, 1e9)
    index = ledger.accept("n2", "254700000002", None, b"\xff" * 9, 0, 1.0, 1e9)
    assert wamid.read(ledger.wamid(index)) == wamid.Wamid("254700000002", False, "FF" * 9)
    described = ledger.describe(index)
    assert (described["phone_number_id"], described["opaque"], described["state"]) == ("n2", None, "accepted")
    assert ledger.max_per_second() == {"n1": 1, "n2": 1}
    assert list(ledger.find(None, "254700000002", None)) == [index]
    assert list(ledger.find("o1", None, "accepted")) == [0]


def test_it_keeps_count_of_every_state() -> None:
    ledger = Ledger()
    for number in range(3):
        ledger.accept("n", str(number), f"o{number % 2}", bytes(9), 0, 1.0, 1e9)
    ledger.advance(0, READ)
    ledger.advance(0, SENT)
    ledger.advance(1, FAILED, 131026)
    assert ledger.by_state == [1, 0, 0, 1, 1]
    assert ledger.describe(1)["code"] == 131026
    assert ledger.accepts_by_opaque == {"o0": 2, "o1": 1}
    assert ledger.duplicates() == ["o0"]
