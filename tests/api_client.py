"""A client of our own API for tests: in this process, through every middleware."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True)
class ApiClient:
    """Calls /v1 with one key; `body` may be bytes to send something that is no JSON."""

    key: str | None

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        sent: dict[str, str] = {"authorization": f"Bearer {self.key}"} if self.key else {}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        content_type = sent.pop("content-type", "application/json")
        content = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        from django.test import Client

        return Client(raise_request_exception=False).generic(
            method, path, content, content_type=content_type, headers=sent
        )
