"""Importing orders and bookings: each line is one, known by its external id; its customer must be known already.

An order line without a currency leaves the stored one alone; every other column is needed, and needs a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Generic, TypeVar
from uuid import UUID

from tulia.audience import customer_fields, purchase_fields
from tulia.audience.customer_fields import Wrong
from tulia.audience.import_batches import Batch, Stored
from tulia.audience.import_reading import Fault
from tulia.core import sql

CUSTOMER = ("customer_external_id", "phone")
ORDER_COLUMNS = frozenset({"external_id", *CUSTOMER, "placed_at", "total", "currency", "status"})
ORDER_REQUIRED = (("external_id",), CUSTOMER, ("placed_at",), ("total",), ("status",))
BOOKING_COLUMNS = frozenset({"external_id", *CUSTOMER, "booked_at", "starts_at", "status"})
BOOKING_REQUIRED = (("external_id",), CUSTOMER, ("booked_at",), ("starts_at",), ("status",))


@dataclass(slots=True)
class OrderLine:
    line: int
    external_id: str
    customer_external_id: str | None
    phone: str | None
    placed_at: datetime
    total_micros: int
    currency: str | None
    status: str


@dataclass(slots=True)
class BookingLine:
    line: int
    external_id: str
    customer_external_id: str | None
    phone: str | None
    booked_at: datetime
    starts_at: datetime
    status: str


L = TypeVar("L", OrderLine, BookingLine)


class KeyedBatch(Batch[L], Generic[L]):
    """Lines to be stored together, the last one of each external id."""

    def __init__(self) -> None:
        super().__init__()
        self._place: dict[str, int] = {}

    def add(self, new: L) -> None:
        place = self._place.setdefault(new.external_id, len(self.lines))
        if place == len(self.lines):
            self.lines.append(new)
            return
        earlier = self.lines[place]
        if isinstance(new, OrderLine) and isinstance(earlier, OrderLine) and new.currency is None:
            new.currency = earlier.currency
        self.lines[place] = new
        self.superseded_count += 1


def read_customer(values: Mapping[str, Any], wrong: dict[str, str], *, country: str) -> tuple[str | None, str | None]:
    """Whom a line is about: (external id, phone), one of them set; faults go into `wrong`."""
    external_id = phone = None
    try:
        external_id = customer_fields.read_external_id(values.get("customer_external_id") or "")
    except Wrong as error:
        wrong["customer_external_id"] = error.reason
        return None, None
    if external_id is None and values.get("phone"):
        try:
            phone = customer_fields.read_phone(values["phone"], country=country)
        except Wrong as error:
            wrong["phone"] = error.reason
    elif external_id is None:
        wrong["customer_external_id"] = "must name the customer, or phone must"
    return external_id, phone


def read_order(line: int, values: Mapping[str, Any], *, country: str, zone: tzinfo) -> OrderLine:
    """Raises Wrong, naming every wrong field."""
    wrong: dict[str, str] = {}
    customer = read_customer(values, wrong, country=country)
    external_id = _read_external_id(values, wrong)
    placed_at = _required(values, wrong, "placed_at", lambda value: purchase_fields.read_instant(value, zone=zone))
    total = _required(values, wrong, "total", purchase_fields.read_total)
    status = _required(values, wrong, "status", purchase_fields.read_order_status)
    currency = None
    if values.get("currency"):
        currency = _required(values, wrong, "currency", purchase_fields.read_currency)
    if wrong:
        raise Wrong(purchase_fields.in_words(wrong))
    return OrderLine(line, external_id, *customer, placed_at, total, currency, status)


def read_booking(line: int, values: Mapping[str, Any], *, country: str, zone: tzinfo) -> BookingLine:
    """Raises Wrong, naming every wrong field."""
    wrong: dict[str, str] = {}
    customer = read_customer(values, wrong, country=country)
    external_id = _read_external_id(values, wrong)
    booked_at = _required(values, wrong, "booked_at", lambda value: purchase_fields.read_instant(value, zone=zone))
    starts_at = _required(values, wrong, "starts_at", lambda value: purchase_fields.read_instant(value, zone=zone))
    status = _required(values, wrong, "status", purchase_fields.read_booking_status)
    if wrong:
        raise Wrong(purchase_fields.in_words(wrong))
    return BookingLine(line, external_id, *customer, booked_at, starts_at, status)


def _required(values: Mapping[str, Any], wrong: dict[str, str], name: str, read: Callable[[object], Any]) -> Any:
    value = values.get(name)
    if value is None or value == "":
        wrong[name] = "must not be empty"
        return None
    try:
        return read(value)
    except Wrong as error:
        wrong[name] = error.reason
        return None


def _read_external_id(values: Mapping[str, Any], wrong: dict[str, str]) -> str:
    return _required(values, wrong, "external_id", customer_fields.read_external_id) or ""


def store_orders(tenant_id: UUID, lines: Iterable[OrderLine]) -> Stored:
    """Writes a batch, in the tenant's scope."""
    rows = (
        (o.line, o.external_id, o.customer_external_id, o.phone, o.placed_at, o.total_micros, o.currency, o.status)
        for o in lines
    )
    columns = ("line", "external_id", *CUSTOMER, "placed_at", "total_micros", "currency", "status")
    return _store(tenant_id, "orders", columns, rows, {line.line: line for line in lines})


def store_bookings(tenant_id: UUID, lines: Iterable[BookingLine]) -> Stored:
    """Writes a batch, in the tenant's scope."""
    rows = ((b.line, b.external_id, b.customer_external_id, b.phone, b.booked_at, b.starts_at, b.status) for b in lines)
    columns = ("line", "external_id", *CUSTOMER, "booked_at", "starts_at", "status")
    return _store(tenant_id, "bookings", columns, rows, {line.line: line for line in lines})


def _store(
    tenant_id: UUID,
    table: str,
    columns: tuple[str, ...],
    rows: Iterable[tuple[Any, ...]],
    lines: Mapping[int, OrderLine | BookingLine],
) -> Stored:
    sql.execute(sql.load("audience", f"stage_{table}"))
    total = sql.copy_rows(f"staged_{table}", columns, rows)
    sql.execute(f"ANALYZE staged_{table}")
    found = sql.fetch_all(sql.load("audience", f"upsert_{table}"), {"tenant": tenant_id})
    sql.execute(f"DROP TABLE staged_{table}")
    faults = tuple(Fault(line, unknown_customer(lines[line])) for line, stored_id, _ in found if stored_id is None)
    touched = tuple(stored_id for _, stored_id, _ in found if stored_id is not None)
    created = sum(1 for _, stored_id, is_new in found if stored_id is not None and is_new)
    return Stored(created, len(touched) - created, total - len(touched) - len(faults), faults, touched)


def unknown_customer(line: Any) -> str:
    if line.customer_external_id:
        return f"there is no customer with external_id {line.customer_external_id}: import customers first"
    return f"there is no customer with phone {line.phone}: import customers first"
