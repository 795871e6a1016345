"""A campaign with an invented past: every row drawn by chance from a seed, and kept here too, to be counted by hand."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from cast import NOW, add_campaign, add_people, add_sender
from tulia.campaigns.models import MessageCampaign
from tulia.ledger.models import Conversion, Recipient
from tulia.ledger.status import Role, State
from tulia.tenants.scope import tenant_scope

if TYPE_CHECKING:
    from tulia.channels.models import Sender
    from tulia.tenants.models import Tenant

ARMS = [{"name": "A", "content": "Hello"}, {"name": "=B", "content": "Hi"}]
CAUSES = (("recipient", "131026"), ("recipient", "131049"), ("content", "132000"), ("transient", "131000"))


@dataclass
class Ledger:
    """A campaign, its rows as they were stored, and the conversions of each."""

    campaign: MessageCampaign
    rows: list[Recipient]
    conversions: dict[int, list[Conversion]] = field(default_factory=dict)

    def people(self, *, arm: int | None = None) -> list[Recipient]:
        """Everybody, or one arm."""
        return [row for row in self.rows if arm is None or row.arm == arm]

    def revenue(self, rows: list[Recipient]) -> dict[str, int]:
        """What these people brought, by currency."""
        sums: dict[str, int] = {}
        for row in rows:
            for one in self.conversions.get(row.pk, ()):
                sums[one.currency] = sums.get(one.currency, 0) + one.revenue_micros
        return sums


def is_delivered(row: Recipient) -> bool:
    return row.state in (State.DELIVERED, State.READ)


def counts_of(rows: list[Recipient]) -> dict[str, int]:
    """The people at each step, counted one by one."""
    return {
        "targeted": len(rows),
        "eligible": sum(row.state not in (State.SKIPPED, State.HOLDOUT) for row in rows),
        "sent": sum(row.accepted_at is not None for row in rows),
        "delivered": sum(is_delivered(row) for row in rows),
        "read": sum(row.read_at is not None for row in rows),
        "replied": sum(row.replied_at is not None for row in rows),
        "converted": sum(row.converted_at is not None for row in rows),
    }


def invent(
    tenant: Tenant,
    size: int,
    *,
    seed: int = 1,
    start: datetime = NOW,
    currencies: tuple[str, ...] = ("KES", "USD"),
    people: list[UUID] | None = None,
    sender: Sender | None = None,
    is_test: bool = True,
    **fields: Any,
) -> Ledger:
    """A campaign with so many people in every state, its counters as the ledger would have them."""
    chance = random.Random(seed)
    sender = sender or add_sender(tenant)
    people = [person.id for person in add_people(tenant, size)] if people is None else people
    given: dict[str, Any] = {"is_ab_test": True, "variants": ARMS} if is_test else {}
    campaign = add_campaign(tenant, **given, **fields)
    rows = [_row(chance, campaign, sender, person, start, is_test=is_test) for person in people]
    with tenant_scope(tenant.id):
        Recipient.objects.bulk_create(rows)
        ledger = Ledger(campaign, rows)
        for row in rows:
            if row.converted_at:
                ledger.conversions[row.pk] = _orders(chance, row, currencies)
        Conversion.objects.bulk_create(one for some in ledger.conversions.values() for one in some)
        MessageCampaign.objects.filter(pk=campaign.pk).update(
            status="completed", started_at=start, completed_at=start + timedelta(hours=2), sender=sender
        )
    with tenant_scope(tenant.id):
        campaign.refresh_from_db()
    return ledger


def _row(
    chance: random.Random,
    campaign: MessageCampaign,
    sender: Sender,
    customer_id: Any,
    start: datetime,
    *,
    is_test: bool,
) -> Recipient:
    state = chance.choices(
        list(State), weights=[1, 1, 1, 1, 2, 6, 1, 2, 4, 6, 20, 30]
    )[0]  # fmt: skip
    row = Recipient(
        tenant_id=campaign.tenant_id, campaign=campaign, customer_id=customer_id, sender=sender, state=state.value,
        arm=(chance.randrange(2) if is_test else 0), reason="", attempts=1, cost_micros=0,
    )  # fmt: skip
    at = start + timedelta(seconds=chance.randrange(7_200))
    if state in (State.WAITING, State.DEFERRED):
        row.due_at = at
    if state in (State.SKIPPED, State.DEFERRED):
        row.reason = chance.choice(["no_consent", "opted_out"])
    if state is State.SKIPPED and row.reason == "no_consent":
        row.arm = None
    if state is State.HOLDOUT:
        row.arm, row.role, row.turn_at = None, Role.HELD_OUT, at
    if state is State.SENDING:
        row.sending_at = at
    if state in (State.SENDING, State.UNKNOWN) or state >= State.ACCEPTED:
        row.claimed_at = row.turn_at = at
        row.cost_micros = chance.randrange(5_000, 30_000)
    if state >= State.ACCEPTED and not (state is State.FAILED and chance.random() < 0.5):
        row.accepted_at = at
        row.message_id = f"wamid.{uuid.uuid4().hex}"
        if chance.random() < 0.8:
            row.sent_at = at + timedelta(seconds=chance.randrange(3))
    if state is State.FAILED:
        row.failed_at = at + timedelta(seconds=chance.randrange(600))
        row.failure_kind, row.failure_code = chance.choice(CAUSES)
        if row.accepted_at is None:
            row.claimed_at = None
    if state is State.READ:
        row.read_at = at + timedelta(seconds=int(chance.lognormvariate(6, 3)))
    if state >= State.DELIVERED:
        if state is State.DELIVERED or chance.random() < 0.7:
            row.delivered_at = at + timedelta(seconds=chance.randrange(1, 4_000))
        if chance.random() < 0.2:
            row.replied_at = at + timedelta(seconds=chance.randrange(300_000))
        if chance.random() < 0.2:
            row.converted_at = at + timedelta(seconds=chance.randrange(600_000))
    return row


def _orders(chance: random.Random, row: Recipient, currencies: tuple[str, ...]) -> list[Conversion]:
    assert row.converted_at
    return [
        Conversion(
            tenant_id=row.tenant_id, recipient_id=row.pk, campaign_id=row.campaign_id, source_id=uuid.uuid4(),
            kind=chance.choice(["order", "booking"]), converted_at=row.converted_at,
            revenue_micros=chance.randrange(1, 9_999) * 10_000, currency=chance.choice(currencies),
        )
        for _ in range(chance.choice([1, 1, 2]))
    ]  # fmt: skip
