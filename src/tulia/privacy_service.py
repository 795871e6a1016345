"""The Python API of a customer's rights: a copy of all that is held, erasure, and the record of refused sends.

Each package exports and erases what its own tables hold; here they are called one after the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tulia.audience import erasure, export
from tulia.core import clock
from tulia.core.errors import Invalid
from tulia.core.keyset import Page, PageRequest
from tulia.ingest import apply
from tulia.ingest import erasure as ingest_erasure
from tulia.ledger import erasure as ledger_erasure
from tulia.ledger import export as ledger_export
from tulia.ledger import refused_sends
from tulia.ledger.refused_sends import RefusedSend
from tulia.tenants import idempotency
from tulia.tenants.api_keys import Caller
from tulia.tenants.audit import act
from tulia.tenants.permission import require
from tulia.tenants.scope import tenant_scope, tenant_view

SEES = "conversations:view"
ERASES = "users:manage"
EXPORTS = (SEES, "orders:view", "appointments:view")


@dataclass(frozen=True, slots=True)
class Erased:
    """When a customer was erased, and how many messages that waited for them won't be sent."""

    customer_id: UUID
    erased_at: datetime
    unsent_count: int


class PrivacyService:
    """What `caller` may do with the rights of their tenant's customers."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._tenant_id = caller.tenant_id

    def export_customer(self, customer_id: UUID) -> dict[str, Any]:
        """Everything held of one customer, as of one instant. Raises Missing."""
        for scope in EXPORTS:
            require(self._caller, scope)
        with act(self._caller, "customer.export") as entry:
            entry.target(customer_id)
            held = export.of_customer(self._tenant_id, customer_id)
            held["campaign_messages"] = ledger_export.of_customer(self._tenant_id, customer_id)
            return {"customer_id": customer_id, **held}

    def erase_customer(self, customer_id: UUID, *, reason: str) -> Erased:
        """Removes what names this customer from every table; the numbers of campaigns stay as they are.

        Whatever providers told of them is put into the ledger first, so that it is counted. Erasing again changes
        nothing. Raises Missing, and Invalid without a reason.
        """
        require(self._caller, ERASES)
        if not reason.strip():
            raise Invalid("reason must say why.", details={"reason": "must say why"})
        with tenant_scope(self._tenant_id):
            phone = erasure.find(self._tenant_id, customer_id).phone
        apply.apply_waiting(self._tenant_id)
        with act(self._caller, "customer.erase") as entry:
            entry.target(customer_id)
            # Locked in the order in which callbacks are applied: these, the ledger, the customers.
            ingest_erasure.erase(self._tenant_id, phone)
            unsent_count = ledger_erasure.erase(self._tenant_id, customer_id)
            person = erasure.find(self._tenant_id, customer_id)
            if person.erased_at is not None:
                entry.say(reason=reason.strip(), was_erased_at=person.erased_at)
                return Erased(customer_id, person.erased_at, 0)
            now = clock.now()
            erasure.erase(self._tenant_id, person, at=now)
            idempotency.forget(self._tenant_id, (str(customer_id), person.phone))
            entry.say(reason=reason.strip(), unsent=unsent_count)
            return Erased(customer_id, now, unsent_count)

    def refused_sends(
        self, wanted: PageRequest, *, campaign_id: UUID | None = None, customer_id: UUID | None = None
    ) -> Page[RefusedSend]:
        """The sends that were refused for want of consent."""
        require(self._caller, SEES)
        with tenant_view(self._tenant_id):
            return refused_sends.page(self._tenant_id, wanted, campaign_id=campaign_id, customer_id=customer_id)
