"""Workers on several machines share the senders; one that dies or is stopped takes nobody with it."""

from __future__ import annotations

import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from flows.shop import Shop
from live_installation import eventually
from operations.machines import Machines, several
from operations.outside import accepted, differences, settled


@pytest.fixture(scope="module")
def machines() -> Iterator[Machines]:
    with tempfile.TemporaryDirectory(prefix="tulia-many-") as folder, several(Path(folder)) as machines:
        yield machines


def started(machines: Machines, *, people: int, rate: int) -> tuple[Shop, str]:
    shop = machines.open_shop(people=people, rate=rate)
    campaign = shop.make()
    shop.execute(campaign)
    eventually(lambda: len(accepted(shop, campaign)) > rate // 2, every=0.05)
    return shop, campaign


def whoever_sends(machines: Machines) -> str | None:
    """The worker that has the one sender there is."""
    workers = [name for name in machines.processes if name in machines.ports]
    return next((name for name in workers if machines.senders_of(name)), None)


def test_a_killed_worker_is_followed_by_another_within_seconds_and_a_stopped_one_at_once(machines: Machines) -> None:
    machines.start_worker("first", "second", "third")
    shop, campaign = started(machines, people=1_500, rate=100)
    killed = eventually(lambda: whoever_sends(machines))
    machines.kill(killed)
    killed_at = time.monotonic()
    left = shop.report(campaign)["balance"]  # whoever takes the sender over lets a second pass before it claims anybody
    in_flight = left["sending"] + left["unknown"]
    assert in_flight <= 2 * 100 + 32
    before = len(accepted(shop, campaign))
    eventually(lambda: len(accepted(shop, campaign)) > before + 20, within=30, every=0.05)
    assert time.monotonic() - killed_at < 30
    stopped = eventually(lambda: whoever_sends(machines))
    assert machines.stop(stopped) == 0
    stopped_at = time.monotonic()
    before = len(accepted(shop, campaign))
    eventually(lambda: len(accepted(shop, campaign)) > before + 20, within=10, every=0.05)
    assert time.monotonic() - stopped_at < 10
    assert shop.report(campaign)["balance"]["unknown"] <= in_flight, "who is stopped finishes what is in flight"
    shop.until(campaign)
    balance = settled(shop, campaign, machines.cluster)
    everyone = accepted(shop, campaign)
    assert set(everyone.values()) == {1}, "nobody twice"
    # Who was claimed and not posted when the first was killed stays unknown: its journal is on another machine.
    assert len(everyone) + balance["skipped"] + balance["unknown"] == 1_500, "nobody forgotten"
    assert balance["unknown"] <= in_flight
    assert (balance["waiting"], balance["deferred"], balance["sending"]) == (0, 0, 0)
    assert differences(machines.installation("operator")) == []


def test_a_web_process_that_is_stopped_answers_whom_it_is_at(machines: Machines) -> None:
    shop = machines.open_shop(people=1, rate=80)
    lines = [b"external_id,phone,name,tags\n"] + [f"N{i},+25471{i:07d},N,new\n".encode() for i in range(500)]
    began = threading.Event()

    def slowly() -> Iterator[bytes]:
        for number, line in enumerate(lines):
            yield line
            if number == 5:
                began.set()
                time.sleep(2)

    def stop() -> None:
        began.wait(10)
        machines.start_web("other")
        assert machines.stop("web") in (0, -signal.SIGTERM)

    stopping = threading.Thread(target=stop)
    stopping.start()
    answer = httpx.post(
        f"{machines.place.web_url}/v1/customers/import", content=slowly(), timeout=60,
        headers={"Authorization": f"Bearer {shop.key}", "Content-Type": "text/csv"},
    )  # fmt: skip
    stopping.join()
    assert answer.status_code == 200, answer.text
    assert answer.json()["created"] == 500
    assert shop.get("/v1/campaigns")["results"] == []
