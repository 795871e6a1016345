"""One installation through its life: made by the first command, brought up, stopped, killed, brought up again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
import urllib.request
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from installation import Installation, is_alive, wait_until, with_tables

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def all_serve(processes: Iterable[int]) -> bool:
    """Whether each has come to its loop, and so to waiting for connections."""
    try:
        return all(any(map(_is_of_a_loop, Path(f"/proc/{pid}/fd").iterdir())) for pid in processes)
    except FileNotFoundError:  # one has just ended
        return False


def _is_of_a_loop(descriptor: Path) -> bool:
    try:
        return str(descriptor.readlink()) == "anon_inode:[eventpoll]"
    except FileNotFoundError:  # closed since it was listed
        return False


def simulated_numbers(installation: Installation) -> int:
    """How many numbers the simulator of the running installation knows; 0 while it is away."""
    address = json.loads((installation.data_dir / "up.json").read_text())["simulator_url"]
    try:
        with urllib.request.urlopen(f"{address}/_sim/numbers", timeout=5) as response:
            return len(json.load(response)["numbers"])
    except OSError:
        return 0


def test_the_very_first_command_makes_the_database_it_needs(installation: Installation) -> None:
    made = installation.json("tenant", "create", "--name", "Duka", "--slug", "duka", "--tier", "growth")
    assert set(made) == {"tenant_id", "slug", "api_key"}
    assert made["slug"] == "duka"
    again = installation.tulia("tenant", "create", "--name", "Duka", "--slug", "duka", "--tier", "growth", "--json")
    assert again.returncode == 1
    assert again.stderr.startswith("tulia: There is a tenant 'duka' already")
    assert '"code": "slug_taken"' in again.stdout


def test_up_serves_shares_its_database_restarts_what_dies_and_leaves_nothing_behind(
    installation: Installation,
) -> None:
    up = installation.up()
    assert up.get("/healthz") == 200
    assert up.get("/readyz") == 200

    second = installation.tulia("up", "--no-demo", "--port", "0")
    assert (second.returncode, second.stdout) == (1, "")
    assert f"already at {up.url}" in second.stderr
    assert len(second.stderr.splitlines()) == 1

    made = installation.json("tenant", "create", "--name", "B", "--slug", "second", "--tier", "starter")
    key = installation.json("api-key", "create", "--tenant", "second", "--role", "Finance Admin")["api_key"]
    assert made["api_key"] != key

    before = up.children()
    for name in ("postgres", "whatsapp_simulator", "cli web", "cli worker"):
        assert any(name in line for line in before.values()), name
    web = next(pid for pid, line in before.items() if "cli web" in line)
    os.kill(web, signal.SIGKILL)
    wait_until(lambda: up.get("/readyz") == 200)
    assert "web ended (signal 9), starting it again" in up.text()
    simulator = next(pid for pid, line in before.items() if "whatsapp_simulator" in line)
    assert simulated_numbers(installation) == 2
    os.kill(simulator, signal.SIGKILL)
    wait_until(lambda: simulated_numbers(installation) == 2)

    everyone = up.children()
    began = time.monotonic()
    assert up.stop() == 0
    assert time.monotonic() - began < 20
    assert [pid for pid in everyone if is_alive(pid)] == []
    assert not (installation.data_dir / "up.json").exists()


def test_several_web_processes_take_turns_and_count_together(tmp_path: Path) -> None:
    installation = Installation(with_tables(tmp_path / "data"))
    installation.environment["TULIA_WEB_PROCESSES"] = "2"
    up = installation.up("--no-simulator")

    def servers() -> dict[int, str]:
        return {pid: line for pid, line in up.children().items() if "cli web" in line}

    def counted() -> int:
        return sum(
            int(float(line.split()[-1]))
            for line in up.read("/metrics").splitlines()
            if line.startswith('tulia_http_requests_total{method="GET",route="healthz",status="200"}')
        )

    wait_until(lambda: len(servers()) == 2 and all_serve(servers()))
    with ThreadPoolExecutor(16) as at_once:
        assert set(at_once.map(up.get, ["/healthz"] * 200)) == {200}
    assert {counted() for _ in range(20)} == {200}

    for pid in servers():  # one after the other: whoever is left answers
        os.kill(pid, signal.SIGKILL)
        assert set(map(up.get, ["/healthz"] * 20)) == {200}
        wait_until(lambda pid=pid: len(servers()) == 2 and pid not in servers() and all_serve(servers()))
    assert counted() == 240
    environment = Path(f"/proc/{next(iter(servers()))}/environ").read_text().split("\0")
    counts = Path(next(one for one in environment if one.startswith("PROMETHEUS_MULTIPROC_DIR")).partition("=")[2])
    shutil.rmtree(counts)  # as somebody who tidies up would
    assert "tulia_database_up 1.0" in up.read("/metrics")
    for pid in servers():
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: up.get("/healthz") == 200)
    assert counts.is_dir()
    assert up.stop() == 0
    assert not counts.exists()


def test_even_a_killed_up_leaves_nothing_running_and_the_next_one_finds_the_data(installation: Installation) -> None:
    up = installation.up("--no-simulator")
    everyone = up.children()
    assert not any("whatsapp_simulator" in line for line in everyone.values())
    up.stop(signal.SIGKILL)
    wait_until(lambda: not any(is_alive(pid) for pid in everyone), seconds=15)
    key = installation.json("api-key", "create", "--tenant", "duka", "--scopes", "analytics:view")["api_key"]
    assert key.startswith("tulia_")


@pytest.mark.parametrize("place", ["/proc/nope", "{file}/below"])
def test_a_data_directory_that_can_not_be_written_is_one_line(installation: Installation, place: str) -> None:
    file = installation.data_dir / "a_file"
    file.touch()
    nowhere = Installation(Path(place.format(file=file)))
    done = nowhere.tulia("up", "--no-demo", "--port", "0")
    assert done.returncode == 1
    assert done.stderr.startswith("tulia: the data directory")
    assert len(done.stderr.splitlines()) == 1


def test_a_port_in_use_is_one_line_and_nothing_was_started(tmp_path: Path, taken_port: int) -> None:
    done = Installation(tmp_path).tulia("up", "--no-demo", "--port", str(taken_port))
    assert done.returncode == 1
    assert done.stderr == f"tulia: port {taken_port} on 127.0.0.1 is in use: choose another with --port\n"
    assert not (tmp_path / "postgres").exists()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://x/y", "DATABASE_URL must look like postgresql://"),
        ("postgresql://x:y@127.0.0.1:1/z", "the database of DATABASE_URL can't be reached"),
        ("postgresql://x:y@127.0.0.1:port/z", "DATABASE_URL has a port that is no number"),
        ("postgresql://x:y@127.0.0.1", "DATABASE_URL names no database"),
    ],
)
def test_a_broken_database_url_is_one_line(tmp_path: Path, url: str, said: str) -> None:
    done = Installation(tmp_path).tulia("up", "--no-demo", "--port", "0", DATABASE_URL=url)
    assert done.returncode == 1
    assert done.stderr.startswith(f"tulia: {said}")
    assert len(done.stderr.splitlines()) == 1
    assert "y@" not in done.stderr
