"""Runs one queue's background jobs for as long as the process lives, whatever the database does meanwhile."""

from __future__ import annotations

import asyncio
import contextlib

from procrastinate import App

from tulia.core import logs

_log = logs.get(__name__)
HEARTBEAT_SECONDS = 2.0
STALLED_AFTER_SECONDS = 10.0
AGAIN_SECONDS = 1.0


async def until_stopped(queue: App, name: str, concurrency: int, stopping: asyncio.Event) -> None:
    """Ends when it is canceled, after the jobs it is at. The queue's own runner gives up when the database is away for
    too long; then another begins."""
    while not stopping.is_set():
        try:
            await queue.run_worker_async(
                queues=[name], concurrency=concurrency, install_signal_handlers=False,
                fetch_job_polling_interval=1.0, update_heartbeat_interval=HEARTBEAT_SECONDS,
                stalled_worker_timeout=STALLED_AFTER_SECONDS, shutdown_graceful_timeout=20.0, delete_jobs="successful",
            )  # fmt: skip
        except Exception as error:
            _log.warning("job_runner_restarted", queue=name, error=type(error.__cause__ or error).__name__)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), AGAIN_SECONDS)
