"""Erasing a person: what names them goes, what counts them stays. Called in the tenant's scope."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tulia.audience import suppression
from tulia.audience.models import Customer
from tulia.core import sql
from tulia.core.errors import Missing


@dataclass(frozen=True, slots=True)
class Erasable:
    """A customer who is to be erased; the phone is empty when that was done."""

    customer_id: UUID
    phone: str
    erased_at: datetime | None


def find(tenant_id: UUID, customer_id: UUID) -> Erasable:
    """The customer, deleted ones too, held until the end of the transaction. Raises Missing."""
    found = (
        Customer.objects.select_for_update(no_key=True)
        .filter(tenant_id=tenant_id, pk=customer_id)
        .values_list("phone", "erased_at")
        .first()
    )
    if found is None:
        raise Missing("There is no such customer.")
    return Erasable(customer_id, *found)


def erase(tenant_id: UUID, person: Erasable, *, at: datetime) -> None:
    """Empties everything of the audience that names this person.

    Country and language stay: they count people and name nobody. When promotional consent had been withdrawn, the number
    is suppressed one way.
    """
    row = sql.fetch_one(
        sql.load("audience", "erase_customer"), {"tenant": tenant_id, "customer": person.customer_id, "at": at}
    )
    if row and row[0]:
        suppression.add(tenant_id, person.phone, at=at)
    sql.execute(
        "SELECT erase_consent_reasons(%(tenant)s, %(customer)s)",
        {"tenant": tenant_id, "customer": person.customer_id},
    )


def any_since(tenant_id: UUID, since: datetime) -> bool:
    """Whether anybody was erased since then."""
    return Customer.objects.filter(tenant_id=tenant_id, erased_at__gte=since).exists()
