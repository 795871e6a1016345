from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tulia.core import clock, failpoints
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    failpoints.arm("")
    clock.follow("")


def test_a_process_dies_the_very_time_that_was_ordered() -> None:
    program = (
        "from tulia.core import failpoints; failpoints.arm('claimed=kill@3')\n"
        "for i in range(5): failpoints.reached('claimed'); failpoints.reached('other'); print(i, flush=True)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, env=ENVIRONMENT)
    assert done.returncode == -signal.SIGKILL
    assert done.stdout.split() == ["0", "1"]


def test_a_line_can_dawdle_once_or_always() -> None:
    failpoints.arm("a=sleep:0.05@2, b=sleep:0.02")
    took = []
    for name in ("a", "a", "a", "b", "b"):
        began = time.perf_counter()
        failpoints.reached(name)
        took.append(time.perf_counter() - began)
    assert [seconds > 0.015 for seconds in took] == [False, True, False, True, True]


@pytest.mark.parametrize("text", ["claimed", "claimed=die", "claimed=kill@0", "=kill", "claimed=sleep", "A=kill"])
def test_an_order_that_can_not_be_understood_is_refused(text: str) -> None:
    with pytest.raises(failpoints.FailpointsInvalid, match="is no order"):
        failpoints.arm(text)


def test_without_orders_a_line_costs_nothing() -> None:
    failpoints.arm("")
    began = time.perf_counter()
    for _ in range(100_000):
        failpoints.reached("claimed")
    assert time.perf_counter() - began < 0.5  # 5 µs each would be a hundred times too much


def test_a_clock_that_follows_a_file_is_as_wrong_as_the_file_says(tmp_path: Path) -> None:
    clock.forget()
    offset = tmp_path / "offset"
    offset.write_text("-7200")
    clock.follow(str(offset))
    assert abs(clock.now() - datetime.now(UTC) + timedelta(hours=2)) < timedelta(seconds=1)
    offset.write_text("")  # just being written
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)


def test_everybody_goes_by_the_clock_of_the_database_however_wrong_their_own_is(tmp_path: Path) -> None:
    offset = tmp_path / "offset"
    offset.write_text("10800")
    clock.follow(str(offset))
    clock.heard(datetime.now(UTC), asked=time.monotonic())
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)
    before = clock.now()
    time.sleep(0.05)
    assert timedelta(seconds=0.04) < clock.now() - before < timedelta(seconds=1)


def test_an_answer_that_took_long_is_not_believed_when_there_was_a_better_one() -> None:
    clock.heard(datetime.now(UTC), asked=time.monotonic())
    clock.heard(datetime.now(UTC) - timedelta(seconds=9), asked=time.monotonic() - 9)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)


def test_a_transaction_of_a_tenant_tells_the_time(tenant: Tenant, tmp_path: Path) -> None:
    offset = tmp_path / "offset"
    offset.write_text("-3600")
    clock.follow(str(offset))
    clock.forget()
    assert clock.now() < datetime.now(UTC) - timedelta(minutes=59)
    with tenant_scope(tenant.pk):
        assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)
