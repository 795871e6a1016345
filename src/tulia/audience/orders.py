"""Orders and bookings one by one. Everything here is called in the tenant's scope."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError

from tulia.audience import customer_fields, purchase_fields
from tulia.audience.customer_fields import Wrong
from tulia.audience.models import Booking, Customer, Order
from tulia.core import sql
from tulia.core.errors import Conflict, Invalid, Missing
from tulia.tenants import queries

_CUSTOMER = ("customer_id", "customer_external_id", "phone")
_ORDER = {"external_id", *_CUSTOMER, "placed_at", "total", "currency", "status"}
_BOOKING = {"external_id", *_CUSTOMER, "booked_at", "starts_at", "status"}


class OrderExists(Conflict):
    code = "order_exists"


class BookingExists(Conflict):
    code = "booking_exists"


class CustomerUnknown(Missing):
    code = "customer_unknown"


def create_order(tenant_id: UUID, given: Mapping[str, object]) -> Order:
    """A new order of a known customer, named by customer_id, customer_external_id or phone (one of them).

    `total` is a decimal text or a number. Raises Invalid naming every wrong field, CustomerUnknown and OrderExists.
    """
    reading = _Reading(tenant_id, given, _ORDER)
    fields = {
        "external_id": reading.optional("external_id", customer_fields.read_external_id, None),
        "placed_at": reading.required("placed_at", reading.instant),
        "total_micros": reading.required("total", purchase_fields.read_total),
        "currency": reading.optional("currency", purchase_fields.read_currency, ""),
        "status": reading.required("status", purchase_fields.read_order_status),
    }
    customer = reading.customer()
    try:
        with sql.transaction_scope():
            return Order.objects.create(tenant_id=tenant_id, customer=customer, **fields)
    except IntegrityError as error:
        raise OrderExists(
            f"There is an order {fields['external_id']} already.", details={"external_id": "exists already"}
        ) from error


def create_booking(tenant_id: UUID, given: Mapping[str, object]) -> Booking:
    """A new booking; otherwise like `create_order`."""
    reading = _Reading(tenant_id, given, _BOOKING)
    fields = {
        "external_id": reading.optional("external_id", customer_fields.read_external_id, None),
        "booked_at": reading.required("booked_at", reading.instant),
        "starts_at": reading.required("starts_at", reading.instant),
        "status": reading.required("status", purchase_fields.read_booking_status),
    }
    customer = reading.customer()
    try:
        with sql.transaction_scope():
            return Booking.objects.create(tenant_id=tenant_id, customer=customer, **fields)
    except IntegrityError as error:
        raise BookingExists(
            f"There is a booking {fields['external_id']} already.", details={"external_id": "exists already"}
        ) from error


class _Reading:
    """Reads fields one after another and keeps all that is wrong with them."""

    def __init__(self, tenant_id: UUID, given: Mapping[str, object], allowed: set[str]) -> None:
        self._tenant_id = tenant_id
        self._tenant = queries.get(tenant_id)
        self._given = given
        self.wrong: dict[str, str] = {name: "unknown field" for name in given if name not in allowed}

    def instant(self, value: object) -> Any:
        return purchase_fields.read_instant(value, zone=zoneinfo.ZoneInfo(self._tenant.timezone))

    def required(self, name: str, read: Callable[[object], Any]) -> Any:
        if self._given.get(name) in (None, ""):
            self.wrong[name] = "must not be empty"
            return None
        return self.optional(name, read, None)

    def optional(self, name: str, read: Callable[[object], Any], default: Any) -> Any:
        value = self._given.get(name)
        if value is None:
            return default
        try:
            return read(value)
        except Wrong as error:
            self.wrong[name] = error.reason
            return None

    def customer(self) -> Customer:
        """The customer that is named. Raises Invalid with everything that was wrong so far, and CustomerUnknown."""
        named = [name for name in _CUSTOMER if self._given.get(name) not in (None, "")]
        if len(named) != 1:
            self.wrong.setdefault(
                "customer_id", f"must name the customer, or {_CUSTOMER[1]} or phone must; one of them"
            )
        readers: dict[str, Callable[[Any], Any]] = {
            "customer_id": _read_id,
            "customer_external_id": customer_fields.read_external_id,
            "phone": lambda value: customer_fields.read_phone(value, country=self._tenant.country),
        }
        read = {name: self.required(name, readers[name]) for name in named}
        if self.wrong:
            words = "; ".join(f"{field} {what}" for field, what in self.wrong.items())
            raise Invalid(f"{words}.", details=self.wrong)
        column = {"customer_id": "pk", "customer_external_id": "external_id", "phone": "phone"}[named[0]]
        live = Customer.objects.filter(tenant_id=self._tenant_id, deleted_at=None)
        found = live.filter(**{column: read[named[0]]}).first()
        if found is None:
            raise CustomerUnknown(f"There is no customer with this {named[0]}.", details={named[0]: "unknown"})
        return found


def _read_id(value: object) -> UUID:
    if isinstance(value, UUID):
        return value
    try:
        return UUID(value if isinstance(value, str) else "")
    except ValueError as error:
        raise Wrong("must be a customer's id") from error
