"""Reading campaigns, and the people a message is tried on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tulia.audience.models import Customer
from tulia.campaigns import render
from tulia.campaigns.models import STATUSES, MessageCampaign
from tulia.core import by_key, keyset
from tulia.core.errors import Forbidden, Invalid, Missing
from tulia.core.keyset import Page, PageRequest
from tulia.tenants import queries as tenants


class NoConsent(Forbidden):
    code = "no_consent"


@dataclass(frozen=True, slots=True)
class Person:
    """One customer as a message sees them."""

    phone: str
    context: dict[str, Any]


def page(tenant_id: UUID, wanted: PageRequest, *, status: str | None) -> Page[MessageCampaign]:
    """Newest first. Raises Invalid for a status that there isn't."""
    if status is None:
        return keyset.page_of(MessageCampaign, {"tenant_id": tenant_id}, wanted)
    if status not in STATUSES:
        known = ", ".join(STATUSES)
        raise Invalid(f"status must be one of {known}.", details={"status": f"must be one of {known}"})
    return keyset.page_of(MessageCampaign, {"tenant_id": tenant_id, "status": status}, wanted)


def status_of(tenant_id: UUID, campaign_id: UUID) -> str | None:
    """The present status; None when there is no such campaign."""
    return MessageCampaign.objects.filter(tenant_id=tenant_id, pk=campaign_id).values_list("status", flat=True).first()


def consenting_person(tenant_id: UUID, customer_id: UUID, *, now: datetime) -> Person:
    """A customer a message may be tried on. Raises Missing, and NoConsent: nothing skips the consent check."""
    customer = by_key.row(Customer, tenant_id=tenant_id, pk=customer_id, deleted_at=None)
    if customer is None:
        raise Missing("There is no such customer.")
    if not customer.consents_promotional:
        raise NoConsent("This customer doesn't agree to promotional messages, and a test is one.")
    context = render.context_of(
        name=customer.name, phone=customer.phone, external_id=customer.external_id or "", language=customer.language,
        country=customer.country, attributes=customer.attributes, now=now,
        timezone=customer.timezone or tenants.get(tenant_id).timezone,
    )  # fmt: skip
    return Person(customer.phone, context)
