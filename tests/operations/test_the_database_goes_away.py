"""The database is killed in the middle of a run, or has no connection left: nothing is lost, and it goes on by itself."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from flows.shop import Shop
from installation import Installation, Up, with_tables
from live_installation import eventually
from operations.outside import Place, accepted, differences, is_alive, open_shop, settled, superuser
from tulia.config import embedded_postgres
from tulia.config.embedded_postgres import Cluster


@dataclass
class Running:
    installation: Installation
    up: Up
    place: Place
    cluster: Cluster

    def shop(self, *, people: int, rate: int = 200) -> Shop:
        return open_shop(self.installation, self.place, self.cluster, people=people, rate=rate)

    def processes(self, name: str) -> list[int]:
        return [pid for pid, line in self.up.children().items() if name in line]


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """`tulia up` whose processes keep as few connections as they may."""
    import json

    with tempfile.TemporaryDirectory(prefix="tulia-ops-") as folder:
        Path(folder).chmod(0o755)
        installation = Installation(with_tables(Path(folder) / "data"))
        installation.environment["TULIA_DATABASE_POOL_SIZE"] = "4"
        up = installation.up()
        simulator_url = json.loads((installation.data_dir / "up.json").read_text())["simulator_url"]
        cluster = embedded_postgres.locate(installation.data_dir)
        try:
            yield Running(installation, up, Place(up.url, simulator_url), cluster)
        finally:
            up.stop()


def postmaster(cluster: Cluster) -> int:
    return int((cluster.files / "postmaster.pid").read_text().split()[0])


@contextlib.contextmanager
def every_connection_taken(cluster: Cluster) -> Iterator[None]:
    """Takes connections as the program's role until the server refuses more; superusers still get in."""
    taken: list[psycopg.Connection[Any]] = []
    with contextlib.suppress(psycopg.OperationalError):
        while True:
            taken.append(psycopg.connect(cluster.url(embedded_postgres.APPLICATION_ROLE)))
    try:
        assert len(taken) > 50
        yield
    finally:
        for connection in taken:
            connection.close()


def test_a_database_killed_twice_in_the_middle_of_a_run_is_started_again_and_nothing_is_lost(running: Running) -> None:
    shop = running.shop(people=900, rate=100)
    campaign = shop.make()
    web, worker = running.processes("cli web"), running.processes("cli worker")
    shop.execute(campaign)
    eventually(lambda: len(accepted(shop, campaign)) > 100, every=0.05)
    os.kill(postmaster(running.cluster), signal.SIGQUIT)  # what `pg_ctl stop -m immediate` does
    eventually(lambda: is_alive(shop, "/readyz") == 200, within=30, every=0.05)
    assert "the database ended, starting it again" in running.up.text()
    before = len(accepted(shop, campaign))
    assert before < 700, "too late for the middle of the run"
    eventually(lambda: len(accepted(shop, campaign)) > before + 50, every=0.05)
    os.kill(postmaster(running.cluster), signal.SIGKILL)
    eventually(lambda: is_alive(shop, "/readyz") == 200, within=30)
    shop.until(campaign, within=40)
    balance = settled(shop, campaign, running.cluster)
    # Who said STOP meanwhile was passed over.
    assert len(accepted(shop, campaign)) + balance["skipped"] == 900
    assert set(accepted(shop, campaign).values()) == {1}
    assert (balance["unknown"], balance["waiting"], balance["deferred"]) == (0, 0, 0)
    assert differences(running.installation) == []
    assert (running.processes("cli web"), running.processes("cli worker")) == (web, worker), (
        "nobody else had to restart"
    )


def test_with_every_connection_taken_calls_wait_or_are_asked_to_come_back_and_sending_goes_on_afterwards(
    running: Running,
) -> None:
    shop = running.shop(people=300, rate=100)
    campaign = shop.make()
    shop.execute(campaign)
    eventually(lambda: len(accepted(shop, campaign)) > 50, every=0.05)
    with superuser(running.cluster) as session:
        session.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tulia_app'")
    with every_connection_taken(running.cluster):
        began = time.monotonic()
        refused = shop.call("GET", "/v1/campaigns")
        took = time.monotonic() - began
        unready = is_alive(shop, "/readyz")
    assert {refused.status_code, unready} <= {200, 503}
    assert refused.status_code == 200 or int(refused.headers["Retry-After"]) > 0
    assert took < 25
    shop.until(campaign, within=40)
    balance = settled(shop, campaign, running.cluster)
    assert len(accepted(shop, campaign)) + balance["skipped"] == 300
    assert set(accepted(shop, campaign).values()) == {1}
    assert balance["unknown"] == 0
    assert balance["sent_by_evidence"]["accepted"] == 0, "callbacks that were refused came again"


def test_who_is_started_into_a_dead_database_is_started_again_until_it_is_there(running: Running) -> None:
    shop = running.shop(people=200, rate=100)
    campaign = shop.make()
    shop.execute(campaign)
    eventually(lambda: len(accepted(shop, campaign)) > 20, every=0.05)
    web, worker = running.processes("cli web"), running.processes("cli worker")
    os.kill(postmaster(running.cluster), signal.SIGSTOP)  # nobody gets in, and nobody is told so
    for process in [*web, *worker]:
        os.kill(process, signal.SIGKILL)
    log = running.installation.data_dir / "logs" / "worker.log"
    eventually(lambda: "tulia: the database" in log.read_text())
    os.kill(postmaster(running.cluster), signal.SIGKILL)
    eventually(lambda: is_alive(shop, "/readyz") == 200, within=30)
    shop.until(campaign, within=40)
    balance = settled(shop, campaign, running.cluster)
    assert len(accepted(shop, campaign)) + balance["skipped"] == 200
    assert set(accepted(shop, campaign).values()) == {1}
    said = [(log.with_name(f"{name}.log")).read_text() for name in ("web", "worker")]
    assert not any("Traceback" in one for one in said)


def test_many_calls_at_once_share_a_few_connections(running: Running) -> None:
    shop = running.shop(people=1)
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        answers = Counter(pool.map(lambda _: shop.call("GET", "/v1/campaigns").status_code, range(120)))
    assert set(answers) <= {200, 503}
    assert answers[200] > 100
