"""Child processes that live as long as this one: started, watched, restarted, stopped."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tulia.config.embedded_postgres import die_with_parent

_LOG_BYTES_KEPT = 10 * 1024 * 1024
_SHORTEN_SECONDS = 10.0
_STOP_SECONDS = 20.0
_LONGEST_PAUSE_SECONDS = 30.0
_STEADY_SECONDS = 60.0


@dataclass(slots=True)
class Child:
    """One program to keep running."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log_path: Path
    inherited: Sequence[int] = ()
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    restart_at: float | None = None
    pause_seconds: float = 0.5
    on_restart: Callable[[], None] = field(default=lambda: None)

    def start(self) -> None:
        """Starts it in a session of its own (Ctrl-C is ours alone), to die with us even by SIGKILL."""
        self.restart_at = None
        self.started_at = time.monotonic()
        with contextlib.suppress(OSError):
            self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with _opened(self.log_path) as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
                pass_fds=self.inherited,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGKILL),
            )

    def has_ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def shorten_log(self) -> None:
        """Keeps the log and one before it at 10 MB each; whoever appends to it goes on at the new end."""
        with contextlib.suppress(OSError):
            if self.log_path.stat().st_size > _LOG_BYTES_KEPT:
                shutil.copyfile(self.log_path, self.log_path.with_suffix(".log.1"))
                os.truncate(self.log_path, 0)

    def last_words(self) -> str:
        """The last line of its log, for a message of one line."""
        with contextlib.suppress(OSError), self.log_path.open("rb") as log:
            log.seek(max(0, self.log_path.stat().st_size - 4_096))
            lines = log.read().decode(errors="replace").strip().splitlines()
            if lines:
                return lines[-1][:300]
        return "it said nothing"


class Supervisor:
    """Keeps children running. Use from the main thread: on Linux a child dies with the thread that started it."""

    def __init__(self) -> None:
        self.children: list[Child] = []
        self._errands: list[subprocess.Popen[bytes]] = []
        self._shortened_at = time.monotonic()

    def start(self, child: Child) -> None:
        self.children.append(child)
        child.start()

    def send(self, command: Sequence[str]) -> None:
        """Starts something short that nobody waits for."""
        self._errands.append(
            subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGKILL),
            )
        )

    def ended(self) -> Child | None:
        """A child that isn't running, if any."""
        return next((child for child in self.children if child.has_ended()), None)

    def watch(self) -> None:
        """Restarts what has ended, after a pause that grows while it keeps failing. Call a few times a second."""
        now = time.monotonic()
        if now - self._shortened_at > _SHORTEN_SECONDS:
            self._shortened_at = now
            for child in self.children:
                child.shorten_log()
        self._errands = [errand for errand in self._errands if errand.poll() is None]
        for child in self.children:
            if not child.has_ended():
                continue
            if child.restart_at is None:
                if now - child.started_at > _STEADY_SECONDS:
                    child.pause_seconds = 0.5
                child.restart_at = now + child.pause_seconds
                say(f"{child.name} ended ({_how(child)}), starting it again; its log is {child.log_path}")
                child.pause_seconds = min(child.pause_seconds * 2, _LONGEST_PAUSE_SECONDS)
            elif now >= child.restart_at:
                child.start()
                child.on_restart()

    def stop(self) -> None:
        """SIGTERM to all, and SIGKILL after 20 seconds to those who don't listen."""
        for errand in self._errands:
            errand.kill()
            errand.wait()
        for child in self.children:
            _signal(child, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        for child in self.children:
            if child.process is None:
                continue
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(child, signal.SIGKILL)
                child.process.wait()


def _opened(path: Path) -> IO[bytes]:
    """The log to append to; nothing is written when there is no room for a file."""
    try:
        return path.open("ab")
    except OSError:
        return Path(os.devnull).open("ab")


def _signal(child: Child, number: int) -> None:
    if child.process is not None and child.process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.process.pid, number)  # its session, so with whatever it started


def _how(child: Child) -> str:
    code = child.process.returncode if child.process else 0
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def say(message: str) -> None:
    """One line for whoever watches; where it can't be written (a full disk), nobody is held up by it."""
    with contextlib.suppress(OSError):
        print(f"tulia: {message}", file=sys.stderr, flush=True)
