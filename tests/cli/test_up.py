"""One installation through its life: made by the first command, brought up, stopped, killed, brought up again."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from installation import Installation, is_alive, wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


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
