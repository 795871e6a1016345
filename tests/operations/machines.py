"""Several machines in one: processes with data directories of their own, on one database, behind one address."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from flows.shop import Shop
from installation import Installation, clean_environment, with_tables
from live_installation import SIMULATOR_CONFIG, eventually, free_port
from operations.outside import Place, open_shop
from tulia.config import embedded_postgres
from tulia.config.embedded_postgres import Cluster

KEY = "of-all-machines-of-this-test-" + "0123456789" * 2


@dataclass
class Machines:
    """The processes by name. All web processes listen on one socket, as behind a load balancer."""

    folder: Path
    cluster: Cluster
    listener: socket.socket
    simulator_url: str = ""
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    @property
    def place(self) -> Place:
        return Place(f"http://127.0.0.1:{self.listener.getsockname()[1]}", self.simulator_url)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "DATABASE_URL": self.cluster.url(embedded_postgres.APPLICATION_ROLE),
            "TULIA_SECRET_KEY": KEY,
            "TULIA_SIMULATOR_URL": self.simulator_url,
            "TULIA_PUBLIC_URL": self.place.web_url,
        }

    def installation(self, name: str) -> Installation:
        """One machine, to run commands on."""
        found = Installation(self.folder / name)
        found.environment |= self.environment
        return found

    def migrate(self, source: Path | None = None) -> None:
        owner = {"TULIA_OWNER_DATABASE_URL": self.cluster.url(embedded_postgres.OWNER_ROLE)}
        subprocess.run([*self._command(), "migrate"], check=True, env=self._environment("owner", source) | owner)

    def start_simulator(self) -> None:
        port = free_port()
        config = self.folder / "simulator.json"
        config.write_text(json.dumps(SIMULATOR_CONFIG))
        command = [sys.executable, "-m", "whatsapp_simulator", "--port", str(port), "--scale", "60"]
        self._spawn("simulator", [*command, "--config", str(config), "--quiet"], clean_environment())
        self.simulator_url = f"http://127.0.0.1:{port}"

    def start_web(self, name: str, source: Path | None = None) -> None:
        number = self.listener.fileno()
        command = [*self._command(), "web", "--socket", str(number)]
        self._spawn(name, command, self._environment(name, source), inherited=(number,))

    def start_worker(self, *names: str, source: Path | None = None) -> None:
        """Returns when all of them tick."""
        for name in names:
            self.ports[name] = free_port()
            command = [*self._command(), "worker", "--port", str(self.ports[name])]
            self._spawn(name, command, self._environment(name, source))
        for name in names:
            eventually(lambda port=self.ports[name]: answers(f"http://127.0.0.1:{port}/healthz"))  # type: ignore[misc]

    def kill(self, name: str) -> None:
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def stop(self, name: str) -> int:
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(timeout=30)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def open_shop(self, *, people: int, rate: int) -> Shop:
        """A shop whose number the simulator knows, with callbacks to all machines' address."""
        one = self.installation("operator")
        shop = open_shop(one, self.place, self.cluster, people=people, rate=rate)
        done = one.tulia("introduce", "--callback-url", self.place.web_url, "--wait", "10")
        assert done.returncode == 0, done.stderr
        return shop

    def senders_of(self, name: str) -> int:
        """How many senders this worker sends for, as it says itself."""
        from operations.outside import superuser

        with superuser(self.cluster) as session:
            row = session.execute(
                "SELECT sender_count FROM running_workers WHERE process_id = %s", [self.processes[name].pid]
            ).fetchone()
        return row[0] if row else 0

    def _command(self) -> list[str]:
        return [sys.executable, "-m", "tulia.cli"]

    def _environment(self, name: str, source: Path | None) -> dict[str, str]:
        environment = clean_environment() | self.environment | {"TULIA_DATA_DIR": str(self.folder / name)}
        return environment | ({"PYTHONPATH": str(source)} if source else {})

    def _spawn(
        self, name: str, command: list[str], environment: dict[str, str], *, inherited: tuple[int, ...] = ()
    ) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, start_new_session=True, pass_fds=inherited
            )

    def close(self) -> None:
        for name in list(self.processes):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.stop(name)


def answers(url: str) -> bool:
    with contextlib.suppress(OSError):
        urllib.request.urlopen(url, timeout=5).close()
        return True
    return False


@contextlib.contextmanager
def several(folder: Path) -> Iterator[Machines]:
    """A database, the simulator and one web process; workers are the test's to start."""
    folder.chmod(0o755)
    with_tables(folder / "database")
    with embedded_postgres.running(folder / "database", until_exit=True) as cluster, socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen(512)
        os.set_inheritable(listener.fileno(), True)
        machines = Machines(folder, cluster, listener)
        try:
            machines.start_simulator()
            machines.start_web("web")
            eventually(lambda: answers(f"{machines.simulator_url}/healthz"))
            eventually(lambda: answers(f"{machines.place.web_url}/readyz"))
            yield machines
        finally:
            machines.close()
