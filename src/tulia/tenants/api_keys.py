"""API keys: shown once when made, stored as a digest, recognised on every request."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from tulia.core import clock, crypto
from tulia.core.errors import Invalid
from tulia.tenants import access
from tulia.tenants.models import ApiKey
from tulia.tenants.scope import system_scope, tenant_scope

PREFIX = "tulia_"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who acts: a person or a program, for which tenant, and what it may do."""

    tenant_id: UUID
    scopes: frozenset[str]
    label: str
    user_id: UUID | None = None
    api_key_id: UUID | None = None

    @property
    def is_authenticated(self) -> bool:
        return True


def create(tenant_id: UUID, *, name: str, scopes: Iterable[str], key: str | None = None) -> str:
    """Makes a key and returns it, for the only time. `key` is given only for a demo key that must be the same again.

    Raises Invalid for a scope that doesn't exist.
    """
    wanted = sorted(set(scopes))
    if unknown := access.unknown_scopes(wanted):
        raise Invalid(
            f"Unknown scopes: {', '.join(unknown)}.", details={"scopes": f"choose from {sorted(access.SCOPES)}"}
        )
    key = key or PREFIX + secrets.token_urlsafe(32)
    with tenant_scope(tenant_id):
        ApiKey.objects.get_or_create(
            key_digest=crypto.digest(key),
            defaults={"tenant_id": tenant_id, "name": name, "prefix": key[: len(PREFIX) + 6], "scopes": wanted},
        )
    return key


def operator(tenant_id: UUID) -> Caller:
    """Whoever has the command line of this installation: may do everything, for any tenant."""
    return Caller(tenant_id, access.SCOPES, "operator")


def recognise(key: str) -> Caller | None:
    """The caller that this key stands for; None when it is unknown, revoked or expired."""
    if not key.startswith(PREFIX) or len(key) > 200:
        return None
    with system_scope():
        found = ApiKey.objects.filter(key_digest=crypto.digest(key), revoked_at=None).first()
    if found is None or (found.expires_at and found.expires_at <= clock.now()):
        return None
    return Caller(found.tenant_id, frozenset(found.scopes), f"API key {found.prefix}…", api_key_id=found.id)
