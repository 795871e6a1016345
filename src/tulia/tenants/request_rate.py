"""How often a tenant may call, and how often an address may try keys that open nothing.

Buckets are in the database, so that they hold across any number of web processes. Who calls often would write there for
every call, so a process takes a few tokens ahead for a tenant whose calls use them up; what is left of them after a
second is lost. No more are ever given out than the bucket held. An address that has used up its
tries is refused unheard for some seconds, but for keys that were good here a short while ago: whoever shares an address
with somebody who guesses goes on working.
"""

from __future__ import annotations

import hmac
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from tulia.core import crypto, sql

BLOCK_SECONDS = 10.0
_GOOD_SECONDS = 600.0
_MOST_REMEMBERED = 10_000
_KEPT = timedelta(hours=1)
_AHEAD_SECONDS = 1.0
_MOST_AHEAD = 0.1
"""Of a second's calls: so much a process takes ahead at once, at most."""
_SWEEP = "DELETE FROM request_buckets WHERE at < %(before)s"

_blocked: dict[str, float] = {}
_good: dict[str, float] = {}


@dataclass(slots=True)
class _Ahead:
    """Tokens of a tenant that this process has taken already; `until` is of the monotonic clock."""

    left: int
    taken: int
    until: float


_ahead: dict[UUID, _Ahead] = {}
_taking = threading.Lock()


def may_call(tenant_id: UUID, *, now: datetime) -> bool:
    """Counts a call of this tenant; False when it calls too often."""
    if not settings.API_RATE_PER_SECOND:
        return True
    with _taking:
        ahead = _ahead.get(tenant_id)
        is_fresh = ahead is not None and ahead.until > time.monotonic()
        if ahead is not None and is_fresh and ahead.left:
            ahead.left -= 1
            return True
    # Whoever used up what was taken less than a second ago calls often: twice as many then.
    most = max(1, int(_MOST_AHEAD * min(settings.API_RATE_PER_SECOND, settings.API_BURST)))
    wanted = min(most, 2 * ahead.taken) if ahead is not None and is_fresh else 1
    who, per_minute = f"tenant:{tenant_id}", 60 * settings.API_RATE_PER_SECOND
    for tokens in (wanted, 1) if wanted > 1 else (1,):
        if _take(who, per_minute=per_minute, burst=settings.API_BURST, now=now, wanted=tokens):
            with _taking:
                if len(_ahead) >= _MOST_REMEMBERED:
                    _ahead.clear()
                # Another thread may have taken some meanwhile.
                since = _ahead.get(tenant_id)
                left = since.left if since is not None and since is not ahead else 0
                _ahead[tenant_id] = _Ahead(left + tokens - 1, tokens, time.monotonic() + _AHEAD_SECONDS)
            return True
    return False


def is_blocked(address: str, key: str) -> bool:
    """Whether this address is refused unheard just now, with this key."""
    if not _blocked or _blocked.get(_digest(address), 0.0) < time.monotonic():
        return False
    return _good.get(crypto.digest(key), 0.0) < time.monotonic()


def was_good(key: str) -> None:
    """Remembers that this key opened something."""
    _remember(_good, crypto.digest(key), _GOOD_SECONDS)


def may_fail(address: str, *, now: datetime) -> bool:
    """Counts a key that opened nothing; False when there were too many from this address, which is then blocked."""
    if not settings.API_FAILURES_PER_MINUTE:
        return True
    most = settings.API_FAILURES_PER_MINUTE
    who = _digest(address)
    if _take(who, per_minute=most, burst=most, now=now):
        return True
    _remember(_blocked, who, BLOCK_SECONDS)
    sql.execute(_SWEEP, {"before": now - _KEPT})
    return False


def _take(who: str, *, per_minute: int, burst: int, now: datetime, wanted: int = 1) -> bool:
    params = {"who": who, "now": now, "per_minute": per_minute, "burst": burst, "wanted": wanted}
    return sql.fetch_one(sql.load("tenants", "take_tokens"), params) is not None


def _remember(kept: dict[str, float], name: str, seconds: float) -> None:
    if len(kept) >= _MOST_REMEMBERED:
        kept.clear()
    kept[name] = time.monotonic() + seconds


def _digest(address: str) -> str:
    return "address:" + hmac.digest(crypto.derive("failed keys"), address.encode(), "sha256").hex()
