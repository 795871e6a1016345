"""Calling the synchronous database from the asynchronous network: a few threads, each with a connection of its own."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from tulia.core import logs, sql

_P = ParamSpec("_P")
_R = TypeVar("_R")
_log = logs.get(__name__)
_SWITCH_SECONDS = 0.001
_YOUNG = 10_000  # containers; looking through five times as many stopped a web process for up to an eighth of a second


def hand_over_often() -> None:
    """For a process with a loop and threads that lives long, once all is imported.

    Threads hand over five times as often, so that nobody waits for the others at each step of theirs; and what lives as
    long as the process is no longer looked through for garbage, which stops everybody.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 50)


class DatabaseThreads:
    """Runs database acts in threads; a worker has one of these."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="database")

    async def run(self, act: Callable[_P, _R], /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """The act's result, or its error; after a lost connection the next act gets a fresh one."""

        def call() -> _R:
            try:
                return act(*args, **kwargs)
            except Exception as error:
                if sql.is_worth_repeating(error):
                    with contextlib.suppress(Exception):
                        sql.drop_connection()
                raise

        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    async def insist(self, act: Callable[_P, _R], /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """As `run`, but goes on trying through deadlocks and database restarts: for what must not get lost."""
        pause = 0.05
        while True:
            try:
                return await self.run(act, *args, **kwargs)
            except Exception as error:
                if not sql.is_worth_repeating(error):
                    raise
                _log.warning("database_act_repeated", act=act.__name__, error=type(error.__cause__ or error).__name__)
            await asyncio.sleep(pause * (0.5 + random.random()))  # noqa: S311 - jitter
            pause = min(pause * 2, 5.0)

    def close(self) -> None:
        """Ends the threads, after what they are at, and gives back their connections."""
        everyone = threading.Barrier(self._count)

        def leave() -> None:
            everyone.wait()  # so that each thread gets one of these
            with contextlib.suppress(Exception):
                sql.drop_connection()

        for _ in range(self._count):
            self._pool.submit(leave)
        self._pool.shutdown(wait=True)
