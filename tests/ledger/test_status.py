"""States only ever rise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulia.channels.types import Status
from tulia.ledger import reference, status
from tulia.ledger.status import State

STATES = st.sampled_from(State)


@given(STATES, st.lists(STATES))
def test_the_strongest_evidence_stands_whatever_the_order(present: State, evidence: list[State]) -> None:
    def after(order: list[State]) -> State:
        reached = present
        for one in order:
            assert status.strongest(reached, one) >= reached
            reached = status.strongest(reached, one)
        return reached

    assert after(evidence) == after(sorted(evidence, reverse=True)) == max([present, *evidence])


def test_every_state_has_a_name_and_every_status_proves_one() -> None:
    assert set(status.NAMES) == set(State)
    assert len(set(status.NAMES.values())) == len(State)
    assert set(status.EVIDENCE) == set(Status)
    assert State.ACCEPTED < State.SENT < State.FAILED < State.DELIVERED < State.READ


@given(st.uuids(), st.integers(0, 10**18 - 1))
def test_a_reference_is_read_back(campaign_id, recipient_id) -> None:  # type: ignore[no-untyped-def]
    made = reference.make(campaign_id, recipient_id)
    assert reference.read(made) == (campaign_id, recipient_id)
    assert len(made) <= 60


NO_ID = "0" * 32


@pytest.mark.parametrize(
    "foreign",
    [None, "", "t1", "t1::", "t1:x:1", f"t2:{NO_ID}:1", f"t1:{NO_ID}:-1", f"t1:{NO_ID}:١", f"t1:{NO_ID}:{10**18}"],
)
def test_what_is_no_reference_of_ours_is_nobodys(foreign: str | None) -> None:
    assert reference.read(foreign) is None


@given(st.text())
def test_any_text_is_read_as_a_reference_or_nobodys(text: str) -> None:
    reference.read(text)
    reference.read(f"t1:{text}")
