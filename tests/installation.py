"""Whole installations for tests: a data directory, the `tulia` command on it, and `tulia up`."""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tulia.config import embedded_postgres

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
OURS = ("DATABASE_URL", "DJANGO_SETTINGS_MODULE", "PUBLIC_URL", "SIMULATOR_URL")


def clean_environment() -> dict[str, str]:
    """Ours without the settings of the test run itself: each installation here is its own.

    One web process is enough for what most of them are about, and each takes a second to begin.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TULIA_") and name not in OURS}
    return kept | {"TULIA_WEB_PROCESSES": "1"}


_kept: Path | None = None


def keep_tables(files: Path, place: Path) -> None:
    """Keeps a copy of a stopped server's files for `with_tables`, with the product's settings."""
    subprocess.run(["cp", "-a", str(files), str(place)], check=True)
    (place / "postgresql.auto.conf").write_text("")
    begin_with(place)


def begin_with(place: Path) -> None:
    """From now on `with_tables` copies what another process kept here."""
    global _kept
    _kept = place


def tables() -> Path | None:
    """What `with_tables` copies, once it is there."""
    return _kept


def with_tables(data_dir: Path) -> Path:
    """Makes a new data directory that has its tables already, for tests that aren't about how they are made."""
    data_dir.mkdir(parents=True, exist_ok=True)
    if _kept:
        subprocess.run(["cp", "-a", str(_kept), str(embedded_postgres.locate(data_dir).files)], check=True)
    return data_dir


class Installation:
    """A data directory of its own, and commands that use it."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.environment = clean_environment()

    def tulia(self, *arguments: str, given: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tulia.cli", *arguments, "--data-dir", str(self.data_dir)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            input=given,
            env=self.environment | environment,
        )

    def json(self, *arguments: str) -> Any:
        done = self.tulia(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def up(self, *arguments: str) -> Up:
        return Up(self, *arguments)


class Up:
    """A running `tulia up` on a free port."""

    def __init__(self, installation: Installation, *arguments: str) -> None:
        self.printed = installation.data_dir / "printed.txt"
        with self.printed.open("wb") as out:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "tulia.cli", "--data-dir", str(installation.data_dir)),
                    *("up", "--no-demo", "--port", "0", *arguments),
                ],
                stdout=out,
                stderr=subprocess.STDOUT,
                env=installation.environment,
            )
        atexit.register(self.process.kill)  # a test that fails leaves nothing running; its children die with it
        wait_until(lambda: "runs at" in self.text() or self.process.poll() is not None)
        assert self.process.poll() is None, self.text()
        self.url = self.text().split("runs at ")[1].split()[0]
        self.port = int(self.url.rpartition(":")[2])

    def text(self) -> str:
        return self.printed.read_text()

    def read(self, path: str) -> str:
        with _DIRECT.open(self.url + path, timeout=20) as response:
            return str(response.read().decode())

    def get(self, path: str) -> int:
        try:
            with _DIRECT.open(self.url + path, timeout=20) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def children(self) -> dict[int, str]:
        """Every process below, however deep, by id: its command line. One that ends meanwhile is not among them."""
        found: dict[int, str] = {}
        waiting = [self.process.pid]
        while waiting:
            for task in Path(f"/proc/{waiting.pop()}/task").glob("*/children"):
                for child in map(int, _read(task).split()):
                    if line := _read(Path(f"/proc/{child}/cmdline")):
                        found[child] = line.replace("\0", " ")
                        waiting.append(child)
        return found

    def stop(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(40)


def is_alive(process_id: int) -> bool:
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(is_so: Callable[[], bool], *, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)


def _read(file: Path) -> str:
    """Empty for a process that has ended."""
    try:
        return file.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
