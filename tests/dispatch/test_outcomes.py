"""What a kill leaves behind that the ledger doesn't know of."""

from __future__ import annotations

import time

import pytest

from dispatch.provider import Run
from tulia.dispatch import outcomes
from tulia.dispatch.pacing import FEWEST_UNSETTLED
from tulia.ledger.status import State
from tulia.tenants.models import Tenant

SENT = (State.ACCEPTED, "")


async def test_however_slow_the_ledger_is_a_kill_would_leave_no_more_than_512_in_it_as_being_sent(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = outcomes.record.record

    def record(*args, **kwargs):  # type: ignore[no-untyped-def]
        time.sleep(0.4)
        return really(*args, **kwargs)

    monkeypatch.setattr(outcomes.record, "record", record)
    # At twice the rate a machine that reads answers late would be right to have more of them in flight.
    run = Run(tenant, people=2_000, rate=1_000)
    most = 0

    def looked() -> bool:
        nonlocal most
        states = run.states()
        most = max(most, sum(count for (state, _), count in states.items() if state == State.SENDING))
        return states == {SENT: 2_000}

    async with run.provider.listening(), run.dispatching():
        await run.until(looked, within=40)
    assert 300 < most <= FEWEST_UNSETTLED
