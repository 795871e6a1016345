"""A provider that accepts every message at once and remembers nothing: what is left is what the sender itself costs.

python benchmarks/instant_provider.py PORT
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

_ANSWER = (
    b'{"messaging_product":"whatsapp","contacts":[{"input":"+254700000000","wa_id":"254700000000"}],'
    b'"messages":[{"id":"wamid.%020d"}]}'
)
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


class _Connection(asyncio.Protocol):
    numbers = itertools.count()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._read = b""

    def data_received(self, data: bytes) -> None:
        self._read += data
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            head = self._read[:end].lower()
            _, is_there, rest = head.partition(b"content-length:")
            size = int(rest.split(b"\r\n", 1)[0]) if is_there else 0
            if len(self._read) < end + 4 + size:
                return
            self._read = self._read[end + 4 + size :]
            answer = _ANSWER % next(self.numbers)
            self._transport.write(_HEAD % len(answer) + answer)  # type: ignore[attr-defined]


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", port, backlog=4_096)
    await server.serve_forever()


@contextlib.contextmanager
def running(port: int) -> Iterator[str]:
    """A process of it, and its address."""
    process = subprocess.Popen([sys.executable, __file__, str(port)])
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(100):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(address, timeout=1).close()
                break
        yield address
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    import uvloop

    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(_serve(int(sys.argv[1])))
