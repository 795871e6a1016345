"""A small receiver of events over HTTP: keeps what arrives, and answers as it is told."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import standardwebhooks

Reply = tuple[int, dict[str, str]]


@dataclass(frozen=True)
class Arrived:
    """One request."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def payload(self) -> Any:
        return json.loads(self.body)

    @property
    def type(self) -> str:
        return str(self.payload["type"])

    def verify(self, secret: str) -> Any:
        """The payload, if the specification's own library finds the signature good."""
        return standardwebhooks.Webhook(secret).verify(self.body, dict(self.headers))


@dataclass
class Receiver:
    """What arrived so far; `answer` decides on the n-th request (from 0) what is answered."""

    url: str = ""
    arrived: list[Arrived] = field(default_factory=list)
    answer: Callable[[int], Reply] = lambda _: (204, {})
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, request: Arrived) -> Reply:
        with self._lock:
            self.arrived.append(request)
            return self.answer(len(self.arrived) - 1)

    def times(self) -> Counter[str]:
        """How often each event arrived."""
        return Counter(one.id for one in self.arrived)

    def types(self) -> Counter[str]:
        """How many events of each type arrived, each counted once."""
        return Counter({one.id: one.type for one in list(self.arrived)}.values())


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a free port of this machine."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, more = receiver.take(Arrived(headers, body))
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0" if status == 204 else "3")
            self.end_headers()
            if status != 204:
                self.wfile.write(b"hey")

        def log_message(self, *_: object) -> None:
            """Nothing on the console."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
