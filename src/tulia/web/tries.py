"""Slowing down whoever guesses passwords: after five failures for one e-mail from one address, a wait."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta

from tulia.core import crypto, sql

MOST_TRIES = 5
WAIT = timedelta(minutes=5)
_FORGET = "DELETE FROM sign_in_tries WHERE who = %(who)s"
_SWEEP = "DELETE FROM sign_in_tries WHERE last_at < %(before)s"


def wait_before(email: str, address: str, *, now: datetime) -> timedelta:
    """Counts this try; how long to wait before the next one is looked at (zero: go on)."""
    row = sql.fetch_one(
        sql.load("web", "count_try"),
        {"who": _digest(email, address), "now": now, "window_start": now - WAIT, "most": MOST_TRIES},
    )
    assert row is not None  # an upsert returns its row
    tries: int = row[0]
    last_at: datetime = row[1]
    if tries <= MOST_TRIES:
        return timedelta(0)
    return max(timedelta(seconds=1), last_at + WAIT - now)


def forget(email: str, address: str, *, now: datetime) -> None:
    """The password was right: nothing counts against them any more. Old tries of others go too."""
    sql.execute(_FORGET, {"who": _digest(email, address)})
    sql.execute(_SWEEP, {"before": now - 10 * WAIT})


def _digest(email: str, address: str) -> str:
    content = f"{email.strip().casefold()}\0{address}".encode()
    return hmac.digest(crypto.derive("sign-in tries"), content, "sha256").hex()
