"""Secrets and signatures of the Standard Webhooks specification (pure).

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md, symmetric scheme v1.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

PREFIX = "whsec_"
SECRET_BYTES = 32
"""The specification allows 24 to 64."""


def secret_from(random_bytes: bytes) -> str:
    """The form in which a secret is shown to its owner: `whsec_` and base64."""
    return PREFIX + base64.b64encode(random_bytes).decode()


def sign(secret: str, *, message_id: str, at: datetime, body: bytes) -> str:
    """`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, the timestamp in whole seconds."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    content = b".".join((message_id.encode(), str(int(at.timestamp())).encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def headers(secrets: Sequence[str], *, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers; with several secrets (one is being rotated) as many signatures, the first secret's first."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(sign(secret, message_id=message_id, at=at, body=body) for secret in secrets),
    }
