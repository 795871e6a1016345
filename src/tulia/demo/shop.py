"""The demo tenant: a shop in Nairobi with customers, orders and conversations, so that everything can be tried at once."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tulia.channels import simulated
from tulia.core import clock, crypto, sql
from tulia.core.errors import Missing
from tulia.demo import approved, invent
from tulia.demo.invent import Customer, Shop
from tulia.tenants import access, accounts, api_keys, queries, tenant_settings
from tulia.tenants.scope import tenant_scope

NAME, SLUG = "Duka la Tulia", "demo"
EMAIL, OWNER = "owner@demo.tulia.example", "Zawadi Mwangi"
SEED = "duka-la-tulia"
_MICROS = 1_000_000


@dataclass(frozen=True, slots=True)
class DemoAccess:
    """How to get into the demo: by e-mail and password in the browser, by the key over the API."""

    tenant_id: UUID
    slug: str
    email: str
    password: str
    api_key: str


def ensure() -> DemoAccess:
    """Makes the demo tenant the first time, whole or not at all, and returns how to get in: the same each time.

    Password and key follow from the installation's secret key, so they are nobody else's. Of two at once, one makes it.
    """
    try:
        tenant_id = queries.by_slug(SLUG).pk
    except Missing:
        try:
            tenant_id = _make(now=clock.now())
        except accounts.SlugTaken:
            tenant_id = queries.by_slug(SLUG).pk
    return DemoAccess(tenant_id, SLUG, EMAIL, _password(), _api_key())


def _make(*, now: datetime) -> UUID:
    with sql.transaction_scope():
        tenant = accounts.create_tenant(SLUG, name=NAME, tier="enterprise")
        # So that it can be tried at any hour of the day.
        tenant_settings.change(tenant.pk, {"quiet_hours": None})
        accounts.add_member(tenant.pk, email=EMAIL, name=OWNER, role="owner", password=_password())
        api_keys.create(tenant.pk, name="Demo", scopes=access.SCOPES, key=_api_key())
        with tenant_scope(tenant.pk):
            simulated.ensure(tenant.pk)
            approved.add(tenant.pk)
            _stock(tenant.pk, invent.generate(SEED, now))
    return tenant.pk


def _password() -> str:
    """Ten letters and digits that can be read aloud (base32 has neither 0 nor 1)."""
    return base64.b32encode(crypto.derive("demo password")).decode().lower()[:10]


def _api_key() -> str:
    return api_keys.PREFIX + base64.urlsafe_b64encode(crypto.derive("demo api key")).decode().rstrip("=")


def _stock(tenant_id: UUID, shop: Shop) -> None:
    """Writes everything, each table in one statement."""
    _write(
        "customers (id, tenant_id, external_id, phone, name, language, timezone, country, attributes,"
        " consents_transactional, consents_reminder, consents_promotional, created_at, updated_at)",
        (
            (
                person.id, tenant_id, person.number, person.phone, person.name, person.language, "Africa/Nairobi", "KE",
                _attributes(person), True, person.stopped_at is None, person.agrees, person.joined_at,
                person.stopped_at or person.agreed_at or person.joined_at,
            )
            for person in shop.customers
        ),
    )  # fmt: skip
    _write(
        "customer_tags (tenant_id, tag, customer_id)",
        ((tenant_id, tag, person.id) for person in shop.customers for tag in person.tags),
    )
    _write(
        "consent_changes (tenant_id, customer_id, consent_type, old_value, new_value, source, actor, reason, changed_at)",
        _consent_changes(tenant_id, shop),
    )
    _write(
        "orders (id, tenant_id, customer_id, external_id, placed_at, total_micros, currency, status)",
        (
            (order.id, tenant_id, order.customer_id, order.number, order.placed_at, order.total * _MICROS, "KES",
             order.status)
            for order in shop.orders
        ),
    )  # fmt: skip
    _write(
        "bookings (id, tenant_id, customer_id, external_id, booked_at, starts_at, status)",
        (
            (booking.id, tenant_id, booking.customer_id, booking.number, booking.booked_at, booking.starts_at,
             booking.status)
            for booking in shop.bookings
        ),
    )  # fmt: skip
    _write(
        "conversations (id, tenant_id, customer_id, status, last_activity_at, last_inbound_at, created_at)",
        (
            (talk.id, tenant_id, talk.customer_id, talk.status, talk.messages[-1].sent_at,
             max(said.sent_at for said in talk.messages if said.direction == "inbound"), talk.messages[0].sent_at)
            for talk in shop.conversations
        ),
    )  # fmt: skip
    _write(
        "messages (id, tenant_id, conversation_id, direction, message_type, text, sent_at)",
        (
            (said.id, tenant_id, talk.id, said.direction, said.message_type, said.text, said.sent_at)
            for talk in shop.conversations
            for said in talk.messages
        ),
    )


def _attributes(person: Customer) -> str:
    return json.dumps(
        {
            "city": person.city,
            "favourite_product": person.favourite_product,
            "loyalty_points": person.loyalty_points,
        }
    )


def _consent_changes(tenant_id: UUID, shop: Shop) -> Iterator[tuple[Any, ...]]:
    """Opting in when they first bought or wrote; for some, STOP later, which ends reminders too."""
    for person in shop.customers:
        changes = [("promotional_messages", True, person.agreed_at, "Agreed at the till")]
        changes += [
            (consent_type, False, person.stopped_at, "Replied STOP")
            for consent_type in ("promotional_messages", "reminder_messages")
        ]
        for consent_type, value, at, reason in changes:
            if at is not None:
                yield (
                    tenant_id, person.id, consent_type, not value, value, "customer_initiated", "customer", reason, at,
                )  # fmt: skip


def _write(into: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """COPY into a staging table (row-level security refuses it elsewhere), then one INSERT; four times bulk_create."""
    table, _, listed = into.partition(" ")
    columns = listed.strip("()").split(", ")
    staging = f"demo_{table}"
    names = ", ".join(columns)
    sql.execute(f"CREATE TEMPORARY TABLE {staging} ON COMMIT DROP AS SELECT {names} FROM {table} LIMIT 0")  # noqa: S608
    sql.copy_rows(staging, columns, rows)
    sql.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM {staging}")  # noqa: S608
