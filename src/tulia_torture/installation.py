"""The installation under torture: a database, a web process and two workers of its own, and the provider beside them.

All of them are children of this process and die with it. The database's server is the embedded one, in a directory of
this run; the provider is the simulator, and the only one that is never killed: its record is the truth.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tulia.config import embedded_postgres

_START_SECONDS = 60.0
SEND_TIMEOUT_SECONDS = 3
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH", "PYTHONHASHSEED", "VIRTUAL_ENV", "SYSTEMROOT", "TMPDIR")


class NeverAnswered(Exception):
    """A process of the installation didn't come up; the text says which."""


@dataclass(slots=True)
class Process:
    """One running process of ours, and since when it runs."""

    handle: subprocess.Popen[bytes]
    since: float
    failpoints: str

    @property
    def has_ended(self) -> bool:
        return self.handle.poll() is not None


class Installation:
    """Starts, kills, holds and misleads the processes of one data directory."""

    def __init__(self, place: Path, *, seed: int) -> None:
        self.place = place
        self.logs = place / "logs"
        self.seed = seed
        self.processes: dict[str, Process] = {}
        self.provider_url = ""
        self.web_port = free_port()
        self._held = contextlib.ExitStack()
        self._cluster: embedded_postgres.Cluster | None = None
        self._simulator: subprocess.Popen[bytes] | None = None

    @property
    def web_url(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    def open(self, provider_config: Path) -> None:
        """Database, tables, provider; neither web nor workers yet."""
        self.logs.mkdir(parents=True, exist_ok=True)
        self.place.chmod(0o755)  # so that the database's account gets in when we are root
        self.start_database()
        self.run("migrate", TULIA_OWNER_DATABASE_URL=self.cluster.url(embedded_postgres.OWNER_ROLE))
        port = free_port()
        self.provider_url = f"http://127.0.0.1:{port}"
        self._simulator = self._spawn(
            "provider", "-m", "whatsapp_simulator", "--port", str(port), "--seed", str(self.seed), "--scale", "60",
            "--config", str(provider_config), "--quiet",
        )  # fmt: skip
        await_answer(f"{self.provider_url}/healthz")

    def close(self) -> None:
        """Ends everything, gently."""
        for process in self.processes.values():
            with contextlib.suppress(ProcessLookupError):
                process.handle.send_signal(signal.SIGCONT)
                process.handle.terminate()
        children = [process.handle for process in self.processes.values()]
        for child in [*children, *([self._simulator] if self._simulator else [])]:
            child.terminate()
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._held.close()

    # The database.

    @property
    def cluster(self) -> embedded_postgres.Cluster:
        assert self._cluster is not None
        return self._cluster

    def start_database(self) -> None:
        """Starts the server, or starts it anew after it was killed. Call from the thread that lives longest."""
        self._cluster = self._held.enter_context(embedded_postgres.running(self.place, until_exit=True))

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """The database as its superuser, whom no row-level security stops."""
        return psycopg.connect(self.cluster.url("postgres"), autocommit=True, connect_timeout=10)

    def await_database(self) -> None:
        """Waits until the server takes connections. Raises NeverAnswered after a minute."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(psycopg.OperationalError):
                self.connect().close()
                return
            time.sleep(0.1)
        raise NeverAnswered("the database never came back")

    def kill_backend(self) -> bool:
        """SIGKILL to one process of the server that works for us: the server throws all others out and recovers."""
        try:
            with self.connect() as connection:
                row = connection.execute(
                    "SELECT pid FROM pg_stat_activity WHERE usename = %s ORDER BY query_start DESC NULLS LAST LIMIT 1",
                    [embedded_postgres.APPLICATION_ROLE],
                ).fetchone()
        except psycopg.Error:
            return False
        if row is None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(str(row[0])), signal.SIGKILL)
        return True

    def kill_database(self) -> None:
        """SIGKILL to the whole server at once, as when the power goes."""
        postmaster = int((self.cluster.files / "postmaster.pid").read_text().split()[0])
        for process_id in [postmaster, *_children(postmaster)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process_id, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(postmaster, 0)  # as long as its death isn't noticed, the next one takes it for alive

    # The processes.

    def environment(self, name: str = "") -> dict[str, str]:
        """Ours without anybody's settings, and those of this installation."""
        inherited = {key: value for key, value in os.environ.items() if key in _INHERITED}
        return inherited | {
            "TULIA_DATA_DIR": str(self.place),
            "DATABASE_URL": self.cluster.url(embedded_postgres.APPLICATION_ROLE),
            "TULIA_PUBLIC_URL": self.web_url,
            "TULIA_SIMULATOR_URL": self.provider_url,
            "TULIA_SEND_TIMEOUT_SECONDS": str(SEND_TIMEOUT_SECONDS),
            "TULIA_CLOCK_OFFSET_FILE": str(self.clock_of(name)) if name else "",
            "TULIA_API_RATE_PER_SECOND": "0",
        }

    def clock_of(self, name: str) -> Path:
        return self.place / f"{name}.clock"

    def set_clock(self, name: str, seconds: float) -> None:
        """Makes this process's clock wrong by so many seconds, as long as nobody says otherwise."""
        scratch = self.clock_of(name).with_suffix(".new")
        scratch.write_text(f"{seconds}")
        scratch.replace(self.clock_of(name))

    def run(self, *arguments: str, module: str = "tulia.cli", given: str = "", **environment: str) -> str:
        """A command of the installation, to its end; what it printed. Raises NeverAnswered when it failed."""
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            capture_output=True, text=True, check=False, input=given, env=self.environment() | environment,
        )  # fmt: skip
        if done.returncode:
            raise NeverAnswered(f"{module} {' '.join(arguments)} failed: {done.stderr.strip()[-1_000:]}")
        return done.stdout

    def start(self, name: str, *, failpoints: str = "") -> None:
        """Starts worker-1, worker-2 or web."""
        command = ("web", "--port", str(self.web_port)) if name == "web" else ("worker",)
        handle = self._spawn(name, "-m", "tulia.cli", *command, TULIA_FAILPOINTS=failpoints)
        self.processes[name] = Process(handle, time.time(), failpoints)

    def kill(self, name: str) -> None:
        """SIGKILL: no chance to tidy up."""
        process = self.processes[name]
        process.handle.kill()
        process.handle.wait()

    def leave(self, name: str) -> None:
        """SIGTERM: it finishes what is in flight; see `Process.has_ended`."""
        self.processes[name].handle.terminate()

    def last_words(self, name: str) -> str:
        """The last line of a process's log."""
        lines = (self.logs / f"{name}.log").read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def hold(self, name: str, *, still: bool) -> None:
        """Stops a process where it is, or lets it go on, without its noticing."""
        with contextlib.suppress(ProcessLookupError):
            self.processes[name].handle.send_signal(signal.SIGSTOP if still else signal.SIGCONT)

    def _spawn(self, name: str, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        own = name if name != "provider" else ""
        with (self.logs / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *arguments],
                env=self.environment(own) | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=embedded_postgres.die_with_parent(signal.SIGKILL),
            )


@contextlib.contextmanager
def opened(place: Path, *, seed: int, provider_config: Path) -> Iterator[Installation]:
    """An installation for the time of the `with`."""
    installation = Installation(place, seed=seed)
    try:
        installation.open(provider_config)
        yield installation
    finally:
        installation.close()


def await_answer(url: str) -> None:
    """Waits until this address answers 200. Raises NeverAnswered after a minute."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, urllib.error.URLError), direct.open(url, timeout=5) as response:
            if response.status == 200:
                return
        time.sleep(0.05)
    raise NeverAnswered(f"{url} never answered")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _children(process_id: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{process_id}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, task.read_text().split())
    return found
