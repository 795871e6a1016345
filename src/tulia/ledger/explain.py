"""One person of one campaign: every rule with its verdict, every attempt, every piece of evidence, each with its time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tulia.audience import criteria, phone, places, reach, reachability
from tulia.campaigns import window
from tulia.campaigns.models import MessageCampaign
from tulia.core import sql
from tulia.core.errors import Missing
from tulia.ledger import rules as sending_rules
from tulia.ledger import verdicts
from tulia.ledger.models import RecipientEvent
from tulia.ledger.rules import SendingRules
from tulia.ledger.status import NAMES, State
from tulia.ledger.verdicts import Facts, RuleVerdict

LONGEST_HISTORY = 200
_EVIDENCE = ("claimed", "accepted", "sent", "delivered", "read", "failed", "replied", "clicked", "converted")


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to the person, earliest first; `until` is when they were due again."""

    what: str
    at: datetime
    reason: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one person is where they are. `is_launched` is whether the audience has been frozen: before, `state` is what
    would become of them (None: they don't match)."""

    customer_id: UUID
    external_id: str | None
    name: str
    phone: str
    is_launched: bool
    state: str | None
    reason: str
    arm: int | None
    attempts: int
    due_at: datetime | None
    message_id: str | None
    failure_class: str | None
    failure_code: str | None
    cost_micros: int
    criteria: Mapping[str, bool]
    rules: tuple[RuleVerdict, ...]
    history: tuple[Happening, ...]


def person(campaign: MessageCampaign, customer_id: UUID, *, now: datetime) -> Explanation:
    """Explains this customer's place in the campaign. Call in the tenant's scope. Raises Missing."""
    rules = sending_rules.of_campaign(campaign, now=now)
    row = sql.fetch_one(
        sql.load("ledger", "person_facts"),
        {
            "tenant_id": campaign.tenant_id,
            "campaign_id": campaign.pk,
            "customer_id": customer_id,
            "sender_id": rules.sender_id,
            "cap_since": rules.cap_since(now),
            "cap_most": rules.cap_messages,
            "cap_span": timedelta(days=rules.cap_days or 0),
            "day_since": now - sending_rules.DAY,
            "daily_limit": rules.daily_limit,
            "messaging_limit": rules.messaging_limit,
        },
    )
    if row is None:
        raise Missing("There is no such customer.")
    external_id, name, number, _, _, _, _, _, _, _, _, recipient_id, *ledger = row
    parts = _parts(campaign, customer_id, now=now)
    facts = _facts(campaign, rules, row, parts, now=now)
    present = verdicts.now_of(facts, now=now)
    if recipient_id is None:
        return _outsider(campaign, customer_id, (external_id, name, number), facts, parts, present)
    arm, number_of_state, reason, attempts, due_at, claimed_at, *times, message_id, kind, code, cost = ledger
    state = State(number_of_state)
    events = list(RecipientEvent.objects.filter(recipient_id=recipient_id).order_by("-id")[:LONGEST_HISTORY])
    history = [Happening(one.kind, one.happened_at, one.reason, one.until) for one in events]
    history += [
        Happening(what, at, code or "" if what == "failed" else "")
        for what, at in zip(_EVIDENCE, (claimed_at, *times), strict=True)
        if at is not None
    ]
    last = next((one for one in events if one.reason == reason), None)
    decided_at = claimed_at or (last.happened_at if last else campaign.audience_frozen_at)
    return Explanation(
        customer_id=customer_id,
        external_id=external_id,
        name=name,
        phone=number,
        is_launched=True,
        state=NAMES[state],
        reason=reason,
        arm=arm,
        attempts=attempts,
        due_at=due_at,
        message_id=message_id,
        failure_class=kind,
        failure_code=code,
        cost_micros=cost,
        criteria=parts,
        rules=verdicts.of_decision(
            present, reason=reason, is_sent=claimed_at is not None, decided_at=decided_at, due_at=due_at
        ),
        history=tuple(sorted(history, key=lambda one: one.at)),
    )


def _outsider(
    campaign: MessageCampaign,
    customer_id: UUID,
    known_as: tuple[str | None, str, str],
    facts: Facts,
    parts: Mapping[str, bool],
    present: tuple[RuleVerdict, ...],
) -> Explanation:
    """Somebody without a row: of a campaign that hasn't started, or who wasn't in the audience when it was frozen."""
    frozen_at = campaign.audience_frozen_at
    state: State | None = None
    reason = ""
    if frozen_at is not None:
        why = "was not in the audience when it was frozen"
        present = (
            RuleVerdict("matched", "failed", frozen_at, why),
            *(RuleVerdict(name, "not_applied", None) for name in verdicts.ORDER[1:]),
        )
    elif facts.matches and not facts.is_deleted:
        failed = next((one.rule for one in present if one.verdict == "failed"), None)
        waits = next((one.rule for one in present if one.verdict == "waiting"), None)
        state = State.SKIPPED if failed else State.DEFERRED if waits else State.WAITING
        names = {"consent": "no_consent", "reachable": "unreachable", "window": "outside_window"}
        reason = names.get(failed, failed) if failed else waits or ""
    external_id, name, number = known_as
    return Explanation(
        customer_id=customer_id, external_id=external_id, name=name, phone=number, is_launched=frozen_at is not None,
        state=NAMES[state] if state is not None else None, reason=reason, arm=None, attempts=0, due_at=None,
        message_id=None, failure_class=None, failure_code=None, cost_micros=0, criteria=parts, rules=present, history=(),
    )  # fmt: skip


def _parts(campaign: MessageCampaign, customer_id: UUID, *, now: datetime) -> dict[str, bool]:
    """Whether each part of the criteria holds of this customer now; a query for each part, of which there are few."""
    found: dict[str, bool] = {}
    for key, value in campaign.target_criteria.items():
        chosen = reach.selection(
            criteria.parse({key: value}), tenant_id=campaign.tenant_id, as_of=campaign.as_of or now
        )
        statement = f"{chosen.sql} AND c.id = %(the_customer)s::uuid"
        found[key] = sql.fetch_one(statement, {**chosen.params, "the_customer": customer_id}) is not None
    return found


def _facts(
    campaign: MessageCampaign, rules: SendingRules, row: tuple[Any, ...], parts: Mapping[str, bool], *, now: datetime
) -> Facts:
    _, _, number, zone, deleted_at, consents, unreachable_at, last_wrote_at, capped_until, daily, messaging, *_ = row
    code = phone.calling_code(number)
    time_zone = zone or places.zones_of_calling_codes().get(code) or rules.tenant_zone
    left = None if campaign.budget_micros is None else campaign.budget_micros - campaign.cost_micros
    return Facts(
        matches=verdicts.matches_all(parts),
        is_deleted=deleted_at is not None,
        consents=consents,
        unreachable_at=unreachable_at if unreachable_at and unreachable_at > now - reachability.LASTS else None,
        needs_window=rules.needs_window,
        last_wrote_at=last_wrote_at,
        time_zone=time_zone,
        quiet_until=window.quiet_until(rules.quiet_hours, time_zone, now) if rules.quiet_hours else None,
        capped_until=capped_until,
        daily_room=daily,
        messaging_room=messaging,
        money_left=left,
        price=rules.price.of(code).cost_micros,
    )
