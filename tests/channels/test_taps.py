"""Taps on a template's buttons: whose message it was comes back in the payload, and what the tap means stands there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from cast import NOW, add_campaign, add_people, add_sender, recipients, start
from tulia.audience import opt_out_rules
from tulia.audience.keywords import Intent
from tulia.channels.types import InboundMessage
from tulia.ingest import apply, inbound
from tulia.ledger import record, reference
from tulia.ledger.models import Recipient
from tulia.ledger.record import Evidence, Kind
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope


def tap(payload: str | None, **fields: Any) -> InboundMessage:
    given: dict[str, Any] = {"at": NOW + timedelta(minutes=5), "phone": "+254700000001", "payload": payload} | fields
    return InboundMessage(message_id="wamid.in", kind="button", **given)


def sent(tenant: Tenant) -> list[Recipient]:
    add_sender(tenant)
    add_people(tenant, 2)
    rows = recipients(start(add_campaign(tenant)))
    accepted = [Evidence(row.pk, Kind.ACCEPTED, NOW, message_id=f"wamid.{row.pk}") for row in rows]
    record.record(tenant.id, rows[0].sender_id, accepted)
    return rows


def credited(tenant: Tenant, row: Recipient, message: InboundMessage) -> list[int]:
    with tenant_scope(tenant.id):
        return [one.recipient_id for one in apply._reply_evidence(tenant.id, row.sender_id, [message])]


def test_a_tap_is_credited_to_the_message_that_its_payload_names(tenant: Tenant) -> None:
    first, second = sent(tenant)
    named = reference.make(second.campaign_id, second.pk)
    # The quoted message says another; the payload is ours and knows better than a guess.
    assert credited(tenant, first, tap(f"REPLY1|{named}", quoted_message_id="wamid.unheard_of")) == [second.pk]
    assert credited(tenant, first, tap("YES|t1:nonsense", quoted_message_id=f"wamid.{first.pk}")) == [first.pk]
    assert credited(tenant, first, tap(None, quoted_message_id=f"wamid.{first.pk}")) == [first.pk]


def test_a_payload_that_names_a_message_of_another_tenant_credits_nobody(tenant: Tenant) -> None:
    from tulia.tenants import accounts

    row = sent(tenant)[0]
    stranger = accounts.create_tenant(f"s-{row.pk}", name="s", tier="growth")
    theirs = add_sender(stranger)
    named = reference.make(row.campaign_id, row.pk)
    with tenant_scope(stranger.id):
        evidence = apply._reply_evidence(stranger.id, theirs.pk, [tap(f"REPLY1|{named}")])
        record.record(stranger.id, theirs.pk, evidence)
    assert recipients_of(tenant, row).replied_at is None


def recipients_of(tenant: Tenant, row: Recipient) -> Recipient:
    with tenant_scope(tenant.id):
        return Recipient.objects.get(pk=row.pk)


OURS = reference.make(UUID(int=7), 9)


@pytest.mark.parametrize(
    ("payload", "text", "intent"),
    [
        (f"STOP|{OURS}", "Not now", Intent.STOP),
        (f"REPLY1|{OURS}", "Cancel", None),
        (f"REPLY2|{OURS}", "Stop", None),
        ("button_1", "Stop", Intent.STOP),
        (None, "Stop", Intent.STOP),
    ],
)
def test_what_a_tap_asks_for_stands_in_our_payload_else_in_its_label(
    tenant: Tenant, payload: str | None, text: str, intent: Intent | None
) -> None:
    with tenant_scope(tenant.id):
        assert inbound._intent_of(opt_out_rules.of_tenant(tenant.id), tap(payload, text=text)) is intent
