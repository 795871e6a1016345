"""The Python API of customers, their consents and what they bought: one method for each thing a person can do.

Each method checks the caller's permission, opens the tenant's scope (`audit.act` when it changes something, so that it
is on record) and calls one act. The HTTP API and the web pages
call these methods and nothing below them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TypeVar
from uuid import UUID

from django.conf import settings

from tulia.audience import consent, customers, imports, orders
from tulia.audience.consent import Entry, Preferences
from tulia.audience.customers import Person
from tulia.audience.import_reading import Source
from tulia.audience.imports import ImportResult, Kind
from tulia.audience.models import Booking, Order
from tulia.core import clock
from tulia.core.errors import Invalid
from tulia.core.keyset import Page, PageRequest
from tulia.ingest import conversions
from tulia.tenants.api_keys import Caller
from tulia.tenants.audit import act
from tulia.tenants.permission import require
from tulia.tenants.scope import tenant_scope

Made = TypeVar("Made", Order, Booking)
SEES = "conversations:view"
PERSONAL = frozenset({"name", "phone", "external_id", "attributes", "tags"})
"""What a record that outlives the customer must not quote."""
IMPORTS: Mapping[Kind, str] = {
    "customers": SEES,
    "messages": SEES,
    "orders": "orders:edit",
    "bookings": "appointments:edit",
}


class AudienceService:
    """What `caller` may do with the customers of their tenant.

    Orders and bookings are credited to campaigns in the transaction that stores them.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._tenant_id = caller.tenant_id

    def create_customer(self, fields: Mapping[str, object]) -> Person:
        require(self._caller, SEES)
        with act(self._caller, "customer.create") as entry:
            made = customers.create(self._tenant_id, fields, actor=self._caller.label, at=clock.now())
            entry.target(made.id)
            entry.changed({}, asdict(made), hidden=PERSONAL)
            return made

    def change_customer(self, customer_id: UUID, fields: Mapping[str, object]) -> Person:
        require(self._caller, SEES)
        with act(self._caller, "customer.update") as entry:
            entry.target(customer_id)
            before = customers.get(self._tenant_id, customer_id)
            after = customers.update(self._tenant_id, customer_id, fields, at=clock.now())
            entry.changed(asdict(before), asdict(after), hidden=PERSONAL)
            return after

    def delete_customer(self, customer_id: UUID) -> None:
        require(self._caller, SEES)
        with act(self._caller, "customer.delete") as entry:
            entry.target(customer_id)
            customers.delete(self._tenant_id, customer_id, at=clock.now())

    def customer(self, customer_id: UUID) -> Person:
        require(self._caller, SEES)
        with tenant_scope(self._tenant_id):
            return customers.get(self._tenant_id, customer_id)

    def customers(
        self, wanted: PageRequest, *, tag: str = "", phone: str = "", external_id: str = "", q: str = ""
    ) -> Page[Person]:
        require(self._caller, SEES)
        with tenant_scope(self._tenant_id):
            return customers.listed(self._tenant_id, wanted, tag=tag, phone=phone, external_id=external_id, q=q)

    def preferences(self, customer_id: UUID) -> Preferences:
        require(self._caller, SEES)
        with tenant_scope(self._tenant_id):
            return consent.preferences(self._tenant_id, customer_id)

    def set_preferences(
        self,
        customer_id: UUID,
        wanted: Mapping[str, bool],
        *,
        reason: str,
        source: str = "tenant_updated",
    ) -> Preferences:
        """Sets the consents that `wanted` names, all of them or none; the history says who did and why."""
        require(self._caller, SEES)
        if not wanted:
            raise Invalid(
                "Name at least one consent.", details={"promotional_messages": "must be true or false, or another must"}
            )
        at = clock.now()
        with act(self._caller, "customer.set_preferences") as entry:
            entry.target(customer_id)
            before = consent.preferences(self._tenant_id, customer_id)
            for consent_type, value in wanted.items():
                consent.change(
                    self._tenant_id,
                    customer_id,
                    consent_type=consent_type,
                    value=value,
                    source=source,
                    actor=self._caller.label,
                    reason=reason,
                    at=at,
                )
            after = consent.preferences(self._tenant_id, customer_id)
            entry.changed(asdict(before), asdict(after))
            entry.say(source=source)
            return after

    def consent_history(self, customer_id: UUID, wanted: PageRequest) -> Page[Entry]:
        require(self._caller, SEES)
        with tenant_scope(self._tenant_id):
            return consent.history(self._tenant_id, customer_id, wanted)

    def import_file(self, kind: Kind, source: Source) -> ImportResult:
        """Reads a file of customers, orders, bookings or messages; each batch is a transaction of its own.

        Its beginning and its end are on record: between them it may be interrupted.
        """
        require(self._caller, IMPORTS[kind])
        with act(self._caller, "import.begin") as entry:
            entry.target(kind)
        result = imports.run(
            self._tenant_id,
            kind,
            source,
            actor=self._caller.label,
            on_stored=conversions.credit_stored,
            max_bytes=settings.MAX_IMPORT_BYTES,
        )
        with act(self._caller, "import.end") as entry:
            entry.target(kind)
            entry.say(created=result.created, updated=result.updated, rejected=result.rejected)
        return result

    def create_order(self, fields: Mapping[str, object]) -> Order:
        require(self._caller, "orders:edit")
        with act(self._caller, "order.create") as entry:
            return entry.made(self._stored("orders", orders.create_order(self._tenant_id, fields)))

    def create_booking(self, fields: Mapping[str, object]) -> Booking:
        require(self._caller, "appointments:edit")
        with act(self._caller, "booking.create") as entry:
            return entry.made(self._stored("bookings", orders.create_booking(self._tenant_id, fields)))

    def _stored(self, kind: Kind, made: Made) -> Made:
        conversions.credit_stored(self._tenant_id, kind, [made.pk])
        return made
