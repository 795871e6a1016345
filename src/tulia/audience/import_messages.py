"""Importing messages: who said what when, outside campaigns. Their customers must be known already.

A message is known by all that its line says, so the same file again adds nothing. A conversation's status is that of
its latest message that names one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any
from uuid import UUID

from tulia.audience import purchase_fields
from tulia.audience.customer_fields import Wrong
from tulia.audience.import_batches import Stored
from tulia.audience.import_orders import CUSTOMER, read_customer, unknown_customer
from tulia.audience.import_reading import Fault
from tulia.core import sql

COLUMNS = frozenset({*CUSTOMER, "direction", "sent_at", "text", "conversation_status"})
REQUIRED = (CUSTOMER, ("direction",), ("sent_at",))
_STAGED = ("line", *CUSTOMER, "direction", "sent_at", "text", "conversation_status")


@dataclass(slots=True)
class MessageLine:
    line: int
    customer_external_id: str | None
    phone: str | None
    direction: str
    sent_at: datetime
    text: str
    status: str | None


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
        (said.line, said.customer_external_id, said.phone, said.direction, said.sent_at, said.text, said.status)
        for said in by_line.values()
    )
    new = _store(tenant_id, rows)
    unknown = sql.fetch_all("SELECT line FROM resolved_messages WHERE customer_id IS NULL ORDER BY line")
    sql.execute("DROP TABLE staged_messages, resolved_messages")
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
