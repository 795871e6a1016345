"""What people wrote: stored with their conversation, and obeyed when it is STOP or START."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tulia.audience import confirmations, consent, conversations, keywords, opt_out_rules, reachability, suppression
from tulia.audience.keywords import Intent
from tulia.audience.opt_out_rules import Rules
from tulia.channels.types import InboundMessage, PreferenceChange
from tulia.core import clock
from tulia.ledger import reference

_LONGEST_WORD = 100
_MESSAGE, _SWITCH = "message", "the provider's switch"


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one person asked for; `message_id` is None for the provider's own switch, which nobody answers."""

    at: datetime
    phone: str
    intent: Intent
    message_id: str | None


def take_in(
    tenant_id: UUID, sender_id: UUID, messages: Sequence[InboundMessage], preferences: Sequence[PreferenceChange]
) -> None:
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
        reachability.regain(tenant_id, [row.phone for row in rows])
    obey(tenant_id, sender_id, messages, preferences)
    _obey_yes(tenant_id, sender_id, messages)


def obey(
    tenant_id: UUID, sender_id: UUID, messages: Sequence[InboundMessage], preferences: Sequence[PreferenceChange]
) -> None:
    """Withdraws or restores consent as people asked, in the order they did. Doing it again changes nothing."""
    rules = opt_out_rules.of_tenant(tenant_id) if messages else None
    asked = [
        _Asked(message.at, message.phone, intent, message.message_id)
        for message in messages
        if message.phone and rules is not None and (intent := _intent_of(rules, message)) is not None
    ]
    asked += [
        _Asked(preference.at, preference.phone, Intent.STOP if preference.is_stop else Intent.START, None)
        for preference in preferences
        if preference.phone
    ]
    for one in sorted(asked, key=lambda one: (one.at, one.phone)):
        _carry_out(tenant_id, sender_id, one, rules)


def _obey_yes(tenant_id: UUID, sender_id: UUID, messages: Sequence[InboundMessage]) -> None:
    """YES opts in again directly after a STOP. Which message came before it is known only when all are stored."""
    said = {
        message.message_id: _Asked(message.at, message.phone, Intent.START, message.message_id)
        for message in messages
        if message.phone and len(message.text) <= _LONGEST_WORD and keywords.is_yes(message.text)
    }
    meant = confirmations.said_directly_after_stop(
        tenant_id, [(message_id, one.phone, one.at) for message_id, one in said.items()]
    )
    for message_id in sorted(meant):
        _carry_out(tenant_id, sender_id, said[message_id], opt_out_rules.of_tenant(tenant_id))


def _carry_out(tenant_id: UUID, sender_id: UUID, asked: _Asked, rules: Rules | None) -> None:
    """The change of consent and the note that it is to be answered, in the caller's transaction."""
    is_stop = asked.intent is Intent.STOP
    act = consent.withdraw if is_stop else consent.restore
    by_word = asked.message_id is not None
    act(
        tenant_id,
        [asked.phone],
        at=asked.at,
        source="customer_initiated",
        actor="customer",
        reason=f"{asked.intent.value.upper()} by {_MESSAGE if by_word else _SWITCH}",
        types=consent.STOPPABLE if by_word else consent.PROMOTIONAL,
    )
    if not is_stop:
        suppression.lift(tenant_id, asked.phone)
    text = (rules.stop_reply if is_stop else rules.start_reply) if rules else None
    if asked.message_id is not None and text is not None:
        confirmations.ask(
            tenant_id,
            sender_id=sender_id,
            phone=asked.phone,
            kind="stopped" if is_stop else "started",
            text=text,
            message_id=asked.message_id,
            at=asked.at,
            now=clock.now(),
        )


def _intent_of(rules: Rules, message: InboundMessage) -> Intent | None:
    if message.payload is not None:
        intent = keywords.read_payload_intent(message.payload)
        # Our own payloads say what a tap means: a label like "Cancel" on an appointment's reminder is no opt-out.
        if intent is not None or reference.read(message.payload.rpartition("|")[2]):
            return intent
    if not message.text or len(message.text) > _LONGEST_WORD:
        return None
    return keywords.read_intent(message.text, stop_words=rules.stop_words, start_words=rules.start_words)
