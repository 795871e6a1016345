"""Claiming: the moment before bytes go out, and the last one at which a rule is applied.

A claim marks a micro-batch *sending* and is committed before anything is sent. After a crash, whoever was waiting is
still waiting; whoever was sending is unknown, and there are never more of them than were in flight.
"""

from __future__ import annotations

import collections
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from tulia.audience import reach, reachability
from tulia.campaigns.models import MessageCampaign
from tulia.channels import standing
from tulia.core import by_key, sql
from tulia.ledger import rules as sending_rules
from tulia.ledger.rules import SendingRules
from tulia.ledger.status import State
from tulia.tenants.scope import tenant_scope

_TURN = "SELECT pg_advisory_xact_lock(hashtextextended(%(lock)s, 0))"


class ClaimedPerson(NamedTuple):
    """One person whose message is about to go out, with what a message may say about them; in the order of the claim's
    columns, and last when they were claimed. `attributes_json` is a text, for most messages speak of no attribute."""

    recipient_id: int
    attempt: int
    arm: int
    customer_id: UUID
    phone: str
    name: str
    external_id: str
    language: str
    country: str
    timezone: str
    attributes_json: str
    claimed_at: datetime

    @property
    def attributes(self) -> dict[str, Any]:
        attributes = orjson.loads(self.attributes_json)
        return attributes if isinstance(attributes, dict) else {}


@dataclass(frozen=True, slots=True)
class Claim:
    """What a claim brought: people to send to now, how many were passed over or put off, how many the budget
    doesn't reach, and how many had their turn without being sent to, because they are held out."""

    people: tuple[ClaimedPerson, ...]
    skipped_count: int
    deferred_count: int = 0
    over_budget_count: int = 0
    held_out_count: int = 0

    @property
    def turn_count(self) -> int:
        """How many people had their turn in it, whatever came of it."""
        return len(self.people) + self.skipped_count + self.deferred_count + self.held_out_count

    @property
    def is_empty(self) -> bool:
        counts = (self.skipped_count, self.deferred_count, self.over_budget_count, self.held_out_count)
        return not (self.people or any(counts))


def claim(
    tenant_id: UUID,
    campaign_id: UUID,
    *,
    now: datetime,
    batch: int,
    worker_id: UUID | None = None,
    rules: SendingRules | None = None,
) -> Claim:
    """Marks up to `batch` due people of a sending campaign as being sent to by this worker, and commits.

    Nobody if another worker has taken the sender over (`channels.standing.take_over`): one that lost its locks (it stood
    still, or the database died) and doesn't know yet would be over the limit with the other. Whoever takes the sender over
    waits for a claim that has begun, and sees when it was. A claim in nobody's name (a rehearsal) touches no sender.
    `rules` are those of the campaign, read a moment ago; read here when not given.
    """
    with tenant_scope(tenant_id):
        if rules is None:
            campaign = by_key.row(MessageCampaign, tenant_id=tenant_id, pk=campaign_id)
            if campaign is None:
                return Claim((), 0)
            rules = sending_rules.of_campaign(campaign, now=now)
        if rules.take_turns:
            # The statement after this one sees whatever the claim before us took, because it begins only now.
            sql.execute(_TURN, {"lock": f"claims:{tenant_id}"})
        if worker_id is not None and not (rules.sender_id and standing.keep(tenant_id, rules.sender_id, worker_id)):
            return Claim((), 0)
        quiet = sending_rules.quiet_zones(rules.quiet_hours, now.replace(second=0, microsecond=0))
        places = sending_rules.places(rules.price)
        rows = sql.fetch_all(
            sql.load("ledger", "claim"),
            {
                "tenant_id": tenant_id,
                "campaign_id": campaign_id,
                "sender_id": rules.sender_id,
                "worker_id": worker_id,
                "now": now,
                "batch": batch,
                "needs_window": rules.needs_window,
                "window_since": now - reach.WINDOW,
                "unreachable_since": now - reachability.LASTS,
                "tenant_zone": rules.tenant_zone,
                "codes": sql.array(places.codes),
                "code_zones": sql.array(places.zones),
                "code_prices": sql.array(places.prices),
                "other_price": places.other_price,
                "quiet_zones": sql.array(list(quiet)),
                "quiet_untils": sql.array(list(quiet.values())),
                "cap_since": rules.cap_since(now),
                "cap_most": rules.cap_messages,
                "cap_span": timedelta(days=rules.cap_days or 0),
                "day_since": now - sending_rules.DAY,
                "daily_limit": rules.daily_limit,
                "messaging_limit": rules.messaging_limit,
            },
        )
    people = tuple([ClaimedPerson._make((*row[1:], now)) for row in rows if row[0] == State.SENDING])
    counts = collections.Counter([row[0] for row in rows])
    return Claim(people, counts[State.SKIPPED], counts[State.DEFERRED], counts[State.WAITING], counts[State.HOLDOUT])


def next_due(tenant_id: UUID, campaign_id: UUID) -> datetime | None:
    """When the next person of this campaign is due, or was; None when nobody is to be sent to any more."""
    with tenant_scope(tenant_id):
        row = sql.fetch_one(_NEXT_DUE, {"tenant_id": tenant_id, "campaign_id": campaign_id})
    return row[0] if row else None


_NEXT_DUE = """
    SELECT r.due_at FROM ledger_recipients r
    WHERE r.tenant_id = %(tenant_id)s::uuid AND r.campaign_id = %(campaign_id)s::uuid AND r.due_at IS NOT NULL
    ORDER BY r.due_at
    LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class PutBack:
    """One person whose message certainly did not go out: due again at `due_at`.

    `claimed_at` is when the claim was made that this puts an end to: another, later claim is somebody else's business.
    `reason` is why they wait ("retry", "throttled", "sender_paused", "campaign_paused"), empty for none; `counts` is
    whether the attempt counts against the limit of tries.
    """

    recipient_id: int
    claimed_at: datetime
    due_at: datetime
    reason: str
    counts: bool


def put_back(tenant_id: UUID, returned: Sequence[PutBack]) -> None:
    """Puts people back in the queue; saying it again, whatever happened in between, changes nothing."""
    if not returned:
        return
    with tenant_scope(tenant_id):
        sql.execute(
            sql.load("ledger", "put_back"),
            {
                "tenant_id": tenant_id,
                "ids": [one.recipient_id for one in returned],
                "claimed_ats": [one.claimed_at for one in returned],
                "due_ats": [one.due_at for one in returned],
                "reasons": [one.reason for one in returned],
                "burnt": [one.counts for one in returned],
            },
        )
