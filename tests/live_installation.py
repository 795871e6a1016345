"""A whole installation for tests: web, worker and simulator as real processes, on the test run's own database."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tulia.cli import web_processes
from tulia.cli.listening import listen

T = TypeVar("T")
SIMULATOR_CONFIG = {
    "accepting": {"latency_ms": {"median": 5, "sigma": 0.3}},
    "limits": {"pair_burst": 0, "number_per_s": 0},
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def eventually(look: Callable[[], T], *, within: float = 30.0, every: float = 0.1) -> T:
    """The first true thing that `look` sees; AssertionError with the last one when time runs out."""
    deadline = time.monotonic() + within
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s; last seen: {seen!r}")
        time.sleep(every)


def fetch(url: str, body: Any = None, *, method: str | None = None) -> Any:
    """JSON from a control address."""
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read() or b"null")


@dataclass
class Installation:
    """Running processes, and how to stop and start them."""

    logs: Path
    web_processes: int = 1
    web_url: str = ""
    simulator_url: str = ""
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _held: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def start(self) -> None:
        """All at once, for each takes a second to begin; returns when they answer."""
        self.simulator_url = f"http://127.0.0.1:{self._start_simulator()}"
        self.web_url = f"http://127.0.0.1:{self._start_web()}"
        self.start_worker()
        self._await(f"{self.simulator_url}/healthz")
        self._await(f"{self.web_url}/readyz")

    def _start_simulator(self) -> int:
        port = free_port()
        config = self.logs / "simulator.json"
        config.write_text(json.dumps(SIMULATOR_CONFIG))
        self._spawn(
            "simulator", "-m", "whatsapp_simulator", "--port", str(port), "--seed", "7", "--scale", "60",
            "--config", str(config), "--quiet",
        )  # fmt: skip
        return port

    def _start_web(self) -> int:
        """`tulia web` itself; several share a port as under `tulia up`."""
        port = free_port()
        if self.web_processes == 1:
            self._spawn("web", "-m", "tulia.cli", "web", "--port", str(port))
            return port
        with listen("127.0.0.1", port) as listener:
            for child in web_processes.children(self.logs, listener, self._held, count=self.web_processes):
                _, *arguments = child.command
                self._spawn(child.name, *arguments, inherited=tuple(child.inherited), **child.environment)
        return port

    def start_worker(self, name: str = "worker") -> None:
        self._spawn(name, "-m", "tulia.cli", "worker")

    def kill(self, name: str) -> None:
        """SIGKILL: no chance to tidy up."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def stop(self, name: str) -> int:
        """SIGTERM, and its exit code."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(timeout=30)

    def _spawn(self, name: str, *arguments: str, inherited: tuple[int, ...] = (), **environment: str) -> None:
        ours = {"TULIA_SIMULATOR_URL": self.simulator_url, "TULIA_PUBLIC_URL": self.web_url}
        with (self.logs / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, *arguments], env=os.environ | ours | environment, stdout=log, stderr=log,
                start_new_session=True, pass_fds=inherited,
            )  # fmt: skip

    def _await(self, url: str) -> None:
        def answers() -> bool:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(url, timeout=2).close()
                return True
            return False

        eventually(answers, within=30)

    def close(self) -> None:
        for name in list(self.processes):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.stop(name)
        self._held.close()


_OPEN = (
    "UPDATE message_campaigns SET status = 'canceled' WHERE status IN ('scheduled', 'sending', 'paused')",
    "UPDATE campaign_recurrences SET status = 'ended', next_at = NULL WHERE status <> 'ended'",
    "UPDATE ingest_callbacks SET applied_at = now() WHERE applied_at IS NULL",
    "DELETE FROM ingest_early_statuses",
    "DELETE FROM consent_confirmations WHERE due_at IS NOT NULL OR sending_at IS NOT NULL",
    "UPDATE webhook_subscriptions SET is_enabled = false WHERE is_enabled",
    "DELETE FROM procrastinate_jobs WHERE status IN ('todo', 'doing')",
)


def _call_off_what_others_left() -> None:
    """Ends whatever earlier tests only pretended to send, so that this worker serves its own shops and nobody else's."""
    import psycopg

    with psycopg.connect(os.environ["TULIA_OWNER_DATABASE_URL"]) as connection:
        for act in _OPEN:
            table = next(word for word in act.split()[1:] if word != "FROM")
            is_isolated = not table.startswith("procrastinate")
            if is_isolated:
                connection.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
            connection.execute(act)
            if is_isolated:
                connection.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


@contextlib.contextmanager
def running(logs: Path, *, web_processes: int = 1) -> Iterator[Installation]:
    """An installation for the time of the `with`."""
    _call_off_what_others_left()
    installation = Installation(logs, web_processes)
    try:
        installation.start()
        yield installation
    finally:
        installation.close()
