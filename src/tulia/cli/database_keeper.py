"""Starts the embedded database again when it ends by itself: killed, out of memory, or out of disk space."""

from __future__ import annotations

import time

from tulia.cli.supervisor import say
from tulia.config.embedded_postgres import PostgresUnavailable, Server

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 10.0
_STEADY_SECONDS = 60.0


class DatabaseKeeper:
    """Looks after one server. The other processes wait meanwhile: they go on by themselves once it answers."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._pause_seconds = _FIRST_PAUSE_SECONDS
        self._started_at = time.monotonic()
        self._again_at: float | None = None

    def watch(self) -> None:
        """Call a few times a second. The pause between tries grows while the server keeps ending."""
        if not self._server.has_ended():
            return
        now = time.monotonic()
        if self._again_at is None:
            if now - self._started_at > _STEADY_SECONDS:
                self._pause_seconds = _FIRST_PAUSE_SECONDS
            self._again_at = now + self._pause_seconds
            self._pause_seconds = min(self._pause_seconds * 2, _LONGEST_PAUSE_SECONDS)
            say(f"the database ended, starting it again; its log is {self._server.cluster.data_dir / 'postgres.log'}")
        elif now >= self._again_at:
            self._again_at = None
            self._started_at = now
            try:
                self._server.start_again()
            except (OSError, PostgresUnavailable) as error:
                say(f"the database can't be started: {error}")
