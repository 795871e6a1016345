"""Rehearsing a campaign: it is started, frozen and claimed by the same code as ever, in a transaction that is rolled back,
and the messages go to a provider that is none.

So it shows what a launch now would do, with every rule of the moment, and leaves nothing behind. While people are claimed
(at most `MOST_PEOPLE`), other campaigns of the same tenant wait for a second or two.
"""

from __future__ import annotations

import asyncio
import collections
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from tulia.audience import reach
from tulia.campaigns import edit, lifecycle, render, wordings
from tulia.campaigns.models import MessageCampaign
from tulia.channels import http, registry, senders
from tulia.channels.adapter import Connection
from tulia.channels.types import Accepted, OutgoingMessage, Rejected
from tulia.core import planning, sql
from tulia.core.errors import Missing
from tulia.dispatch import scheduler
from tulia.dispatch.composing import Composer
from tulia.dispatch.courses import Course
from tulia.ledger import claim as ledger_claim
from tulia.ledger import enqueue
from tulia.ledger import rules as sending_rules
from tulia.ledger.claim import ClaimedPerson
from tulia.ledger.rules import SendingRules
from tulia.ledger.status import NAMES, State
from tulia.tenants.scope import system_scope, tenant_scope

MOST_PEOPLE = 10_000
_BATCH = 500
_AT_ONCE = 64
_EXAMPLES = 3
_ANSWER_SECONDS = 30.0
_STANDING = """
    SELECT state, reason, count(*) FROM ledger_recipients
    WHERE tenant_id = %(tenant_id)s::uuid AND campaign_id = %(campaign_id)s::uuid
    GROUP BY state, reason ORDER BY count(*) DESC, state, reason
"""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why messages can't be made or were refused, for how many people, and a few of them."""

    reason: str
    people: int
    example_customer_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a launch now would do.

    `audience` people are frozen; `standing` says where each of them is once `tried` had their turn: state, reason (empty
    for none) and people. Of those tried, `accepted` messages were taken; the others are in `unmakeable` and `refused`.
    `seconds` is how long everybody who waits and was tried would take at the sender's rate, with nothing else sent.
    """

    campaign_id: UUID
    name: str
    audience: int
    standing: tuple[tuple[str, str, int], ...]
    tried: int
    accepted: int
    unmakeable: tuple[Problem, ...]
    refused: tuple[Problem, ...]
    rate_per_second: int
    seconds: float

    @property
    def is_flawless(self) -> bool:
        return not (self.unmakeable or self.refused)


@dataclass(slots=True)
class _Problems:
    """Problems as they are met."""

    met: dict[str, list[UUID]] = field(default_factory=lambda: collections.defaultdict(list))

    def add(self, reason: str, customer_id: UUID) -> None:
        self.met[reason].append(customer_id)

    def listed(self) -> tuple[Problem, ...]:
        """The most frequent first."""
        ordered = sorted(self.met.items(), key=lambda one: (-len(one[1]), one[0]))
        return tuple(Problem(reason, len(people), tuple(people[:_EXAMPLES])) for reason, people in ordered)


@dataclass(frozen=True, slots=True)
class _Played:
    """What the transaction that was rolled back had in it."""

    course: Course
    connection: Connection
    audience: int
    people: tuple[ClaimedPerson, ...]
    standing: tuple[tuple[str, str, int], ...]


class _RollBack(Exception):
    """Ends the transaction of a rehearsal without a trace."""


def tenant_of(campaign_id: UUID) -> UUID:
    """Whose campaign this is. Raises Missing."""
    with system_scope():
        found = MessageCampaign.objects.filter(pk=campaign_id).values_list("tenant_id", flat=True).first()
    if found is None:
        raise Missing("There is no such campaign.")
    return found


def sender_of(tenant_id: UUID, campaign_id: UUID) -> Connection:
    """With what the campaign would be sent. Raises Missing, and NoSender."""
    with tenant_scope(tenant_id):
        campaign = edit.find(tenant_id, campaign_id)
        sender = senders.for_campaign(tenant_id, campaign.sender_id)
    connection = registry.connection_of(tenant_id, sender.pk) if sender else None
    if connection is None:
        raise lifecycle.NoSender("There is no sender to send with: add one first.")
    return connection


def rehearse(
    tenant_id: UUID, campaign_id: UUID, *, provider_url: str, access_token: str, most: int, now: datetime
) -> Rehearsal:
    """Plays a campaign that hasn't started, with messages to at most `most` people, to the provider at this address.

    The sender's own address and token are never used. Raises the refusal that a launch would meet, but for a missing
    approval and the tier's limit of sends, which are no matter of the campaign.
    """
    planning.refresh_statistics(reach.TABLES)
    played = _play(tenant_id, campaign_id, most=min(most, MOST_PEOPLE), now=now)
    stage = replace(played.connection, base_url=provider_url, access_token=access_token)
    composer, unmakeable, refused = Composer(tenant_id), _Problems(), _Problems()
    made: list[tuple[UUID, OutgoingMessage]] = []
    for person in played.people:
        try:
            made.append((person.customer_id, composer.compose(played.course, person)))
        except render.Unrenderable as error:
            unmakeable.add(render.in_words(error), person.customer_id)
    accepted = asyncio.run(_send(stage, made, refused))
    waiting = sum(people for state, _, people in played.standing if state == NAMES[State.WAITING])
    return Rehearsal(
        campaign_id=campaign_id,
        name=played.course.campaign.name,
        audience=played.audience,
        standing=played.standing,
        tried=len(played.people),
        accepted=accepted,
        unmakeable=unmakeable.listed(),
        refused=refused.listed(),
        rate_per_second=stage.rate_per_second,
        seconds=(waiting + len(played.people)) / stage.rate_per_second,
    )


def _play(tenant_id: UUID, campaign_id: UUID, *, most: int, now: datetime) -> _Played:
    """Start, freeze and claim, all undone again."""
    played: list[_Played] = []
    try:
        with tenant_scope(tenant_id):
            campaign = edit.find(tenant_id, campaign_id)
            sender = scheduler.hold_if_ready(campaign, confirm_everyone=True, now=now)
            connection = registry.connection_of(tenant_id, sender.pk)
            assert connection is not None
            lifecycle.launch(campaign, sender=sender, now=now)
            campaign.refresh_from_db()
            audience = enqueue.freeze(campaign, now=now) or 0
            rules = sending_rules.of_campaign(campaign, now=now)
            people = tuple(_claimed(campaign, rules, most=most, now=now))
            rows = sql.fetch_all(_STANDING, {"tenant_id": tenant_id, "campaign_id": campaign_id})
            course = Course(campaign, wordings.of_campaign(campaign), rules, 0.0)
            standing = tuple((NAMES[State(state)], reason, count) for state, reason, count in rows)
            played.append(_Played(course, connection, audience, people, standing))
            raise _RollBack
    except _RollBack:
        return played[0]


def _claimed(campaign: MessageCampaign, rules: SendingRules, *, most: int, now: datetime) -> Iterable[ClaimedPerson]:
    """Those whose turn it is, in the order in which they would be sent to."""
    count = 0
    while count < most:
        claimed = ledger_claim.claim(
            campaign.tenant_id, campaign.pk, now=now, batch=min(_BATCH, most - count), rules=rules
        )
        if not claimed.turn_count:  # nobody is due, or the budget is used up
            return
        count += len(claimed.people)
        yield from claimed.people


async def _send(stage: Connection, made: Sequence[tuple[UUID, OutgoingMessage]], refused: _Problems) -> int:
    """How many messages the provider took."""
    accepted = 0
    async with http.session(timeout_seconds=_ANSWER_SECONDS) as session:
        adapter = registry.connect(stage, session)
        for at in range(0, len(made), _AT_ONCE):
            chunk = made[at : at + _AT_ONCE]
            outcomes = await asyncio.gather(*(adapter.send(message) for _, message in chunk))
            for (customer_id, _), outcome in zip(chunk, outcomes, strict=True):
                if isinstance(outcome, Accepted):
                    accepted += 1
                else:
                    why = outcome.failure.message if isinstance(outcome, Rejected) else outcome.reason
                    refused.add(why, customer_id)
    return accepted
