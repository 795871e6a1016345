"""One HTTP request and its answer, as the surfaces see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson

from whatsapp_simulator.magic import Ending

JSON = "application/json"


class Unreadable(ValueError):
    """A body that is not JSON."""


@dataclass(frozen=True, slots=True)
class Request:
    """What came in. `local` says whether it came over the loopback interface; `credentials` is the bearer token.

    `came_at`: epoch seconds when its bytes were in our socket; 0.0 when nobody wanted to know.
    """

    method: str
    path: str
    query_string: str
    credentials: str
    body: bytes
    local: bool
    came_at: float = 0.0

    @property
    def query(self) -> dict[str, str]:
        """The query parameters; of repeated ones the last."""
        return dict(parse_qsl(self.query_string, keep_blank_values=True))

    def json(self) -> Any:
        """The body as JSON (nothing at all is an empty object); Unreadable when it isn't."""
        if not self.body:
            return {}
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise Unreadable(str(error)) from error


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes out after `wait_s` real seconds.

    `ending`: ``answer``, ``hang`` (say nothing for `hang_s` seconds, then close) or ``reset`` (the connection, at
    once). `trickle_s` above 0 sends the answer byte by byte with such pauses.
    """

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    ending: Ending = "answer"
    wait_s: float = 0.0
    hang_s: float = 0.0
    trickle_s: float = 0.0


def answer(content: Any, status: int = 200) -> Reply:
    """A JSON reply."""
    return Reply(status, orjson.dumps(content, option=orjson.OPT_NON_STR_KEYS))
