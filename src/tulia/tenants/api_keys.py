"""API keys: shown once when made, stored as a digest, recognised on every request."""

from __future__ import annotations

import enum
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from tulia.core import clock, crypto, keyset, sql
from tulia.core.errors import Invalid, Missing
from tulia.core.keyset import Page, PageRequest
from tulia.core.stamp import Stamp
from tulia.tenants import access
from tulia.tenants.models import ApiKey
from tulia.tenants.scope import system_scope, tenant_scope

PREFIX = "tulia_"
_USE_IS_NOTED_EVERY = timedelta(minutes=1)
_LONGEST_AGENT = 300
_KNOWN_SECONDS = 1.0
_MOST_KNOWN = 10_000

# Who was recognised a moment ago, and until when (of the monotonic clock) that is good enough. Whoever calls two hundred
# times a second needn't be looked up each time: that was a fifth of what a request costs. A key that is revoked opens
# nothing more in processes of this data directory at once, in others after a second.
_known: dict[str, _Known] = {}
_changes = Stamp("api_keys")


@dataclass(frozen=True, slots=True)
class Origin:
    """From where somebody acts: `via` is api, web, cli or system; a request has its network address and program too."""

    via: str = "system"
    address: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who acts: a person or a program, for which tenant, what it may do, and from where.

    `answers_as` is whose deeds a key's deeds are: the person who made it, else the first key of its line.
    """

    tenant_id: UUID
    scopes: frozenset[str]
    label: str
    user_id: UUID | None = None
    api_key_id: UUID | None = None
    answers_as: str = ""
    origin: Origin = Origin()

    @property
    def is_authenticated(self) -> bool:
        return True

    @property
    def kind(self) -> str:
        """user, api_key, operator (whoever has the command line) or system."""
        if self.user_id:
            return "user"
        if self.api_key_id:
            return "api_key"
        return "operator" if self.origin.via == "cli" else "system"

    @property
    def person(self) -> str:
        """The same text for everything that one person can be known to have done, whichever of their keys was used."""
        own = self.user_id or self.api_key_id
        return self.answers_as or (f"{self.kind}:{own}" if own else self.kind)

    def at(self, via: str, *, address: str = "", agent: str = "") -> Caller:
        """This caller, known to act from there."""
        return replace(self, origin=Origin(via, address[:45], agent[:_LONGEST_AGENT]))


class _Known(NamedTuple):
    until: float
    change: int
    caller: Caller


class Unrecognised(enum.StrEnum):
    """Why a key opens nothing."""

    UNKNOWN = "unauthenticated"
    REVOKED = "api_key_revoked"
    EXPIRED = "api_key_expired"


def create(
    tenant_id: UUID,
    *,
    name: str,
    scopes: Iterable[str],
    key: str | None = None,
    by: Caller | None = None,
    expires_at: datetime | None = None,
) -> str:
    """Makes a key and returns it, for the only time. `key` is given only for a demo key that must be the same again.

    Raises Invalid for a scope that doesn't exist.
    """
    return make(tenant_id, name=name, scopes=scopes, key=key, by=by, expires_at=expires_at)[1]


def make(
    tenant_id: UUID,
    *,
    name: str,
    scopes: Iterable[str],
    key: str | None = None,
    by: Caller | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Like `create`; the row too."""
    wanted = sorted(set(scopes))
    if unknown := access.unknown_scopes(wanted):
        raise Invalid(
            f"Unknown scopes: {', '.join(unknown)}.", details={"scopes": f"choose from {sorted(access.SCOPES)}"}
        )
    if expires_at is not None and expires_at <= clock.now():
        raise Invalid("expires_at must be in the future.", details={"expires_at": "must be in the future"})
    key = key or PREFIX + secrets.token_urlsafe(32)
    with tenant_scope(tenant_id):
        row, _ = ApiKey.objects.get_or_create(
            key_digest=crypto.digest(key),
            defaults={
                "tenant_id": tenant_id,
                "name": name,
                "prefix": key[: len(PREFIX) + 6],
                "scopes": wanted,
                "expires_at": expires_at,
                "created_by_id": by.user_id if by else None,
                "answers_as": by.person if by and (by.user_id or by.api_key_id) else "",
            },
        )
        row.refresh_from_db()
    return row, key


def operator(tenant_id: UUID) -> Caller:
    """Whoever has the command line of this installation: may do everything, for any tenant."""
    return Caller(tenant_id, access.SCOPES, "operator", origin=Origin("cli"))


def system(tenant_id: UUID) -> Caller:
    """The installation itself, when something happens by itself."""
    return Caller(tenant_id, access.SCOPES, "system")


def recognise(key: str) -> Caller | Unrecognised:
    """The caller that this key stands for, or why it stands for nobody. Notes the use, once a minute at most."""
    if not key.startswith(PREFIX) or len(key) > 200:
        return Unrecognised.UNKNOWN
    digest = crypto.digest(key)
    known, change = _known.get(digest), _changes.seen()
    if known is not None and known.until > time.monotonic() and known.change == change:
        return known.caller
    with system_scope():
        found = ApiKey.objects.filter(key_digest=digest).first()
    if found is None:
        return Unrecognised.UNKNOWN
    now = clock.now()
    if found.revoked_at:
        return Unrecognised.REVOKED
    if found.expires_at and found.expires_at <= now:
        return Unrecognised.EXPIRED
    if found.last_used_at is None or found.last_used_at < now - _USE_IS_NOTED_EVERY:
        with tenant_scope(found.tenant_id):
            ApiKey.objects.filter(pk=found.pk).update(last_used_at=now)
    caller = Caller(
        found.tenant_id,
        frozenset(found.scopes),
        f"API key {found.prefix}…",
        api_key_id=found.id,
        answers_as=found.answers_as,
    )
    lasts = _KNOWN_SECONDS
    if found.expires_at:
        lasts = min(lasts, (found.expires_at - now).total_seconds())
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    _known[digest] = _Known(time.monotonic() + lasts, change, caller)
    return caller


def get(tenant_id: UUID, key_id: UUID) -> ApiKey:
    """Raises Missing. Call in the tenant's scope."""
    found = ApiKey.objects.filter(tenant_id=tenant_id, pk=key_id).first()
    if found is None:
        raise Missing("There is no such API key.")
    return found


def page(tenant_id: UUID, wanted: PageRequest) -> Page[ApiKey]:
    """Newest first, the revoked ones too. Call in the tenant's scope."""
    return keyset.page_of(ApiKey, {"tenant_id": tenant_id}, wanted)


def revoke(tenant_id: UUID, key_id: UUID, *, now: datetime) -> None:
    """It opens nothing from now on; revoking it twice is revoking it once. Call in the tenant's scope."""
    ApiKey.objects.filter(tenant_id=tenant_id, pk=key_id, revoked_at=None).update(revoked_at=now)
    sql.once_committed(_changes.change)
