"""HTTP as a patient user speaks it: asks again while nobody answers, and notes when what was answered."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_PATIENCE_SECONDS = 90.0


class NobodyAnswers(Exception):
    """The installation gave no answer for longer than it may be down."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that says something: any status below 500. Times are epoch seconds; `tries` is how often we asked."""

    status: int
    content: Any
    asked_at: float
    answered_at: float
    tries: int


def once(method: str, url: str, body: Any = None, *, headers: dict[str, str] | None = None, timeout: float = 30) -> Any:
    """One request, JSON or bytes in, (status, JSON) out. Raises OSError when there is no answer."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    request = urllib.request.Request(  # noqa: S310 - our own processes
        url, data=data, method=method, headers={"Content-Type": "application/json", **(headers or {})}
    )
    try:
        with _direct.open(request, timeout=timeout) as response:
            return response.status, _decoded(response.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, _decoded(error.read())
    except http.client.HTTPException as error:
        raise ConnectionError(f"no whole answer: {error!r}") from error


def _decoded(content: bytes) -> Any:
    try:
        return json.loads(content or b"null")
    except ValueError:
        return content.decode(errors="replace")


def call(
    method: str, url: str, body: Any = None, *, key: str, patience: float = _PATIENCE_SECONDS, pause: float = 0.2
) -> Answer:
    """Asks until there is an answer below 500. Raises NobodyAnswers when the patience ends."""
    asked_at = time.time()
    deadline = time.monotonic() + patience
    tries, problem = 0, "nothing"
    while time.monotonic() < deadline:
        tries += 1
        try:
            status, content = once(method, url, body, headers={"Authorization": f"Bearer {key}"})
            if status < 500 and status != 429:
                return Answer(status, content, asked_at, time.time(), tries)
            problem = f"HTTP {status}: {str(content)[:200]}"
        except OSError as error:
            problem = str(error)
        time.sleep(pause)
    raise NobodyAnswers(f"{method} {url}: {problem}")
