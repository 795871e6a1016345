"""Answers of any length: made while they are read, in a thread of their own, so that nobody else waits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

from tulia.core import sql

MOST_AT_ONCE = 4
"""Files read from the database at once in one process, each with a connection: the others wait."""
STALLED_SECONDS = 60
"""A reader who takes no block for so long is hung up on, so that the connection comes free."""
_slots = threading.BoundedSemaphore(MOST_AT_ONCE)


class StreamedFile(StreamingHttpResponse):
    """A file to be saved. All of `blocks`, its beginning and its end run in one thread, whoever serves the answer."""

    def __init__(self, name: str, blocks: Iterator[bytes], *, content_type: str = "text/csv; charset=utf-8") -> None:
        self._blocks = _in_turn(blocks)
        super().__init__(_pulled(self._blocks), content_type=content_type)
        self.headers["Content-Disposition"] = str(content_disposition_header(as_attachment=True, filename=name))
        self.headers["Cache-Control"] = "no-store"

    async def __aiter__(self) -> AsyncIterator[bytes]:
        loop, reader = asyncio.get_running_loop(), asyncio.current_task()
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="file")
        try:
            while (block := await loop.run_in_executor(thread, next, self._blocks, None)) is not None:
                hang_up = loop.call_later(STALLED_SECONDS, reader.cancel) if reader else None
                try:
                    yield block
                finally:
                    if hang_up:
                        hang_up.cancel()
        finally:
            thread.submit(_end, self._blocks)
            thread.shutdown(wait=False)


def _pulled(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The same for a server (or a test) that waits."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="file") as thread:
        try:
            while (block := thread.submit(next, blocks, None).result()) is not None:
                yield block
        finally:
            thread.submit(_end, blocks).result()


def _in_turn(blocks: Iterator[bytes]) -> Iterator[bytes]:
    with _slots:
        yield from blocks


def _end(blocks: Iterator[bytes]) -> None:
    close = getattr(blocks, "close", None)
    try:
        if close:
            close()
    finally:
        sql.drop_connection()
