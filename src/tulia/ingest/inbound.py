"""What people wrote: stored with their conversation, and obeyed when it is STOP or START."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from tulia.audience import consent, conversations, keywords
from tulia.audience.keywords import Intent
from tulia.channels.types import InboundMessage, PreferenceChange
from tulia.ledger import reference
from tulia.tenants import queries as tenants

_LONGEST_WORD = 100


def take_in(tenant_id: UUID, messages: Sequence[InboundMessage], preferences: Sequence[PreferenceChange]) -> None:
    """Stores messages with their conversations, each once, and obeys opt-outs. Call in the tenant's scope.

    People who hide their number (no phone) can't be told apart from strangers yet and are passed over.
    """
    rows = [
        conversations.Inbound(
            phone=message.phone, at=message.at, text=message.text, provider_message_id=message.message_id,
            profile_name=message.profile_name,
        )
        for message in messages
        if message.phone
    ]  # fmt: skip
    if rows:
        conversations.record_inbound(tenant_id, rows)
    obey(tenant_id, messages, preferences)


def obey(tenant_id: UUID, messages: Sequence[InboundMessage], preferences: Sequence[PreferenceChange]) -> None:
    """Withdraws or restores consent as people asked, in the order they did. Doing it again changes nothing."""
    asked = [
        (message.at, message.phone, intent, "message")
        for message in messages
        if message.phone and (intent := _intent_of(tenant_id, message)) is not None
    ]
    asked += [
        (preference.at, preference.phone, Intent.STOP if preference.is_stop else Intent.START, "WhatsApp preference")
        for preference in preferences
        if preference.phone
    ]
    for at, phone, intent, how in sorted(asked, key=lambda one: (one[0], one[1] or "")):
        act = consent.withdraw if intent is Intent.STOP else consent.restore
        act(
            tenant_id, [phone or ""], at=at, source="customer_initiated", actor="customer",
            reason=f"{intent.value.upper()} by {how}",
        )  # fmt: skip


def _intent_of(tenant_id: UUID, message: InboundMessage) -> Intent | None:
    if message.payload is not None:
        intent = keywords.read_payload_intent(message.payload)
        # Our own payloads say what a tap means: a label like "Cancel" on an appointment's reminder is no opt-out.
        if intent is not None or reference.read(message.payload.rpartition("|")[2]):
            return intent
    if not message.text or len(message.text) > _LONGEST_WORD:
        return None
    return keywords.read_intent(message.text, stop_words=keywords.DEFAULT_STOP_WORDS | _own_words(tenant_id))


def _own_words(tenant_id: UUID) -> frozenset[str]:
    return frozenset(tenants.get(tenant_id).opt_out_words)
