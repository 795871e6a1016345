"""Conversations: what customers wrote to the business, and what was said to them outside campaigns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any
from uuid import UUID

from tulia.audience import phone, purchase_fields
from tulia.audience.customer_fields import Wrong
from tulia.audience.import_batches import Stored
from tulia.audience.import_orders import CUSTOMER, read_customer, unknown_customer
from tulia.audience.import_reading import Fault
from tulia.core import sql

COLUMNS = frozenset({*CUSTOMER, "direction", "sent_at", "text", "conversation_status"})
REQUIRED = (CUSTOMER, ("direction",), ("sent_at",))
_STAGED = ("line", *CUSTOMER, "direction", "sent_at", "text", "provider_message_id", "conversation_status")
_TABLES = "staged_messages, resolved_messages"


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message that a customer sent. `phone` is E.164; `profile_name` is what the sender goes by, perhaps empty."""

    phone: str
    at: datetime
    text: str
    provider_message_id: str
    profile_name: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """An inbound message that was not known before, and whose it is."""

    message: Inbound
    customer_id: UUID


@dataclass(slots=True)
class MessageLine:
    line: int
    customer_external_id: str | None
    phone: str | None
    direction: str
    sent_at: datetime
    text: str
    status: str | None


def record_inbound(tenant_id: UUID, messages: Sequence[Inbound]) -> tuple[Heard, ...]:
    """Stores what customers sent; those messages that are new, in the order given. In the tenant's scope.

    A message is known by its provider's id, so the same callback may come again. An unknown phone becomes a customer
    with the default consents; each customer's conversation moves to the time of the latest message.
    """
    if not messages:
        return ()
    senders = {message.phone: message.profile_name for message in messages}
    countries = {number: phone.country_of(number) or "" for number in senders}
    sql.execute(
        sql.load("audience", "create_senders"),
        {
            "tenant": tenant_id,
            "phones": list(senders),
            "names": [_storable(name)[:200] for name in senders.values()],
            "countries": [countries[number] for number in senders],
        },
    )
    rows = (
        (number, None, said.phone, "inbound", said.at, _storable(said.text), said.provider_message_id, None)
        for number, said in enumerate(messages)
    )
    new = _store(tenant_id, rows)
    sql.execute(f"DROP TABLE {_TABLES}")
    return tuple(Heard(messages[number], customer_id) for number, customer_id in sorted(new))


def read(line: int, values: Mapping[str, Any], *, country: str, zone: tzinfo, now: datetime) -> MessageLine:
    """A line of a file of messages. Raises Wrong, naming every wrong field."""
    wrong: dict[str, str] = {}
    customer = read_customer(values, wrong, country=country)
    found: dict[str, Any] = {"text": "", "conversation_status": None}
    readers = {
        "direction": purchase_fields.read_direction,
        "sent_at": lambda value: purchase_fields.read_instant(value, zone=zone),
        "text": purchase_fields.read_message_text,
        "conversation_status": purchase_fields.read_conversation_status,
    }
    for name, read_field in readers.items():
        value = values.get(name)
        if value is None or value == "":
            if name in ("direction", "sent_at"):
                wrong[name] = "must not be empty"
            continue
        try:
            found[name] = read_field(value)
        except Wrong as error:
            wrong[name] = error.reason
    if "sent_at" in found and found["sent_at"] > now + timedelta(days=1):
        wrong["sent_at"] = "must not be in the future"
    if wrong:
        raise Wrong(purchase_fields.in_words(wrong))
    return MessageLine(
        line, *customer, found["direction"], found["sent_at"], found["text"], found["conversation_status"]
    )


def store(tenant_id: UUID, lines: Iterable[MessageLine]) -> Stored:
    """Writes a batch of a file, in the tenant's scope. A message stored already counts as unchanged."""
    by_line = {said.line: said for said in lines}
    rows = (
        (said.line, said.customer_external_id, said.phone, said.direction, said.sent_at, said.text, None, said.status)
        for said in by_line.values()
    )
    new = _store(tenant_id, rows)
    unknown = sql.fetch_all("SELECT line FROM resolved_messages WHERE customer_id IS NULL ORDER BY line")
    sql.execute(f"DROP TABLE {_TABLES}")
    faults = tuple(Fault(line, unknown_customer(by_line[line])) for (line,) in unknown)
    return Stored(len(new), 0, len(by_line) - len(new) - len(faults), faults, ())


def _store(tenant_id: UUID, rows: Iterable[tuple[Any, ...]]) -> list[tuple[int, UUID]]:
    tenant = {"tenant": tenant_id}
    sql.execute(sql.load("audience", "stage_messages"))
    sql.copy_rows("staged_messages", _STAGED, rows)
    sql.execute("ANALYZE staged_messages")
    sql.execute(sql.load("audience", "resolve_messages"), tenant)
    sql.execute("ANALYZE resolved_messages")
    sql.execute(sql.load("audience", "open_conversations"), tenant)
    return [(line, customer_id) for line, customer_id in sql.fetch_all(sql.load("audience", "insert_messages"), tenant)]


def _storable(text: str) -> str:
    """What a stranger's phone sent must be kept, so what can't be stored is left out rather than refused."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode()
