"""Gathering the facts of a run that has come to rest: from the provider, from the ledger's tables, from the API."""

from __future__ import annotations

import json
import re
import struct
import subprocess
import sys
from typing import Any

from tulia_torture.acting import User
from tulia_torture.facts import UNKNOWN, Campaign, Facts, Row
from tulia_torture.installation import Installation
from tulia_torture.provider import Provider
from tulia_torture.tormenting import Torment

_ROWS = """
    SELECT r.id, r.campaign_id::text, r.customer_id::text, c.phone, c.timezone, r.state, r.role, r.reason, r.attempts,
           r.cost_micros, r.accepted_at IS NOT NULL, COALESCE(extract(epoch FROM r.claimed_at), 0)::float8
    FROM ledger_recipients r JOIN customers c ON c.id = r.customer_id
"""
_CREDITS = """
    SELECT o.external_id, count(v.id)::int FROM orders o LEFT JOIN ledger_conversions v
        ON v.source_id = o.id AND v.kind = 'order'
    WHERE o.external_id LIKE 'order-%' GROUP BY o.external_id
"""
_REPLIES_LEFT = "SELECT count(*) FROM consent_confirmations WHERE sending_at < now() - interval '5 seconds'"
_JOURNAL_START = 64
# Words in a log that mean a mistake of ours; the database's and the network's absence is none.
_ABSENCE = re.compile(r'"error": "(OperationalError|PoolTimeout|PoolClosed|InterfaceError)"')
_OURS = re.compile(r"dispatcher_crashed|send_crashed|message_not_made|evidence_not_recorded|callback_set_aside|"
                   r"winner_not_decided|scheduled_campaign_crashed|companion_crashed|internal_error|request_failed")  # fmt: skip


def collect(
    torment: Torment, installation: Installation, provider: Provider, users: list[User], *, quiet: tuple[float, float]
) -> Facts:
    """Everything that is known now."""
    seen = provider.watched()
    with installation.connect() as connection:
        rows = tuple(Row(*row) for row in connection.execute(_ROWS).fetchall())  # type: ignore[arg-type]
        credited = {str(name): int(str(count)) for name, count in connection.execute(_CREDITS).fetchall()}
        waiting = connection.execute("SELECT count(*) FROM ingest_callbacks WHERE applied_at IS NULL").fetchone()
        replies_left = connection.execute(_REPLIES_LEFT).fetchone()
    recounted, differences = _verified(installation)
    doubtful = {row.campaign_id for row in rows if row.state == UNKNOWN}
    return Facts(
        shops=tuple(user.opened.shop for user in users),
        quiet_from=quiet[0],
        quiet_seconds=quiet[1],
        messages=provider.messages(),
        asked=seen.asked,
        told=seen.told,
        rows=rows,
        campaigns=tuple(_campaign(user, one, is_doubtful=one.id in doubtful) for user in users for one in user.started),
        acts=tuple(act for user in users for act in user.acts),
        kills=tuple(torment.kills),
        held=tuple(torment.held),
        clocks=tuple(torment.clocks),
        on_the_wire=_noted_by_the_dead(installation),
        differences=differences,
        recounted=recounted,
        forged=tuple(torment.forged),
        crashes=(*torment.crashes, *(problem for user in users for problem in user.problems), *_mistakes(installation)),
        unapplied_callbacks=int(str(waiting[0])) if waiting else 0,
        replies_left=int(str(replies_left[0])) if replies_left else 0,
        dead_callbacks=provider.dead_callbacks(),
        credits=tuple((name, credited.get(name, 0)) for name in torment.orders),
    )


def _campaign(user: User, one: Any, *, is_doubtful: bool) -> Campaign:
    report = user.get(one.id, "/report")
    return Campaign(
        id=one.id, shop=user.opened.shop.name, kind=one.kind, people=one.people, price_micros=one.price_micros,
        budget_micros=one.budget_micros, status=report["status"], status_reason=report["status_reason"], report=report,
        shown_unknown=_shown(user, one.id) if is_doubtful else frozenset(),
    )  # fmt: skip


def _shown(user: User, campaign_id: str) -> frozenset[str]:
    """Whom the API shows as unknown, over all pages."""
    found: set[str] = set()
    part = "/recipients?state=unknown&limit=200"
    while part:
        page = user.get(campaign_id, part)
        found |= {person["customer_id"] for person in page["results"]}
        part = page["next"].partition(campaign_id)[2] if page["next"] else ""
    return frozenset(found)


def _verified(installation: Installation) -> tuple[int, tuple[str, ...]]:
    """What `tulia verify` says: how many campaigns it recounted, and every difference."""
    done = subprocess.run(
        [sys.executable, "-m", "tulia.cli", "verify", "--json"],
        capture_output=True, text=True, check=False, env=installation.environment(),
    )  # fmt: skip
    try:
        said = json.loads(done.stdout)
    except ValueError:
        return 0, (f"tulia verify failed: {done.stderr.strip()[-300:]}",)
    return said["campaigns"], tuple(json.dumps(one) for one in said["differences"])


def _noted_by_the_dead(installation: Installation) -> frozenset[int]:
    """Everybody in a wire journal: those of processes that ended properly are gone, and the living have nobody left."""
    found: set[int] = set()
    for path in (installation.place / "journals").glob("*.wire"):
        content = path.read_bytes()[_JOURNAL_START:]
        found |= set(struct.unpack(f"={len(content) // 8}q", content)) - {0}
    return frozenset(found)


def _mistakes(installation: Installation) -> tuple[str, ...]:
    found = []
    for path in sorted(installation.logs.glob("w*.log")):
        lines = path.read_text(errors="replace").splitlines()
        found += [
            f"{path.stem}: {line[:300]} … {line[-500:]}"
            for line in lines
            if _OURS.search(line) and not _ABSENCE.search(line)
        ]
    return tuple(found)
