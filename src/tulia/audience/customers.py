"""Customers one by one: made, changed, found, listed and taken away. Everything here is called in the tenant's scope."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.db.models import Q, QuerySet

from tulia.audience import consent, customer_fields, suppression
from tulia.audience import phone as phones
from tulia.audience.customer_fields import Wrong
from tulia.audience.models import Customer, CustomerTag
from tulia.core import by_key, sql
from tulia.core.errors import Conflict, Invalid, Missing
from tulia.core.keyset import Page, PageRequest, page, page_of
from tulia.tenants import queries

_COLUMNS = ("external_id", "phone", "name", "language", "timezone", "country", "attributes")
_UNIQUE = {"customers_phone_unique": "phone", "customers_external_id_unique": "external_id"}
_GIVEN_WHEN_ADDED = "given when the customer was added"


class CustomerExists(Conflict):
    """Another customer of this tenant has this phone or external id; `details` names the field."""

    code = "customer_exists"


@dataclass(frozen=True, slots=True)
class Person:
    """A customer as people see one. Empty texts are unknown."""

    id: UUID
    external_id: str | None
    phone: str
    name: str
    language: str
    timezone: str
    country: str
    tags: tuple[str, ...]
    attributes: Mapping[str, Any]
    preferences: consent.Preferences
    created_at: datetime
    updated_at: datetime


def create(tenant_id: UUID, given: Mapping[str, object], *, actor: str, at: datetime) -> Person:
    """A new customer: `phone` and any of external_id, name, language, timezone, country, tags, attributes.

    `consent_promotional: true` opts the person in, which the history names `actor` for, unless an erased person with this
    number had opted out. Without a country the phone's is taken. Raises Invalid naming every wrong field, and CustomerExists.
    """
    read = _read(tenant_id, {"phone": "", **given}, allowed={*_COLUMNS, "tags", "consent_promotional"})
    tags, consents = read.pop("tags", ()), read.pop("consent_promotional", None)
    read["country"] = read.get("country") or phones.country_of(read["phone"]) or ""
    read["attributes"] = _without_nulls(read.get("attributes", {}))
    with _unique_named(), sql.transaction_scope():
        withheld = suppression.unknown_among(tenant_id, [read["phone"]])
        customer = Customer.objects.create(tenant_id=tenant_id, **read)
        _set_tags(tenant_id, customer.pk, tags)
        suppression.withhold(tenant_id, withheld, at=at)
        if consents and not withheld:
            consent.change(
                tenant_id,
                customer.pk,
                consent_type="promotional_messages",
                value=True,
                source="tenant_updated",
                actor=actor,
                reason=_GIVEN_WHEN_ADDED,
                at=at,
            )
    return get(tenant_id, customer.pk)


def update(tenant_id: UUID, customer_id: UUID, given: Mapping[str, object], *, at: datetime) -> Person:
    """Changes the fields that are given. Tags are replaced; attributes are merged, null taking one away.

    Raises Missing, Invalid naming every wrong field, and CustomerExists.
    """
    read = _read(tenant_id, given, allowed={*_COLUMNS, "tags"})
    with _unique_named(), sql.transaction_scope():
        customer = _live(tenant_id).select_for_update().filter(pk=customer_id).first()
        if customer is None:
            raise Missing("There is no such customer.")
        tags = read.pop("tags", None)
        if "attributes" in read:
            read["attributes"] = _without_nulls({**customer.attributes, **read["attributes"]})
            if len(read["attributes"]) > customer_fields.MAX_ATTRIBUTES:
                raise _invalid({"attributes": f"must be {customer_fields.MAX_ATTRIBUTES} at most, old ones included"})
        for name, value in read.items():
            setattr(customer, name, value)
        customer.updated_at = at
        customer.save(update_fields=[*read, "updated_at"])
        if tags is not None:
            _set_tags(tenant_id, customer_id, tags)
    return get(tenant_id, customer_id)


def delete(tenant_id: UUID, customer_id: UUID, *, at: datetime) -> None:
    """Takes a customer away: no list, segment or campaign finds it any more; phone and external id are free again.

    Raises Missing.
    """
    if not _live(tenant_id).filter(pk=customer_id).update(deleted_at=at, updated_at=at):
        raise Missing("There is no such customer.")


def get(tenant_id: UUID, customer_id: UUID) -> Person:
    """Raises Missing."""
    customer = by_key.row(Customer, tenant_id=tenant_id, pk=customer_id, deleted_at=None)
    if customer is None:
        raise Missing("There is no such customer.")
    return _people(tenant_id, [customer])[0]


def listed(
    tenant_id: UUID,
    wanted: PageRequest,
    *,
    tag: str = "",
    phone: str = "",
    external_id: str = "",
    q: str = "",
) -> Page[Person]:
    """A page of customers, the newest first, in two queries. `q` looks for a piece of the name, phone or external id.

    `phone` may be written as people do; one that is no phone number finds nobody.
    """
    equal: dict[str, object] = {"tenant_id": tenant_id, "deleted_at": None}
    if phone:
        try:
            equal["phone"] = customer_fields.read_phone(phone, country=queries.get(tenant_id).country)
        except Wrong:
            return Page([])
    if external_id:
        equal["external_id"] = external_id
    if tag or q:
        rows = _live(tenant_id).filter(**equal)
        if tag:
            rows = rows.filter(pk__in=CustomerTag.objects.filter(tenant_id=tenant_id, tag=tag).values("customer_id"))
        if q:
            rows = rows.filter(Q(name__icontains=q) | Q(phone__contains=q) | Q(external_id__icontains=q))
        found = page(rows, wanted)
    else:
        found = page_of(Customer, equal, wanted)
    return Page(_people(tenant_id, found.results), found.next, found.previous)


def _live(tenant_id: UUID) -> QuerySet[Customer]:
    return Customer.objects.filter(tenant_id=tenant_id, deleted_at=None)


def _people(tenant_id: UUID, customers: Iterable[Customer]) -> list[Person]:
    customers = list(customers)
    tags: dict[UUID, list[str]] = {customer.pk: [] for customer in customers}
    of_these = {"tenant_id": tenant_id, "customer_ids": list(tags)}
    for customer_id, tag in sql.fetch_all(sql.load("audience", "tags_of_customers"), of_these):
        tags[customer_id].append(tag)
    return [
        Person(
            id=customer.pk,
            external_id=customer.external_id,
            phone=customer.phone,
            name=customer.name,
            language=customer.language,
            timezone=customer.timezone,
            country=customer.country,
            tags=tuple(tags[customer.pk]),
            attributes=customer.attributes,
            preferences=consent.Preferences(
                customer.consents_transactional, customer.consents_reminder, customer.consents_promotional
            ),
            created_at=customer.created_at,
            updated_at=customer.updated_at,
        )
        for customer in customers
    ]


def _read(tenant_id: UUID, given: Mapping[str, object], *, allowed: set[str]) -> dict[str, Any]:
    readers: dict[str, Callable[[Any], Any]] = {
        "external_id": lambda value: None if value is None else customer_fields.read_external_id(value),
        "phone": partial(customer_fields.read_phone, country=queries.get(tenant_id).country),
        "name": customer_fields.read_text,
        "language": customer_fields.read_language,
        "timezone": customer_fields.read_timezone,
        "country": customer_fields.read_country,
        "tags": customer_fields.read_tags,
        "attributes": customer_fields.read_attributes,
        "consent_promotional": customer_fields.read_flag,
    }
    read: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for name, value in given.items():
        if name not in allowed:
            wrong[name] = "unknown field"
            continue
        try:
            read[name] = readers[name](value)
        except Wrong as error:
            wrong[name] = error.reason
    if wrong:
        raise _invalid(wrong)
    return read


def _invalid(wrong: Mapping[str, str]) -> Invalid:
    return Invalid("; ".join(f"{field} {what}" for field, what in wrong.items()) + ".", details=wrong)


def _set_tags(tenant_id: UUID, customer_id: UUID, tags: Iterable[str]) -> None:
    wanted = set(tags)
    present = CustomerTag.objects.filter(tenant_id=tenant_id, customer_id=customer_id)
    present.exclude(tag__in=wanted).delete()
    CustomerTag.objects.bulk_create(
        [CustomerTag(tenant_id=tenant_id, customer_id=customer_id, tag=tag) for tag in sorted(wanted)],
        ignore_conflicts=True,
    )


def _without_nulls(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}


@contextlib.contextmanager
def _unique_named() -> Iterator[None]:
    """Turns a violated unique constraint into CustomerExists, which names the field."""
    try:
        yield
    except IntegrityError as error:
        constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
        field = _UNIQUE.get(constraint or "")
        if field is None:
            raise
        raise CustomerExists(
            f"Another customer has this {field} already.", details={field: "belongs to another customer"}
        ) from error
