"""Secrets at rest: encrypted when we must read them again, hashed when we only compare."""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings


class SecretUnreadable(RuntimeError):
    """A stored secret doesn't open with this installation's key: TULIA_SECRET_KEY was changed or lost."""


def derive(purpose: str, *, length: int = 32) -> bytes:
    """A key of this installation for one purpose, the same every time (HMAC-SHA256 of the secret key)."""
    return hmac.new(settings.SECRET_KEY.encode(), purpose.encode(), hashlib.sha256).digest()[:length]


def _fernet() -> Fernet:
    return Fernet(base64.urlsafe_b64encode(derive("secrets at rest")))


def encrypt(secret: str) -> str:
    return _fernet().encrypt(secret.encode()).decode()


def decrypt(token: str) -> str:
    """Raises SecretUnreadable when the token was made with another key."""
    try:
        return _fernet().decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise SecretUnreadable(
            "A stored secret can't be read: is TULIA_SECRET_KEY the one it was saved with?"
        ) from error


def digest(secret: str) -> str:
    """SHA-256 in hex, for secrets with 128 random bits or more (API keys), where a slow hash adds nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()
